/* SPDX-License-Identifier: MIT */
#include "policy_cells.h"

#include <errno.h>

#include "cleanup.h"

/* --- entries */

static void add_entry(struct policy_cells *cells, const struct prefix *prefix,
		      struct cell_entry entry)
{
	entry.prefix = *prefix;
	cells->entries[cells->n_entries++] = entry;
}

static const struct cell_entry nothing = {
	.pool = {NO_POOL, NO_POOL},
	.condition = NO_ATOM,
	.parent = NO_ATOM,
	.cell = NO_ATOM,
};

static size_t count_prefixes(const struct policy *policy)
{
	size_t count = policy->n_prefixes;

	for (size_t i = 0; i < policy->n_peers; i++)
		count += policy->peers[i].n_prefixes;
	return count;
}

static void collect(struct policy_cells *cells, const struct policy *policy, enum when when)
{
	for (size_t i = 0; i < policy->n_prefixes; i++) {
		struct cell_entry entry = nothing;

		entry.pool[when] = policy->prefixes[i].pool;
		entry.listed[when] = true;
		add_entry(cells, &policy->prefixes[i].prefix, entry);
	}
	for (size_t i = 0; i < policy->n_peers; i++) {
		for (size_t j = 0; j < policy->peers[i].n_prefixes; j++) {
			struct cell_entry entry = nothing;

			entry.named = true;
			add_entry(cells, &policy->peers[i].prefixes[j], entry);
		}
	}
}

static int compare_entries(const void *a, const void *b)
{
	const struct cell_entry *x = a, *y = b;

	return prefix_compare(&x->prefix, &y->prefix);
}

/* Sorted, each prefix once. */
static void merge_entries(struct policy_cells *cells)
{
	size_t kept = 0;

	if (cells->n_entries)
		qsort(cells->entries, cells->n_entries, sizeof(*cells->entries), compare_entries);
	for (size_t i = 0; i < cells->n_entries; i++) {
		const struct cell_entry *next = &cells->entries[i];
		struct cell_entry *last = kept ? &cells->entries[kept - 1] : NULL;

		if (!last || compare_entries(last, next)) {
			cells->entries[kept++] = *next;
			continue;
		}
		last->named |= next->named;
		for (int when = 0; when < N_WHENS; when++) {
			if (!next->listed[when])
				continue;
			last->listed[when] = true;
			last->pool[when] = next->pool[when];
		}
	}
	cells->n_entries = kept;
}

/* How many addresses; one too few for ::/0, which no number of this size holds. */
static address_count size_of(const struct prefix *prefix)
{
	unsigned int bits = (prefix->family == FAMILY_IPV4 ? 32U : 128U) - prefix->length;

	return bits == 128 ? ~(address_count)0 : (address_count)1 << bits;
}

/* What each entry has from those around it, and what those inside it leave it. */
static void nest_entries(struct policy_cells *cells)
{
	size_t parent = NO_ATOM;

	for (size_t i = 0; i < cells->n_entries; i++) {
		struct cell_entry *entry = &cells->entries[i], *outer;

		while (parent != NO_ATOM &&
		       !prefix_covers(&cells->entries[parent].prefix, &entry->prefix))
			parent = cells->entries[parent].parent;
		entry->parent = parent;
		entry->own = size_of(&entry->prefix);
		if (entry->named)
			entry->condition = i;
		if (parent != NO_ATOM) {
			outer = &cells->entries[parent];
			outer->own -= entry->own;
			for (int when = 0; when < N_WHENS; when++)
				if (!entry->listed[when])
					entry->pool[when] = outer->pool[when];
			if (!entry->named)
				entry->condition = outer->condition;
		}
		parent = i;
	}
}

/* --- cells */

struct numbered {
	struct address_cell cell;
	size_t entry;
};

static int compare_sizes(size_t a, size_t b)
{
	return (a > b) - (a < b);
}

