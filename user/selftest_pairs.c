/* SPDX-License-Identifier: MIT */
/* The self-test of `ipsec:`: ESP between the ends of every pair, both ways. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "frame_build.h"
#include "running.h"
#include "selftest.h"

static const struct policy_pool *owner(const struct policy *policy, const struct prefix *address)
{
	const struct policy_prefix *longest = NULL;

	/* sorted, so of those around the address the last is the longest */
	for (size_t i = 0; i < policy->n_prefixes; i++) {
		if (prefix_covers(&policy->prefixes[i].prefix, address))
			longest = &policy->prefixes[i];
	}
	return longest ? &policy->pools[longest->pool] : NULL;
}

/* The second address of a prefix, or its only one. False if no host has such. */
static bool second_address(const struct prefix *prefix, struct prefix *address)
{
	unsigned int bits = prefix->family == FAMILY_IPV4 ? 32 : 128;

	*address = *prefix;
	address->length = (__u8)bits;
	if (prefix->length < bits)
		address->address.byte[bits / 8 - 1] |= 1;
	return !prefix_reserved(address);
}

/* An address of the peers that is not TAKEN, as a role may be paired with itself. */
static bool find_end(const struct policy *policy, const struct peers *peers, enum family family,
		     const struct prefix *taken, struct prefix *address)
{
	for (size_t i = 0; i < policy->n_prefixes; i++) {
		for (size_t j = 0; j < peers->n_pools; j++) {
			if (policy->prefixes[i].pool == peers->pools[j] &&
			    policy->prefixes[i].prefix.family == family &&
			    selftest_address(policy, i, address) && prefix_compare(address, taken))
				return true;
		}
	}
	for (size_t i = 0; i < peers->n_prefixes; i++) {
		if (peers->prefixes[i].family == family &&
		    second_address(&peers->prefixes[i], address) && prefix_compare(address, taken))
			return true;
	}
	return false;
}

struct ends {
	struct prefix one, other;
};

struct run {
	const struct kernel *kernel;
	const struct policy *policy;
	__u32 slot;
	struct selftest *test;
};

static int ask_ends(const struct run *run, const struct ends *ends)
{
	struct question question = {
		.source = ends->one,
		.destination = ends->other,
		.protocol = IPPROTO_ESP,
	};
	unsigned char frame[FRAME_BUILD_MAX];
	struct probe_request request = {
		.frame = frame,
		.length = frame_build(&question, frame),
		.slot = run->slot,
	};
	struct probe_result result;
	char from[PREFIX_TEXT], to[PREFIX_TEXT];
	int err = kernel_probe(run->kernel, &request, &result);

	run->test->probes++;
	if (err)
		fprintf(stderr, "rolewall: self-test: cannot run the program: %s\n",
			strerror(-err));
	if (err || result.reason == REASON_ipsec)
		return err;
	fprintf(stderr, "rolewall: self-test: ESP from %s to %s: %s, not %s\n",
		prefix_format(&ends->one, from, sizeof(from)),
		prefix_format(&ends->other, to, sizeof(to)), reason_name(result.reason),
		reason_name(REASON_ipsec));
	return -EBADMSG;
}

static bool is_guarded(const struct policy *policy, const struct prefix *address)
{
	const struct policy_pool *pool = owner(policy, address);

	return pool && pool->guarded;
}

static int ask_pair(const struct run *run, const struct ipsec_pair *pair, enum family family)
{
	const struct policy *policy = run->policy;
	const struct prefix nothing = {0};
	struct ends ends, back;
	int err;

	if (!find_end(policy, &policy->peers[pair->peers[0]], family, &nothing, &ends.one) ||
	    !find_end(policy, &policy->peers[pair->peers[1]], family, &ends.one, &ends.other))
		return 0;
	if (!is_guarded(policy, &ends.one) && !is_guarded(policy, &ends.other))
		return 0;
	back = (struct ends){ends.other, ends.one};
	err = ask_ends(run, &ends);
	return err ? err : ask_ends(run, &back);
}

int selftest_pairs(const struct kernel *kernel, const struct policy *policy, __u32 slot,
		   struct selftest *test)
{
	const struct run run = {kernel, policy, slot, test};
	int err = 0;

	for (size_t i = 0; i < policy->n_ipsec && !err; i++) {
		err = ask_pair(&run, &policy->ipsec[i], FAMILY_IPV4);
		if (!err)
			err = ask_pair(&run, &policy->ipsec[i], FAMILY_IPV6);
	}
	return err;
}
