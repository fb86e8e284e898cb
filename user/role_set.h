/* SPDX-License-Identifier: MIT */
/* Sets of roles of one matrix, and the words that stand for them. */
#ifndef ROLEWALL_ROLE_SET_H
#define ROLEWALL_ROLE_SET_H

#include "matrix.h"

struct role_set {
	uint64_t bits[MATRIX_ROLES_MAX / 64]; /* by index into matrix.roles */
};

bool role_set_has(const struct role_set *set, size_t role);
bool role_set_meets(const struct role_set *a, const struct role_set *b);
bool role_set_equal(const struct role_set *a, const struct role_set *b);
void role_set_unite(struct role_set *set, const struct role_set *more);

/* Adds what a word of a row stands for: a role, or the members of a group. False = neither. */
bool role_set_add_word(struct role_set *set, const struct matrix *matrix, const char *word);
/* Adds what the roles of the set bring with them (adds:), again and again. */
void role_set_close(struct role_set *set, const struct matrix *matrix);
/* The ids of the set in the matrix's order, borrowed. Returns 0 or -ENOMEM. */
int role_set_ids(const struct role_set *set, const struct matrix *matrix, struct strings *ids);

/* Reports a word of a file that names no role of the matrix; GROUPS: those would do as well. */
int report_unknown_role(const struct matrix *matrix, const char *word, bool groups,
			struct place place, struct diagnostics *diags);

#endif