static int compare_cells(const void *a, const void *b)
{
	const struct address_cell *x = a, *y = b;
	int order = compare_sizes(x->pool[BEFORE], y->pool[BEFORE]);

	order = order ? order : compare_sizes(x->pool[AFTER], y->pool[AFTER]);
	return order ? order : compare_sizes(x->condition, y->condition);
}

static int number_cells(struct policy_cells *cells)
{
	_cleanup_free_ struct numbered *list = calloc(cells->n_entries + 1, sizeof(*list));
	size_t count = 0;

	cells->items = calloc(cells->n_entries + 1, sizeof(*cells->items));
	if (!list || !cells->items)
		return -ENOMEM;
	cells->items[0] = (struct address_cell){{NO_POOL, NO_POOL}, NO_ATOM};
	cells->count = 1;
	for (size_t i = 0; i < cells->n_entries; i++) {
		const struct cell_entry *entry = &cells->entries[i];

		if (entry->own)
			list[count++] = (struct numbered){
				{{entry->pool[BEFORE], entry->pool[AFTER]}, entry->condition}, i};
	}
	if (count)
		qsort(list, count, sizeof(*list), compare_cells);
	for (size_t i = 0; i < count; i++) {
		if (!i || compare_cells(&list[i], &list[i - 1]))
			cells->items[cells->count++] = list[i].cell;
		cells->entries[list[i].entry].cell = cells->count - 1;
	}
	cells->n_words = (cells->count + 63) / 64;
	return 0;
}

int policy_cells_make(const struct policy *const policies[N_WHENS], struct policy_cells *cells)
{
	size_t room = 1;
	int rc;

	*cells = (struct policy_cells){0};
	for (int when = 0; when < N_WHENS; when++)
		room += policies[when] ? count_prefixes(policies[when]) : 0;
	cells->entries = calloc(room, sizeof(*cells->entries));
	if (!cells->entries)
		return -ENOMEM;
	for (int when = 0; when < N_WHENS; when++)
		if (policies[when])
			collect(cells, policies[when], (enum when)when);
	merge_entries(cells);
	nest_entries(cells);
	rc = number_cells(cells);
	if (rc)
		policy_cells_free(cells);
	return rc;
}

void policy_cells_free(struct policy_cells *cells)
{
	free(cells->entries);
	free(cells->items);
	*cells = (struct policy_cells){0};
}

/* --- conditions */

static bool admits_prefix(const struct policy_cells *cells, const struct peers *peers,
			  const struct address_cell *cell)
{
	if (cell->condition == NO_ATOM)
		return false;
	for (size_t i = 0; i < peers->n_prefixes; i++)
		if (prefix_covers(&peers->prefixes[i], &cells->entries[cell->condition].prefix))
			return true;
	return false;
}

static void admit(const struct policy_cells *cells, const struct peers *peers, enum when when,
		  bool *among, __u64 *set)
{
	for (size_t i = 0; i < peers->n_pools; i++)
		among[peers->pools[i]] = true;
	for (size_t i = 0; i < cells->count; i++) {
		const struct address_cell *cell = &cells->items[i];
		size_t pool = cell->pool[when];

		if ((pool != NO_POOL && among[pool]) || admits_prefix(cells, peers, cell))
			cell_add(set, i);
	}
	for (size_t i = 0; i < peers->n_pools; i++)
		among[peers->pools[i]] = false;
}

__u64 *policy_cells_admitted(const struct policy_cells *cells, const struct policy *policy,
			     enum when when)
{
	_cleanup_free_ bool *among = calloc(policy->n_pools + 1, sizeof(*among));
	__u64 *sets = calloc(policy->n_peers * cells->n_words + 1, sizeof(*sets));

	if (!among || !sets) {
		free(sets);
		return NULL;
	}
	for (size_t i = 0; i < cells->count && policy->n_peers; i++)
		cell_add(sets, i); /* peers[0] is any */
	for (size_t i = 1; i < policy->n_peers; i++)
		admit(cells, &policy->peers[i], when, among, &sets[i * cells->n_words]);
	return sets;
}
