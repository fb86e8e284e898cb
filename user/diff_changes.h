/* SPDX-License-Identifier: MIT */
/* What opens and shuts on the addresses of one area. */
#ifndef ROLEWALL_DIFF_CHANGES_H
#define ROLEWALL_DIFF_CHANGES_H

#include "diff_peers.h"

/* Two policies and what their conditions admit. */
struct comparison {
	const struct policy *policies[N_WHENS]; /* or NULL */
	struct policy_cells cells;
	__u64 *admitted[N_WHENS]; /* policy_cells_admitted() */
	__u64 *guarded; /* cells that are guarded before and after */
	struct naming naming;
};

/* Fills area->changes. 0 or -ENOMEM. */
int diff_changes(struct comparison *comparison, struct diff_area *area);

#endif
