/* SPDX-License-Identifier: MIT */
/* Between whom the self-test's packets go. */
#ifndef ROLEWALL_SELFTEST_HOSTS_H
#define ROLEWALL_SELFTEST_HOSTS_H

#include "expectation.h"

/* One of each family: IPv4, IPv6. A party without a family is none. */
struct hosts {
	const struct policy *policy;
	struct party outside[2]; /* of no pool, or at least not guarded */
	struct party (*of_pool)[2]; /* two of each pool and family, by host_group() */
};

static inline size_t host_group(size_t pool, enum family family)
{
	return pool * 2 + (family == FAMILY_IPV6);
}

/* Returns 0 or -ENOMEM; to be freed in any case. */
int hosts_find(const struct policy *policy, struct hosts *hosts);
void hosts_free(struct hosts *hosts);

/*
 * Address number NTH of those that prefix INDEX of the policy is the longest match of; false if there
 * are not so many among its first 256.
 */
bool host_of_prefix(const struct policy *policy, size_t index, unsigned int nth,
		    struct party *party);
/*
 * One whom the condition, an index into policy.peers, admits, other than TAKEN; another TURN may
 * find another one. False if there is none of this family.
 */
bool host_admitted(const struct hosts *hosts, size_t peers, const struct prefix *taken, size_t turn,
		   struct party *party);
/* One of a pool whom no row of the opening admits. */
bool host_refused(const struct hosts *hosts, const struct opening *opening,
		  const struct prefix *taken, size_t turn, struct party *party);

#endif
