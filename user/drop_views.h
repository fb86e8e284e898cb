/* SPDX-License-Identifier: MIT */
/* The views of `rolewall drops`: a view reads its counters into flat JSON objects, one a line. */
#ifndef ROLEWALL_DROP_VIEWS_H
#define ROLEWALL_DROP_VIEWS_H

#include <jansson.h>

#include "kernel.h"
#include "listing.h"

#define VIEW_COLUMNS_MAX 7

struct view_column {
	const char *key; /* in the JSON object */
	struct column column;
};

struct view {
	const char *name; /* of --by */
	const char *list; /* key of the lines in JSON */
	struct view_column columns[VIEW_COLUMNS_MAX]; /* ends at a NULL key */
	/*
	 * Fills LINES, an array; *dropped is how many drops they tell of. Whatever else belongs
	 * into the JSON answer goes to ANSWER. Returns 0 or -errno.
	 */
	int (*read)(const struct kernel *kernel, json_t *answer, json_t *lines, __u64 *dropped);
	bool sorted; /* LINES come largest first; else as they are declared or named */
	bool passes; /* tells of what passed */
};

extern const struct view drop_views[];
extern const size_t n_drop_views;

const struct view *drop_view(const char *name);

#endif
