/* SPDX-License-Identifier: MIT */
#include "policy_diff.h"

#include <errno.h>

#include "cleanup.h"
#include "diff_changes.h"
#include "string_list.h"

static void comparison_free(struct comparison *comparison)
{
	naming_free(&comparison->naming);
	policy_cells_free(&comparison->cells);
	free(comparison->admitted[BEFORE]);
	free(comparison->admitted[AFTER]);
	free(comparison->guarded);
}

/* --- which pool is which */

static size_t find_pool(const struct policy *policy, const char *name)
{
	for (size_t i = 0; i < policy->n_pools; i++)
		if (!strcmp(policy->pools[i].name, name))
			return i;
	return NO_POOL;
}

static void pair(struct policy_diff *diff, size_t before, size_t after)
{
	diff->same[BEFORE][before] = after;
	diff->same[AFTER][after] = before;
}

/* Every pool without a namesake that has its addresses from one such pool, which gave it all. */
static int pair_renamed(struct policy_diff *diff, const struct policy_cells *cells)
{
	size_t n_before = diff->policies[BEFORE]->n_pools, n_after = diff->policies[AFTER]->n_pools;
	_cleanup_free_ size_t *to = calloc(n_before + 1, sizeof(*to));
	_cleanup_free_ size_t *from = calloc(n_after + 1, sizeof(*from));
	const size_t unseen = NO_POOL - 1, several = NO_POOL - 2;

	if (!to || !from)
		return -ENOMEM;
	for (size_t i = 0; i < n_before; i++)
		to[i] = unseen;
	for (size_t i = 0; i < n_after; i++)
		from[i] = unseen;
	for (size_t i = 0; i < cells->count; i++) {
		size_t before = cells->items[i].pool[BEFORE], after = cells->items[i].pool[AFTER];

		if (before != NO_POOL)
			to[before] = to[before] == unseen || to[before] == after ? after : several;
		if (after != NO_POOL)
			from[after] = from[after] == unseen || from[after] == before ? before
										     : several;
	}
	for (size_t i = 0; i < n_before; i++)
		if (diff->same[BEFORE][i] == NO_POOL && to[i] < n_after && from[to[i]] == i &&
		    diff->same[AFTER][to[i]] == NO_POOL)
			pair(diff, i, to[i]);
	return 0;
}

static int pair_pools(struct policy_diff *diff, const struct policy_cells *cells)
{
	for (int when = 0; when < N_WHENS; when++) {
		size_t count = diff->policies[when] ? diff->policies[when]->n_pools : 0;

		diff->same[when] = calloc(count + 1, sizeof(size_t));
		if (!diff->same[when])
			return -ENOMEM;
		for (size_t i = 0; i < count; i++)
			diff->same[when][i] = NO_POOL;
	}
	if (!diff->policies[BEFORE] || !diff->policies[AFTER])
		return 0;
	for (size_t i = 0; i < diff->policies[BEFORE]->n_pools; i++) {
		size_t after =
			find_pool(diff->policies[AFTER], diff->policies[BEFORE]->pools[i].name);

		if (after != NO_POOL)
			pair(diff, i, after);
	}
	return pair_renamed(diff, cells);
}

/* --- areas */

static bool stays(const struct policy_diff *diff, size_t before, size_t after)
{
	return before != NO_POOL && after != NO_POOL && diff->same[BEFORE][before] == after;
}

static int compare_areas(const void *a, const void *b)
{
	const struct diff_area *x = a, *y = b;

	for (int when = AFTER; when >= BEFORE; when--)
		if (x->pool[when] != y->pool[when])
			return x->pool[when] < y->pool[when] ? -1 : 1;
	return 0;
}

static struct diff_area *find_area(const struct policy_diff *diff, const size_t pool[N_WHENS])
{
	const struct diff_area wanted = {.pool = {pool[BEFORE], pool[AFTER]}};

	return bsearch(&wanted, diff->areas, diff->n_areas, sizeof(wanted), compare_areas);
}

/* One for each pair of pools; cells of one area differ in the conditions that name them alone. */
static int make_areas(struct policy_diff *diff, const struct policy_cells *cells)
{
	size_t kept = 0;

	diff->areas = calloc(cells->count, sizeof(*diff->areas));
	if (!diff->areas)
		return -ENOMEM;
	for (size_t i = 1; i < cells->count; i++) {
		size_t before = cells->items[i].pool[BEFORE], after = cells->items[i].pool[AFTER];

		if (before != NO_POOL || after != NO_POOL)
			diff->areas[diff->n_areas++] = (struct diff_area){
				.pool = {before, after}, .stays = stays(diff, before, after)};
	}
	if (diff->n_areas)
		qsort(diff->areas, diff->n_areas, sizeof(*diff->areas), compare_areas);
	for (size_t i = 0; i < diff->n_areas; i++)
		if (!i || compare_areas(&diff->areas[i], &diff->areas[kept - 1]))
			diff->areas[kept++] = diff->areas[i];
	diff->n_areas = kept;
	return 0;
}

static bool in_area(const struct cell_part *part, const struct cell_entry *entry)
{
	const struct diff_area *area = part->what;

	return entry->pool[BEFORE] == area->pool[BEFORE] && entry->pool[AFTER] == area->pool[AFTER];
}

