/* SPDX-License-Identifier: MIT */
/* Roles and addresses of one pool, changed in the text of a site file; all else stays as it is. */
#ifndef ROLEWALL_POOL_EDIT_H
#define ROLEWALL_POOL_EDIT_H

#include "diag.h"
#include "splice.h"

struct pool_edit {
	const char *pool;
	bool addresses; /* or else roles */
	bool remove; /* or else add */
	char *const *words;
	size_t n_words;
};

/*
 * Makes the edit in TEXT, the site file at PATH. What cannot be done goes to DIAGS, without a place where a
 * word of the edit is at fault by itself; whether the
 * outcome is a valid site is for the caller to check. On success *edited, to be freed, is TEXT
 * after *splices, and reads like it but for this list. Returns 0, -EINVAL (see DIAGS) or -ENOMEM.
 */
int pool_edit(const char *path, const struct source_text *text, const struct pool_edit *edit,
	      struct splices *splices, struct source_text *edited, struct diagnostics *diags);

#endif
