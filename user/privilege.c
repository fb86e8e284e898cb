/* SPDX-License-Identifier: MIT */
/*
 * Profile least-privilege: optional rows are off unless `features:` names them, some rows hold for
 * fewer roles, and outgoing rows let their connections in at the far end instead of at home.
 */
#include <errno.h>
#include <string.h>

#include "cleanup.h"
#include "resolve.h"
#include "string_list.h"

static const struct row *find_row(const struct policy *policy, const char *id)
{
	for (size_t i = 0; i < policy->n_rows; i++) {
		if (!strcmp(policy->rows[i]->id, id))
			return policy->rows[i];
	}
	return NULL;
}

static bool is_feature(const struct policy *policy, const char *word)
{
	for (size_t i = 0; i < policy->n_rows; i++) {
		if (policy->rows[i]->feature && !strcmp(policy->rows[i]->feature, word))
			return true;
	}
	return false;
}

static int report_unknown(const struct resolution *resolution, const char *word, struct place place)
{
	const struct policy *policy = &resolution->policy;
	_cleanup_free_ char **items = calloc(policy->n_rows + 1, sizeof(*items));
	struct strings names = {.items = items};
	_cleanup_free_ char *accepted = NULL;

	if (!items)
		return -ENOMEM;
	for (size_t i = 0; i < policy->n_rows; i++) {
		char *feature = policy->rows[i]->feature;

		if (feature && !strings_contain(&names, feature))
			items[names.count++] = feature;
	}
	accepted = strings_join(&names, ", ");
	if (!accepted)
		return -ENOMEM;
	diag_error(resolution->diags, place,
		   "features: unknown name \"%s\"; accepted: the id of an optional row, as in "
		   "servers/24%s%s",
		   word, names.count ? ", or " : "", accepted);
	return 0;
}

/* A row or feature of an overlay that the site has not turned on. */
static const struct overlay *find_overlay(const struct matrix *matrix, const char *word)
{
	for (size_t i = 0; i < matrix->n_overlays; i++) {
		const struct overlay *overlay = &matrix->overlays[i];

		for (size_t j = 0; j < overlay->n_rows; j++) {
			const struct row *row = &overlay->rows[j];

			if (!strcmp(row->id, word) || (row->feature && !strcmp(row->feature, word)))
				return overlay;
		}
	}
	return NULL;
}

static int check_feature(const struct resolution *resolution, const char *word, struct place place)
{
	const struct row *row = find_row(&resolution->policy, word);
	const struct overlay *overlay;

	if (row && !row->optional)
		diag_warning(resolution->diags, place,
			     "row %s is not optional, so naming it changes nothing", word);
	if (row || is_feature(&resolution->policy, word))
		return 0;
	overlay = find_overlay(resolution->matrix, word);
	if (!overlay)
		return report_unknown(resolution, word, place);
	diag_warning(resolution->diags, place,
		     "features: \"%s\" belongs to overlay %s, which the site does not turn on",
		     word, overlay->name);
	return 0;
}

int check_features(const struct resolution *resolution)
{
	const struct strings *features = &resolution->site->features;
	int rc = 0;

	for (size_t i = 0; i < features->count && !rc; i++)
		rc = check_feature(resolution, features->items[i], features->places[i]);
	if (features->count && !resolution->site->least_privilege)
		diag_warning(resolution->diags, features->places[0],
			     "features: changes nothing in profile literal, which opens every row");
	return rc;
}

bool row_in_force(const struct resolution *resolution, const struct row *row)
{
	const struct site *site = resolution->site;

	if (!row->opens || (row->balancing != BALANCING_ANY && row->balancing != site->balancing))
		return false;
	return !site->least_privilege || !row->optional ||
	       strings_contain(&site->features, row->id) ||
	       (row->feature && strings_contain(&site->features, row->feature));
}

void find_holders(const struct resolution *resolution, size_t index)
{
	const struct row *row = resolution->policy.rows[index];
	bool fewer = resolution->site->least_privilege && row->only.count;
	const struct strings *roles = fewer ? &row->only : &row->roles;

	for (size_t i = 0; i < roles->count; i++)
		role_set_add_word(&resolution->needed[index], resolution->matrix, roles->items[i]);
	for (size_t i = 0; i < row->to.count && resolution->site->least_privilege && row->outgoing;
	     i++)
		role_set_add_word(&resolution->far[index], resolution->matrix, row->to.items[i]);
}

/* Words of a condition that no pool holds; each word is said once. */
static void warn_of_words(const struct resolution *resolution, const struct grant *grant,
			  struct strings *said)
{
	const struct policy *policy = &resolution->policy;
	const struct strings *words = &policy->peers[grant->peers].words;

	for (size_t i = 0; i < words->count; i++) {
		struct role_set meant = {0};

		if (!role_set_add_word(&meant, resolution->matrix, words->items[i]) ||
		    strings_contain(said, words->items[i]))
			continue;
		said->items[said->count++] = words->items[i];
		if (!held_by_some(resolution, &meant))
			diag_warning(resolution->diags, resolution->site->profile_place,
				     "no pool holds \"%s\", so rows such as %s admit nobody by it",
				     words->items[i], policy->rows[grant->row]->id);
	}
}

int warn_of_peers(const struct resolution *resolution)
{
	const struct policy *policy = &resolution->policy;
	_cleanup_free_ bool *seen = calloc(policy->n_peers + 1, sizeof(*seen));
	_cleanup_free_ char **items = NULL;
	struct strings said = {0};
	size_t n_words = 1;

	for (size_t i = 0; i < policy->n_peers; i++)
		n_words += policy->peers[i].words.count;
	said.items = items = calloc(n_words, sizeof(*items));
	if (!seen || !items)
		return -ENOMEM;
	for (size_t i = 0; i < policy->n_pools && resolution->site->least_privilege; i++) {
		const struct policy_pool *pool = &policy->pools[i];

		for (size_t j = 0; j < pool->n_grants; j++) {
			const struct grant *grant = &pool->grants[j];

			if (seen[grant->peers] || grant->row >= resolution->matrix->n_rows)
				continue;
			seen[grant->peers] = true;
			warn_of_words(resolution, grant, &said);
		}
	}
	return 0;
}
