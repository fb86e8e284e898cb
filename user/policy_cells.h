/* SPDX-License-Identifier: MIT */
/*
 * Two policies' addresses cut into cells: all addresses of a cell are in the same pool before, in
 * the same pool after, and inside the same prefixes of conditions. What a condition of either policy
 * admits is a set of cells, so conditions of both can be compared.
 */
#ifndef ROLEWALL_POLICY_CELLS_H
#define ROLEWALL_POLICY_CELLS_H

#include "records.h"

enum when { BEFORE, AFTER, N_WHENS };

typedef unsigned __int128 address_count;

/* A prefix that either policy names. */
struct cell_entry {
	struct prefix prefix;
	size_t pool[N_WHENS]; /* who has its addresses; NO_POOL */
	size_t condition; /* the innermost entry around it that a condition names, or NO_ATOM */
	size_t parent; /* the entry around it, or NO_ATOM */
	size_t cell; /* NO_ATOM: entries inside it leave nothing */
	address_count own; /* addresses that no entry inside it has */
	bool listed[N_WHENS]; /* a pool lists it itself */
	bool named; /* a condition does */
};

struct address_cell {
	size_t pool[N_WHENS];
	size_t condition; /* as in the entries */
};

struct policy_cells {
	struct cell_entry *entries; /* sorted by family, address, length */
	size_t n_entries;
	struct address_cell *items; /* 0 is every address that neither names */
	size_t count;
	size_t n_words; /* of a set of cells */
};

/* Either policy may be NULL: it names nothing. Returns 0 or -ENOMEM. */
int policy_cells_make(const struct policy *const policies[N_WHENS], struct policy_cells *cells);
void policy_cells_free(struct policy_cells *cells);

static inline bool cell_in(const __u64 *set, size_t cell)
{
	return set[cell / 64] >> cell % 64 & 1;
}

static inline void cell_add(__u64 *set, size_t cell)
{
	set[cell / 64] |= 1ULL << cell % 64;
}

/*
 * Sets of n_words each, one for each of the policy's peers: the cells that they admit. To be freed;
 * NULL = out of memory.
 */
__u64 *policy_cells_admitted(const struct policy_cells *cells, const struct policy *policy,
			     enum when when);

#endif
