/* SPDX-License-Identifier: MIT */
/*
 * Diagnostics of a file: every problem of one run, each with its place.
 * Rendered as "FILE:LINE:COL: error: what is wrong; what is accepted".
 */
#ifndef ROLEWALL_DIAG_H
#define ROLEWALL_DIAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Where something was written; line and column count from 1, 0 = the whole file. */
struct place {
	const char *file; /* borrowed: outlives the document (owned by the caller of *_load) */
	unsigned int line, column;
};

/* By file, line, column; as strcmp(). */
int place_compare(const struct place *a, const struct place *b);

enum severity {
	SEVERITY_WARNING,
	SEVERITY_ERROR,
};

struct diagnostic {
	enum severity severity;
	struct place place;
	char *text;
};

struct diagnostics {
	struct diagnostic *items; /* sorted by file, line, column */
	size_t count; /* of items */
	size_t errors, warnings; /* reported; beyond DIAG_KEPT of a kind they are only counted */
};

#define DIAG_KEPT 1000U

/*
 * The text is kept printable: whatever is not ASCII or would move the cursor becomes \xNN, so a
 * token of the file may be part of it as it is.
 */

__attribute__((format(printf, 3, 4))) void diag_error(struct diagnostics *diags, struct place place,
						      const char *format, ...);
__attribute__((format(printf, 3, 4))) void
diag_warning(struct diagnostics *diags, struct place place, const char *format, ...);

/* Prints all of them in order, and how many more there were. */
void diag_print(const struct diagnostics *diags, FILE *out);
void diag_free(struct diagnostics *diags);

#endif
