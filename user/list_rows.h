/* SPDX-License-Identifier: MIT */
/* What rolewall matrix prints of a matrix itself: the rows of its tables, and those of its overlays. */
#ifndef ROLEWALL_LIST_ROWS_H
#define ROLEWALL_LIST_ROWS_H

#include "listing.h"
#include "matrix.h"

/* The overlays asked for, of the built-in matrix or of a site's. */
struct overlay_view {
	const struct matrix *matrix;
	const struct strings *on; /* what the site turns on; NULL without a site */
	const char *name, *role;
};

/* Print to stdout; ROLE: only rows that a holder of it has, NULL = all. Return 0 or -errno. */
int list_rows(const struct matrix *matrix, const char *role, enum format format);
int list_overlays(const struct overlay_view *view, enum format format);

#endif
