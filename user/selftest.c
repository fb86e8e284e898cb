/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <netinet/in.h>
#include <search.h>
#include <stdio.h>

#include "cleanup.h"
#include "expectation.h"
#include "frame_build.h"
#include "port_tables.h"
#include "progress.h"
#include "row.h"
#include "running.h"
#include "selftest.h"
#include "string_list.h"

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

/* Prefixes inside a prefix follow it in the sorted list. */
bool selftest_address(const struct policy *policy, size_t index, struct prefix *address)
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

/*
 * Where the packet comes from: a guarded host that asks does so from a port that is shut, or its
 * datagram could be an answer. 0: all that are tried are open.
 */
static uint16_t source_port(const struct expectation *expectation, enum direction direction)
{
	static const uint16_t ports[] = {40000, 30000, 9, 1};

	for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
		struct expectation back = *expectation;

		back.port = ports[i];
		if (direction == DIRECTION_IN || expect_inbound(&back) < FIRST_PASS_REASON)
			return ports[i];
	}
	return 0;
}

/* Asks about the packet that is expected one way, or the other. */
static int ask(struct run *run, const struct expectation *expectation, enum direction direction)
{
	bool in = direction == DIRECTION_IN;
	struct question question = {
		.source = in ? expectation->other : expectation->own,
		.destination = in ? expectation->own : expectation->other,
		.protocol = expectation->transport == TRANSPORT_TCP ? IPPROTO_TCP : IPPROTO_UDP,
		.source_port = source_port(expectation, direction),
		.destination_port = (uint16_t)expectation->port,
	};
	enum reason want = in ? expect_inbound(expectation) : expect_outbound(expectation);
	unsigned char frame[FRAME_BUILD_MAX];
	struct probe_request request = {
		.frame = frame,
		.length = frame_build(&question, frame),
		.slot = run->slot,
	};
	struct probe_result result;
	char address[PREFIX_TEXT];
	int err;

	if (!question.source_port)
		return 0;
	err = kernel_probe(run->kernel, &request, &result);
	run->test->probes++;
	if (err) {
		fprintf(stderr, "rolewall: self-test: cannot run the program: %s\n",
			strerror(-err));
		return err;
	}
	/* It can be a packet of a flow by now, which passes, and that is right. */
	if (result.reason == want ||
	    (result.reason == (in ? REASON_flow : REASON_outbound) && want < N_DROP_REASONS))
		return 0;
	fprintf(stderr, "rolewall: self-test: pool %s: %s %s port %s/%u: %s, not %s\n",
		expectation->pool->name, in ? "to" : "from",
		prefix_format(&expectation->own, address, sizeof(address)),
		transports_name(expectation->transport), expectation->port,
		reason_name(result.reason), reason_name(want));
	return -EBADMSG;
}

/* The ends of opening I and the ports beside it; not WHOLE: its first port alone. */
static int ask_opening(struct run *run, struct expectation *expectation, size_t i, bool whole)
{
	const struct opening *opening = &expectation->openings[i];
	const struct port_range range = opening->ports;
	const int ports[] = {range.first, range.last, range.first - 1, range.last + 1};
	int err = 0;

	expectation->transport = opening->transport;
	for (int k = 0; k < (whole ? 4 : 1) && !err; k++) {
		if (ports[k] < 1 || ports[k] > 65535)
			continue;
		expectation->port = (unsigned int)ports[k];
		err = ask(run, expectation, opening->direction);
	}
	return err;
}

/* IKE, and what the matrix does not mention: no row may be behind them. */
static int ask_others(struct run *run, struct expectation *expectation)
{
	static const unsigned int ports[] = {PORT_IKE, PORT_IKE_NAT, 9};
	int err = 0;

	expectation->transport = TRANSPORT_UDP;
	for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]) && !err; i++) {
		expectation->port = ports[i];
		err = ask(run, expectation, DIRECTION_IN);
		if (!err)
			err = ask(run, expectation, DIRECTION_OUT);
	}
	return err;
}

/* Every opening, so every row; WHOLE: what lies beside them, too. */
static int ask_pool(struct run *run, size_t index, bool whole)
{
	const struct policy_prefix *prefix = &run->policy->prefixes[index];
	const struct policy_pool *pool = &run->policy->pools[prefix->pool];
	struct expectation expectation = {
		.policy = run->policy,
		.pool = pool,
		.other = run->source[prefix->prefix.family == FAMILY_IPV6],
	};
	struct opening *openings;
	int err;

	if (!pool->guarded || !expectation.other.family ||
	    !selftest_address(run->policy, index, &expectation.own))
		return 0;
	err = policy_openings(pool, &openings, &expectation.n_openings);
	if (err)
		return err;
	expectation.openings = openings;
	for (size_t i = 0; i < expectation.n_openings && !err; i++)
		err = ask_opening(run, &expectation, i, whole);
	if (!err && whole)
		err = ask_others(run, &expectation);
	openings_free(openings, expectation.n_openings);
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
	struct progress progress;
	size_t i;

	progress_begin(&progress, "self-test", "prefixes");
	choose_sources(&run);
	for (i = 0; i < policy->n_prefixes && !err; i++) {
		const struct policy_prefix *prefix = &policy->prefixes[i];
		size_t which = prefix->pool * 2 + (prefix->prefix.family == FAMILY_IPV6);

		/* All prefixes of a pool lead to one record: one of each family is asked. */
		if (asked[which])
			continue;
		asked[which] = true;
		progress_step(&progress, i, policy->n_prefixes);
		err = ask_pool(&run, i, first_of_kind(&kinds, policy, i, &keys[i]));
	}
	if (!err)
		err = selftest_pairs(kernel, policy, slot, test);
	hdestroy_r(&kinds);
	for (i = 0; keys && i < policy->n_prefixes; i++)
		free(keys[i]);
	free(keys);
	return err;
}
