/* SPDX-License-Identifier: MIT */
/* Kinds of pools: those with the same roles have the same rows, so what they open is cut once. */
#ifndef ROLEWALL_POOL_KINDS_H
#define ROLEWALL_POOL_KINDS_H

#include "policy.h"

struct pool_kind {
	struct opening *openings;
	size_t n_openings;
};

struct pool_kinds {
	struct pool_kind *items;
	size_t count;
	size_t *of_pool; /* by index into policy.pools */
};

/* Openings of one direction and transport, sorted by port. */
struct opening_list {
	const struct opening *items;
	size_t count;
};

/* Returns 0 or -ENOMEM; to be freed in any case. */
int pool_kinds_make(const struct policy *policy, struct pool_kinds *kinds);
void pool_kinds_free(struct pool_kinds *kinds);

struct opening_list kind_openings(const struct pool_kind *kind, enum direction direction,
				  enum transport transport);
/* The opening of a port, NULL = none. */
const struct opening *find_opening(struct opening_list list, unsigned int port);

#endif
