/* SPDX-License-Identifier: MIT */
#include "role_set.h"

#include <errno.h>
#include <string.h>

#include "cleanup.h"
#include "string_list.h"

#define WORDS (MATRIX_ROLES_MAX / 64)

static void role_set_add(struct role_set *set, size_t role)
{
	set->bits[role / 64] |= UINT64_C(1) << role % 64;
}

bool role_set_has(const struct role_set *set, size_t role)
{
	return set->bits[role / 64] >> role % 64 & 1;
}

bool role_set_meets(const struct role_set *a, const struct role_set *b)
{
	for (size_t i = 0; i < WORDS; i++) {
		if (a->bits[i] & b->bits[i])
			return true;
	}
	return false;
}

bool role_set_equal(const struct role_set *a, const struct role_set *b)
{
	return !memcmp(a->bits, b->bits, sizeof(a->bits));
}

void role_set_unite(struct role_set *set, const struct role_set *more)
{
	for (size_t i = 0; i < WORDS; i++)
		set->bits[i] |= more->bits[i];
}

bool role_set_add_word(struct role_set *set, const struct matrix *matrix, const char *word)
{
	const struct role *role = matrix_role(matrix, word);
	const struct group *group = matrix_group(matrix, word);

	if (role)
		role_set_add(set, (size_t)(role - matrix->roles));
	for (size_t i = 0; group && i < group->members.count; i++) {
		role = matrix_role(matrix, group->members.items[i]);
		if (role)
			role_set_add(set, (size_t)(role - matrix->roles));
	}
	return role || group;
}

void role_set_close(struct role_set *set, const struct matrix *matrix)
{
	struct role_set before;

	do {
		before = *set;
		for (size_t i = 0; i < matrix->n_roles; i++) {
			const struct strings *adds = &matrix->roles[i].adds;

			for (size_t j = 0; role_set_has(&before, i) && j < adds->count; j++)
				role_set_add_word(set, matrix, adds->items[j]);
		}
	} while (!role_set_equal(&before, set));
}

int role_set_ids(const struct role_set *set, const struct matrix *matrix, struct strings *ids)
{
	struct strings list = {0};

	list.items = calloc(matrix->n_roles + 1, sizeof(*list.items));
	if (!list.items)
		return -ENOMEM;
	for (size_t i = 0; i < matrix->n_roles; i++) {
		if (role_set_has(set, i))
			list.items[list.count++] = matrix->roles[i].id;
	}
	*ids = list;
	return 0;
}

int report_unknown_role(const struct matrix *matrix, const char *word, bool groups,
			struct place place, struct diagnostics *diags)
{
	_cleanup_free_ char **items =
		calloc(matrix->n_roles + matrix->n_groups + 1, sizeof(*items));
	struct strings ids = {.items = items};

	if (!items)
		return -ENOMEM;
	for (size_t i = 0; i < matrix->n_roles; i++)
		items[ids.count++] = matrix->roles[i].id;
	for (size_t i = 0; groups && i < matrix->n_groups; i++)
		items[ids.count++] = matrix->groups[i].id;
	return report_unknown_word(diags, place, "role", word, &ids);
}
