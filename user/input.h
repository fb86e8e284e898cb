/* SPDX-License-Identifier: MIT */
/* A site file through all its steps: site, matrix, policy. What every command with -c starts with. */
#ifndef ROLEWALL_INPUT_H
#define ROLEWALL_INPUT_H

#include "policy.h"
#include "source_text.h"

struct input {
	struct site site;
	struct matrix matrix;
	struct policy policy; /* borrows from the two above, so an input is not to be moved */
	char *path; /* of state_load(): what the places of the site borrow; else NULL */
};

/*
 * Reads and resolves the site at path. Every problem of all three goes to diags. Returns 0,
 * -EINVAL where diags says why, -ENOMEM, or -errno where a file cannot be read. In any case the
 * input is set and to be freed, after diags has been printed: its places borrow from it.
 */
int input_load(const char *path, struct input *input, struct diagnostics *diags);
/* The same with TEXT as what the file at path holds. */
int input_parse(const char *path, const struct source_text *text, struct input *input,
		struct diagnostics *diags);
void input_free(struct input *input);

#endif
