/* SPDX-License-Identifier: MIT */
#include "pool_kinds.h"

#include <errno.h>

#include "cleanup.h"
#include "registry.h"
#include "string_list.h"

static int add_kind(struct pool_kinds *kinds, const struct policy_pool *pool)
{
	struct pool_kind kind = {0};
	int rc = policy_openings(pool, &kind.openings, &kind.n_openings);

	if (!rc)
		kinds->items[kinds->count++] = kind;
	return rc;
}

int pool_kinds_make(const struct policy *policy, struct pool_kinds *kinds)
{
	_cleanup_(registry_free) struct registry names = {0};

	*kinds = (struct pool_kinds){
		.items = calloc(policy->n_pools + 1, sizeof(*kinds->items)),
		.of_pool = calloc(policy->n_pools + 1, sizeof(*kinds->of_pool)),
	};
	if (!kinds->items || !kinds->of_pool || registry_init(&names, policy->n_pools + 2))
		return -ENOMEM;
	for (size_t i = 0; i < policy->n_pools; i++) {
		const struct policy_pool *pool = &policy->pools[i];
		_cleanup_free_ char *roles = strings_join(&pool->roles, " ");
		size_t id = roles ? registry_id(&names, roles) : 0;

		if (!id || (id > kinds->count && add_kind(kinds, pool)))
			return -ENOMEM;
		kinds->of_pool[i] = id - 1;
	}
	return 0;
}

void pool_kinds_free(struct pool_kinds *kinds)
{
	for (size_t i = 0; i < kinds->count; i++)
		openings_free(kinds->items[i].openings, kinds->items[i].n_openings);
	free(kinds->items);
	free(kinds->of_pool);
}

struct opening_list kind_openings(const struct pool_kind *kind, enum direction direction,
				  enum transport transport)
{
	size_t first = 0, end;

	if (!kind->n_openings)
		return (struct opening_list){0};
	while (first < kind->n_openings && (kind->openings[first].direction != direction ||
					    kind->openings[first].transport != transport))
		first++;
	for (end = first; end < kind->n_openings; end++)
		if (kind->openings[end].direction != direction ||
		    kind->openings[end].transport != transport)
			break;
	return (struct opening_list){kind->openings + first, end - first};
}

const struct opening *find_opening(struct opening_list list, unsigned int port)
{
	size_t low = 0, high = list.count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (list.items[middle].ports.last < port)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == list.count || list.items[low].ports.first > port)
		return NULL;
	return &list.items[low];
}
