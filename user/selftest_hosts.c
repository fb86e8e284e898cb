/* SPDX-License-Identifier: MIT */
#include "selftest_hosts.h"

#include <errno.h>
#include <stdlib.h>

static unsigned int bits_of(const struct prefix *prefix)
{
	return prefix->family == FAMILY_IPV4 ? 32 : 128;
}

/* --- who has an address */

static const struct policy_prefix *find_prefix(const struct policy *policy,
					       const struct prefix *prefix)
{
	size_t low = 0, high = policy->n_prefixes;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = prefix_compare(&policy->prefixes[middle].prefix, prefix);

		if (!order)
			return &policy->prefixes[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* The pool with the longest prefix around an address, or NULL. */
static const struct policy_pool *owner(const struct policy *policy, const struct prefix *address)
{
	struct prefix around = *address;
	const struct policy_prefix *found = find_prefix(policy, &around);

	while (!found && around.length) {
		around.length--;
		around.address.byte[around.length / 8] &= (__u8) ~(0x80U >> around.length % 8);
		found = find_prefix(policy, &around);
	}
	return found ? &policy->pools[found->pool] : NULL;
}

/* --- hosts of pools */

/* Prefixes inside prefix INDEX follow it in the sorted list. */
static bool is_inside(const struct policy *policy, size_t index, const struct prefix *address)
{
	const struct prefix *prefix = &policy->prefixes[index].prefix;

	for (size_t i = index + 1; i < policy->n_prefixes; i++) {
		if (!prefix_covers(prefix, &policy->prefixes[i].prefix))
			break;
		if (prefix_covers(&policy->prefixes[i].prefix, address))
			return true;
	}
	return false;
}

bool host_of_prefix(const struct policy *policy, size_t index, unsigned int nth,
		    struct party *party)
{
	const struct policy_prefix *held = &policy->prefixes[index];
	unsigned int bits = bits_of(&held->prefix), free = bits - held->prefix.length;
	unsigned int last = free >= 8 ? 255 : (1U << free) - 1;

	for (unsigned int i = 0; i <= last; i++) {
		struct prefix address = held->prefix;

		address.length = (__u8)bits;
		address.address.byte[bits / 8 - 1] |= (__u8)i;
		if (is_inside(policy, index, &address) || nth--)
			continue;
		*party = (struct party){address, &policy->pools[held->pool]};
		return true;
	}
	return false;
}

/* Two of each pool, of one prefix only where it has no other. */
static void find_of_pools(struct hosts *hosts)
{
	const struct policy *policy = hosts->policy;

	for (unsigned int nth = 0; nth < 2; nth++) {
		for (size_t i = 0; i < policy->n_prefixes; i++) {
			const struct policy_prefix *held = &policy->prefixes[i];
			struct party *found =
				hosts->of_pool[host_group(held->pool, held->prefix.family)];

			if (!found[0].address.family)
				host_of_prefix(policy, i, nth, &found[0]);
			else if (!found[1].address.family)
				host_of_prefix(policy, i, nth, &found[1]);
		}
	}
}

/* Addresses for documentation (RFC 5737, RFC 3849, RFC 9637). */
static const char *const outside[2][4] = {
	{"192.0.2.1", "198.51.100.1", "203.0.113.1", NULL},
	{"2001:db8:ffff:ffff::1", "3fff:fff:ffff::1", "2001:db8::1", NULL},
};

/* The first that no pool holds; where peers are everywhere, the first that is not guarded. */
static void find_outside(const struct policy *policy, int family, struct party *party)
{
	for (int held = 0; held < 2; held++)
		for (int i = 0; outside[family][i]; i++) {
			struct party found = {0};

			if (prefix_parse(outside[family][i], &found.address))
				continue;
			found.pool = owner(policy, &found.address);
			if (found.pool && (!held || found.pool->guarded))
				continue;
			*party = found;
			return;
		}
}

int hosts_find(const struct policy *policy, struct hosts *hosts)
{
	*hosts = (struct hosts){.policy = policy};
	hosts->of_pool = calloc(policy->n_pools * 2 + 1, sizeof(*hosts->of_pool));
	if (!hosts->of_pool)
		return -ENOMEM;
	find_of_pools(hosts);
	for (int family = 0; family < 2; family++)
		find_outside(policy, family, &hosts->outside[family]);
	return 0;
}

void hosts_free(struct hosts *hosts)
{
	free(hosts->of_pool);
}

/* --- peers */

static bool take_of_pool(const struct hosts *hosts, size_t pool, const struct prefix *taken,
			 struct party *party)
{
	const struct party *both = hosts->of_pool[host_group(pool, taken->family)];

	for (int i = 0; i < 2; i++) {
		if (!both[i].address.family || !prefix_compare(&both[i].address, taken))
			continue;
		*party = both[i];
		return true;
	}
	return false;
}

/* The second or third address of a prefix, or its only one, if a host may have it. */
static bool take_of_prefix(const struct hosts *hosts, const struct prefix *prefix,
			   const struct prefix *taken, struct party *party)
{
	unsigned int bits = bits_of(prefix), free = bits - prefix->length;

	if (prefix->family != taken->family)
		return false;
	for (unsigned int i = free ? 1 : 0; i <= (free > 1 ? 2U : free); i++) {
		struct prefix address = *prefix;

		address.length = (__u8)bits;
		address.address.byte[bits / 8 - 1] |= (__u8)i;
		if (prefix_reserved(&address) || !prefix_compare(&address, taken))
			continue;
		*party = (struct party){address, owner(hosts->policy, &address)};
		return true;
	}
	return false;
}

bool host_admitted(const struct hosts *hosts, size_t peers, const struct prefix *taken, size_t turn,
		   struct party *party)
{
	const struct peers *condition = &hosts->policy->peers[peers];
	size_t count = condition->n_pools + condition->n_prefixes;

	for (size_t i = 0; i < count; i++) {
		size_t which = (turn + i) % count;

		if (which < condition->n_pools
			    ? take_of_pool(hosts, condition->pools[which], taken, party)
			    : take_of_prefix(hosts,
					     &condition->prefixes[which - condition->n_pools],
					     taken, party))
			return true;
	}
	return false;
}

bool host_refused(const struct hosts *hosts, const struct opening *opening,
		  const struct prefix *taken, size_t turn, struct party *party)
{
	const struct policy *policy = hosts->policy;

	for (size_t i = 0; i < policy->n_pools; i++) {
		bool admitted = false;

		if (!take_of_pool(hosts, (turn + i) % policy->n_pools, taken, party))
			continue;
		for (size_t j = 0; j < opening->n_grants && !admitted; j++)
			admitted = expect_admits(policy, opening->grants[j]->peers, party);
		if (!admitted)
			return true;
	}
	return false;
}
