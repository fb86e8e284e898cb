/* SPDX-License-Identifier: MIT */
/* How single findings become lines of advice; for advice.c alone. */
#ifndef ROLEWALL_ADVICE_LINES_H
#define ROLEWALL_ADVICE_LINES_H

#include "advice.h"

/* By what a packet would pass. */
struct found {
	const struct row *row; /* NULL: no row is needed */
	struct port_range ports; /* of the row there */
	const struct policy_pool *source, *destination; /* NULL: no pool has the address */
	const struct matrix *matrix;
};

/* Is the source one that the vendor's row speaks of? */
bool advice_expects(const struct found *found);
/* Adds a drop to the line of this kind and name, and of these hosts. Returns 0 or -ENOMEM. */
int advice_add(struct advice_list *list, const struct advice *change, const struct drop_seen *seen,
	       const struct found *found);
void advice_sort(struct advice_list *list);

#endif
