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
 * In every pool every opening must pass; of each kind of pool, one is asked for both ends of each
 * opening and the ports beside them, which must drop, in both directions, and for IKE, which must
 * meet IPsec's rules. What takes longer than a second says where it is on stderr. ESP must pass
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