/* Which addresses each area has, and how many. */
static int fill_areas(struct policy_diff *diff, const struct policy_cells *cells)
{
	for (size_t i = 0; i < cells->n_entries; i++) {
		const struct cell_entry *entry = &cells->entries[i];
		struct diff_area *area = find_area(diff, entry->pool);
		const struct cell_part part = {cells, in_area, area};
		int rc;

		if (!area || !entry->own)
			continue;
		if (entry->prefix.family == FAMILY_IPV4)
			area->ipv4 += (__u64)entry->own;
		else if (entry->listed[BEFORE] || entry->listed[AFTER])
			area->prefixes6++;
		if (area->stays)
			continue;
		rc = area->addresses.count < DIFF_ADDRESSES
			     ? cell_part_add(&part, i, &area->addresses, &area->cut)
			     : 0;
		area->cut |= area->addresses.count >= DIFF_ADDRESSES;
		if (rc)
			return rc;
	}
	return 0;
}

/* --- the whole */

static bool is_guarded(const struct policy *policy, size_t pool)
{
	return pool != NO_POOL && policy->pools[pool].guarded;
}

/* Only where rows say at both times what servers may start. */
static int find_guarded(struct comparison *comparison)
{
	for (int when = 0; when < N_WHENS; when++)
		if (!comparison->policies[when] ||
		    !comparison->policies[when]->site->outbound_matrix)
			return 0;
	comparison->guarded = calloc(comparison->cells.n_words, sizeof(*comparison->guarded));
	if (!comparison->guarded)
		return -ENOMEM;
	for (size_t i = 0; i < comparison->cells.count; i++) {
		const size_t *pool = comparison->cells.items[i].pool;

		if (is_guarded(comparison->policies[BEFORE], pool[BEFORE]) &&
		    is_guarded(comparison->policies[AFTER], pool[AFTER]))
			cell_add(comparison->guarded, i);
	}
	return 0;
}

static int prepare(struct comparison *comparison, struct policy_diff *diff)
{
	int rc = policy_cells_make(comparison->policies, &comparison->cells);

	for (int when = 0; when < N_WHENS && !rc; when++) {
		if (!comparison->policies[when])
			continue;
		comparison->admitted[when] = policy_cells_admitted(
			&comparison->cells, comparison->policies[when], (enum when)when);
		rc = comparison->admitted[when] ? 0 : -ENOMEM;
	}
	rc = rc ? rc : find_guarded(comparison);
	return rc ? rc : naming_init(&comparison->naming, diff, &comparison->cells);
}

static int compare(struct comparison *comparison, struct policy_diff *diff)
{
	int rc = prepare(comparison, diff);

	rc = rc ? rc : pair_pools(diff, &comparison->cells);
	rc = rc ? rc : make_areas(diff, &comparison->cells);
	rc = rc ? rc : fill_areas(diff, &comparison->cells);
	for (size_t i = 0; i < diff->n_areas && !rc; i++)
		rc = diff_changes(comparison, &diff->areas[i]);
	return rc ? rc : diff_settings(diff);
}

int policy_diff(const struct policy *before, const struct policy *after, struct policy_diff *diff)
{
	_cleanup_(comparison_free) struct comparison comparison = {.policies = {before, after}};
	int rc;

	*diff = (struct policy_diff){.policies = {before, after}};
	rc = compare(&comparison, diff);
	if (rc)
		policy_diff_free(diff);
	return rc;
}

static void area_free(struct diff_area *area)
{
	for (size_t i = 0; i < area->n_changes; i++)
		free(area->changes[i].rows);
	free(area->changes);
	space_free(&area->addresses);
}

void policy_diff_free(struct policy_diff *diff)
{
	for (size_t i = 0; i < diff->n_areas; i++)
		area_free(&diff->areas[i]);
	free(diff->areas);
	for (size_t i = 0; i < diff->n_settings; i++) {
		free(diff->settings[i].name);
		free(diff->settings[i].value[BEFORE]);
		free(diff->settings[i].value[AFTER]);
	}
	free(diff->settings);
	for (size_t i = 0; i < diff->n_peers; i++) {
		strings_free(&diff->peers[i].words);
		strings_free(&diff->peers[i].except);
	}
	free(diff->peers);
	free(diff->same[BEFORE]);
	free(diff->same[AFTER]);
	*diff = (struct policy_diff){0};
}

/* --- what is different */

static bool same_words(const struct strings *a, const struct strings *b)
{
	for (size_t i = 0; i < a->count; i++)
		if (!strings_contain(b, a->items[i]))
			return false;
	return a->count == b->count;
}

bool policy_diff_unfiltered(const struct policy_diff *diff, const struct diff_area *area,
			    enum when when)
{
	const struct policy *policy = diff->policies[when];
	size_t pool = area->pool[when];

	return policy && !policy->site->unlisted_drop &&
	       (pool == NO_POOL || !policy->pools[pool].guarded);
}

bool policy_diff_pool(const struct policy_diff *diff, size_t before, size_t after)
{
	const struct policy_pool *a = &diff->policies[BEFORE]->pools[before];
	const struct policy_pool *b = &diff->policies[AFTER]->pools[after];

	return strcmp(a->name, b->name) != 0 || a->guarded != b->guarded ||
	       a->ipsec_exempt != b->ipsec_exempt || !same_words(&a->roles, &b->roles);
}

bool policy_diff_any(const struct policy_diff *diff)
{
	if (!diff->policies[BEFORE] || diff->n_settings)
		return true;
	for (size_t i = 0; i < diff->n_areas; i++)
		if (!diff->areas[i].stays || diff->areas[i].n_changes)
			return true;
	for (size_t i = 0; i < diff->policies[BEFORE]->n_pools; i++) {
		size_t after = diff->same[BEFORE][i];

		if (after == NO_POOL || policy_diff_pool(diff, i, after))
			return true;
	}
	for (size_t i = 0; i < diff->policies[AFTER]->n_pools; i++)
		if (diff->same[AFTER][i] == NO_POOL)
			return true;
	return false;
}
