/* SPDX-License-Identifier: MIT */
/*
 * The last check before a flip: packets for the candidate policy through the loaded program, by
 * the slot it lies in, held against what policy_openings() says.
 */
#ifndef ROLEWALL_SELFTEST_H
#define ROLEWALL_SELFTEST_H

#include "kernel.h"
#include "policy.h"

struct selftest {
	size_t probes;
};

/*
 * For each kind of pool every opening's ends must pass and the ports beside it must drop, in both
 * directions, and IKE must meet IPsec's rules; every other pool gets one of each. ESP must pass
 * between the ends of each `ipsec:` pair. Returns 0, -EBADMSG where a verdict differs (message on
 * stderr), or -errno.
 */
int selftest_run(const struct kernel *kernel, const struct policy *policy, __u32 slot,
		 struct selftest *test);

/*
 * An address that prefix INDEX of the policy is the longest match of; false if the first 256 are
 * all taken by prefixes inside.
 */
bool selftest_address(const struct policy *policy, size_t index, struct prefix *address);
/* The part for pairs. */
int selftest_pairs(const struct kernel *kernel, const struct policy *policy, __u32 slot,
		   struct selftest *test);

#endif
