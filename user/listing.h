/* SPDX-License-Identifier: MIT */
/* A listing of a command: the same rows as a table for people (libsmartcols) or as CSV (RFC 4180). */
#ifndef ROLEWALL_LISTING_H
#define ROLEWALL_LISTING_H

#include <stdbool.h>
#include <stddef.h>

#include "command.h"

struct json_t; /* jansson */

struct column {
	const char *name; /* "ROLE" */
	bool right; /* numbers */
	bool wrap; /* may be broken over lines on a narrow terminal */
};

struct listing {
	const struct column *columns;
	size_t n_columns;
	char **cells; /* row-major, owned */
	size_t n_rows;
};

/* Adds a row of n_columns texts (copied; NULL = empty). Returns 0 or -ENOMEM. */
int listing_add(struct listing *listing, const char *const *cells);
/* A row of a listing with two columns: a name, and what FORMAT says of it. Likewise. */
__attribute__((format(printf, 3, 4))) int
listing_add_fact(struct listing *listing, const char *name, const char *format, ...);
/*
 * Prints to stdout as FORMAT_TABLE or FORMAT_CSV. A table fits the terminal, and is as wide as it
 * needs to be where stdout is none. Returns 0 or -errno.
 */
int listing_print(const struct listing *listing, enum format format);
void listing_free(struct listing *listing);

/* The same for FORMAT_JSON: prints ROOT in ASCII and gives it up. NULL = it ran out of memory. */
int json_print(struct json_t *root);

#endif
