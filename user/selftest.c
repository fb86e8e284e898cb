/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <netinet/in.h>
#include <search.h>
#include <stdio.h>

#include "cleanup.h"
#include "frame_build.h"
#include "packet.h"
#include "running.h"
#include "selftest.h"
#include "string_list.h"

#define SOURCE_PORT 40000

struct run {
	const struct kernel *kernel;
	const struct policy *policy;
	__u32 slot;
	struct selftest *test;
	struct prefix source[2]; /* an unlisted address of each family; family 0 = there is none */
};

/* Addresses for documentation (RFC 5737, RFC 3849, RFC 9637): the first that no pool holds. */
static const char *const outside[2][4] = {
	{"192.0.2.1", "198.51.100.1", "203.0.113.1", NULL},
	{"2001:db8:ffff:ffff::1", "3fff:fff:ffff::1", "2001:db8::1", NULL},
};

static bool in_a_pool(const struct policy *policy, const struct prefix *address)
{
	for (size_t i = 0; i < policy->n_prefixes; i++)
		if (prefix_covers(&policy->prefixes[i].prefix, address))
			return true;
	return false;
}

static void choose_sources(struct run *run)
{
	for (int family = 0; family < 2; family++)
		for (int i = 0; outside[family][i] && !run->source[family].family; i++) {
			struct prefix address;

			if (!prefix_parse(outside[family][i], &address) &&
			    !in_a_pool(run->policy, &address))
				run->source[family] = address;
		}
}

/*
 * An address that prefix INDEX is the longest match of. Prefixes inside it follow it in the sorted
 * list. False if the first 256 addresses are all taken by such.
 */
static bool pick_address(const struct policy *policy, size_t index, struct prefix *address)
{
	const struct prefix *prefix = &policy->prefixes[index].prefix;
	unsigned int bits = prefix->family == FAMILY_IPV4 ? 32 : 128, k, last;
	size_t i;

	last = bits - prefix->length >= 8 ? 255 : (1U << (bits - prefix->length)) - 1;
	for (k = 0; k <= last; k++) {
		*address = *prefix;
		address->length = (__u8)bits;
		address->address.byte[bits / 8 - 1] |= (__u8)k;
		for (i = index + 1; i < policy->n_prefixes; i++) {
			if (!prefix_covers(prefix, &policy->prefixes[i].prefix)) {
				i = policy->n_prefixes;
				break;
			}
			if (prefix_covers(&policy->prefixes[i].prefix, address))
				break;
		}
		if (i >= policy->n_prefixes)
			return true;
	}
	return false;
}

static bool admits(const struct policy *policy, const struct grant *grant,
		   const struct prefix *source)
{
	const struct peers *peers = &policy->peers[grant->peers];

	if (!grant->peers)
		return true;
	for (size_t i = 0; i < peers->n_prefixes; i++)
		if (prefix_covers(&peers->prefixes[i], source))
			return true;
	return false;
}

/* `asymmetric: true`; what is asked in TCP is a SYN, never a reply. */
static bool may_be_reply(const struct policy *policy, const struct question *question)
{
	return policy->site->asymmetric && question->protocol == IPPROTO_UDP &&
	       question->destination_port >= FIRST_DYNAMIC_PORT;
}

/* What the policy says of a port. */
static enum reason expected(const struct policy *policy, const struct opening *openings,
			    size_t count, const struct question *question)
{
	enum transport transport = question->protocol == IPPROTO_TCP ? TRANSPORT_TCP
								     : TRANSPORT_UDP;

	for (size_t i = 0; i < count; i++) {
		const struct opening *opening = &openings[i];

		if (opening->direction != DIRECTION_IN || opening->transport != transport ||
		    question->destination_port < opening->ports.first ||
		    question->destination_port > opening->ports.last)
			continue;
		for (size_t j = 0; j < opening->n_grants; j++)
			if (admits(policy, opening->grants[j], &question->source))
				return REASON_matrix;
		return may_be_reply(policy, question) ? REASON_asymmetric
						      : REASON_source_not_allowed;
	}
	return may_be_reply(policy, question) ? REASON_asymmetric : REASON_port_not_in_matrix;
}

static int ask(struct run *run, const struct policy_pool *pool, const struct question *question,
	       enum reason want)
{
	unsigned char frame[FRAME_BUILD_MAX];
	struct probe_request request = {
		.frame = frame,
		.length = frame_build(question, frame),
		.slot = run->slot,
	};
	struct probe_result result;
	char address[PREFIX_TEXT];
	int err = kernel_probe(run->kernel, &request, &result);

