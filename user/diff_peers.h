/* SPDX-License-Identifier: MIT */
/* A set of cells in the administrator's words: "any", "any but dmz", "fe-paris 10.0.0.0/8". */
#ifndef ROLEWALL_DIFF_PEERS_H
#define ROLEWALL_DIFF_PEERS_H

#include "policy_diff.h"

/* What it has named so far, so that a set is named once. */
struct naming {
	struct policy_diff *diff; /* gets the words */
	const struct policy_cells *cells;
	struct named_set *sets;
	size_t n_sets;
	size_t *total[N_WHENS]; /* cells of each pool */
	size_t *found; /* room for one number a pool of either policy */
	__u64 *rest, *other; /* room for a set each */
};

/* Both return 0 or -ENOMEM. */
int naming_init(struct naming *naming, struct policy_diff *diff, const struct policy_cells *cells);
/* The index into diff->peers of the words for SET, with the names that pools have at WHEN. */
int naming_find(struct naming *naming, const __u64 *set, enum when when, size_t *index);
void naming_free(struct naming *naming);

/* Adds what AMONG-th entries have of the addresses of entry INDEX, exactly, to SPACE. */
struct cell_part {
	const struct policy_cells *cells;
	bool (*among)(const struct cell_part *part, const struct cell_entry *entry);
	const void *what;
};
int cell_part_add(const struct cell_part *part, size_t index, struct space *space, bool *cut);

#endif