	run->test->probes++;
	if (err) {
		fprintf(stderr, "rolewall: self-test: cannot run the program: %s\n",
			strerror(-err));
		return err;
	}
	/* A port can be a flow's by now; the reply passes, and that is right. */
	if (result.reason == want || (result.reason == REASON_flow && want < N_DROP_REASONS))
		return 0;
	fprintf(stderr, "rolewall: self-test: pool %s: %s port %s/%u: %s, not %s\n", pool->name,
		prefix_format(&question->destination, address, sizeof(address)),
		question->protocol == IPPROTO_TCP ? "tcp" : "udp", question->destination_port,
		reason_name(result.reason), reason_name(want));
	return -EBADMSG;
}

/* The ends of opening I and the ports beside it. */
static int ask_opening(struct run *run, const struct policy_pool *pool,
		       const struct opening *openings, size_t count, size_t i,
		       struct question *question)
{
	const struct port_range range = openings[i].ports;
	const int ports[] = {range.first, range.last, range.first - 1, range.last + 1};
	int err = 0;

	question->protocol = openings[i].transport == TRANSPORT_TCP ? IPPROTO_TCP : IPPROTO_UDP;
	for (int k = 0; k < 4 && !err; k++) {
		if (ports[k] < 1 || ports[k] > 65535)
			continue;
		question->destination_port = (uint16_t)ports[k];
		err = ask(run, pool, question, expected(run->policy, openings, count, question));
	}
	return err;
}

/* WHOLE: every opening; else the first alone. */
static int ask_pool(struct run *run, size_t index, bool whole)
{
	const struct policy_prefix *prefix = &run->policy->prefixes[index];
	const struct policy_pool *pool = &run->policy->pools[prefix->pool];
	const struct prefix *source = &run->source[prefix->prefix.family == FAMILY_IPV6];
	struct question question = {.source = *source, .source_port = SOURCE_PORT};
	struct opening *openings;
	size_t count, i;
	int err;

	if (!pool->guarded || !source->family ||
	    !pick_address(run->policy, index, &question.destination))
		return 0;
	err = policy_openings(pool, &openings, &count);
	if (err)
		return err;
	for (i = 0; i < count && !err; i++) {
		if (openings[i].direction != DIRECTION_IN)
			continue;
		err = ask_opening(run, pool, openings, count, i, &question);
		if (!whole)
			break;
	}
	openings_free(openings, count);
	return err;
}

/* Pools with the same roles open the same; the first of each kind and family is asked in whole. */
static bool first_of_kind(struct hsearch_data *kinds, const struct policy *policy, size_t index,
			  char **key)
{
	const struct policy_prefix *prefix = &policy->prefixes[index];
	_cleanup_free_ char *roles = strings_join(&policy->pools[prefix->pool].roles, " ");
	ENTRY entry = {0}, *found;

	if (!roles || asprintf(key, "%u %s", prefix->prefix.family, roles) < 0)
		return true;
	entry.key = *key;
	if (hsearch_r(entry, FIND, &found, kinds))
		return false;
	hsearch_r(entry, ENTER, &found, kinds);
	return true;
}

int selftest_run(const struct kernel *kernel, const struct policy *policy, __u32 slot,
		 struct selftest *test)
{
	struct run run = {.kernel = kernel, .policy = policy, .slot = slot, .test = test};
	char **keys = calloc(policy->n_prefixes + 1, sizeof(*keys));
	struct hsearch_data kinds = {0};
	_cleanup_free_ bool *asked = calloc(policy->n_pools * 2 + 1, sizeof(*asked));
	int err = keys && asked && hcreate_r(policy->n_prefixes * 2 + 8, &kinds) ? 0 : -ENOMEM;
	size_t i;

	choose_sources(&run);
	for (i = 0; i < policy->n_prefixes && !err; i++) {
		const struct policy_prefix *prefix = &policy->prefixes[i];
		size_t which = prefix->pool * 2 + (prefix->prefix.family == FAMILY_IPV6);

		/* All prefixes of a pool lead to one record: one of each family is asked. */
		if (asked[which])
			continue;
		asked[which] = true;
		err = ask_pool(&run, i, first_of_kind(&kinds, policy, i, &keys[i]));
	}
	hdestroy_r(&kinds);
	for (i = 0; keys && i < policy->n_prefixes; i++)
		free(keys[i]);
	free(keys);
	return err;
}
