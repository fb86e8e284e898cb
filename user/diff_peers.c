/* SPDX-License-Identifier: MIT */
#include "diff_peers.h"

#include <errno.h>

#include "cleanup.h"
#include "string_list.h"

struct named_set {
	__u64 *set;
	enum when when;
	size_t index; /* into diff->peers */
};

int naming_init(struct naming *naming, struct policy_diff *diff, const struct policy_cells *cells)
{
	size_t most = 0;

	*naming = (struct naming){.diff = diff, .cells = cells};
	for (int when = 0; when < N_WHENS; when++) {
		const struct policy *policy = diff->policies[when];
		size_t pools = policy ? policy->n_pools : 0;

		naming->total[when] = calloc(pools + 1, sizeof(size_t));
		if (!naming->total[when])
			return -ENOMEM;
		most = pools > most ? pools : most;
		for (size_t i = 0; i < cells->count; i++)
			if (cells->items[i].pool[when] != NO_POOL)
				naming->total[when][cells->items[i].pool[when]]++;
	}
	naming->found = calloc(most + 1, sizeof(*naming->found));
	naming->rest = calloc(cells->n_words, sizeof(*naming->rest));
	naming->other = calloc(cells->n_words, sizeof(*naming->other));
	return naming->found && naming->rest && naming->other ? 0 : -ENOMEM;
}

void naming_free(struct naming *naming)
{
	for (size_t i = 0; i < naming->n_sets; i++)
		free(naming->sets[i].set);
	free(naming->sets);
	for (int when = 0; when < N_WHENS; when++)
		free(naming->total[when]);
	free(naming->found);
	free(naming->rest);
	free(naming->other);
	*naming = (struct naming){0};
}

static int add_word(struct strings *words, const char *word)
{
	return strings_add(words, word, (struct place){0});
}

static int add_prefix(struct strings *words, const struct prefix *prefix)
{
	char text[PREFIX_TEXT];

	return add_word(words, prefix_format(prefix, text, sizeof(text)));
}

static bool is_empty(const struct naming *naming, const __u64 *set)
{
	for (size_t i = 0; i < naming->cells->n_words; i++)
		if (set[i])
			return false;
	return true;
}

/* The cell lies inside the prefix of entry INDEX, which a condition names. */
static bool lies_in(const struct policy_cells *cells, size_t cell, size_t index)
{
	size_t at = cells->items[cell].condition;

	return at != NO_ATOM &&
	       prefix_covers(&cells->entries[index].prefix, &cells->entries[at].prefix);
}

/* Pools of which every cell is in SET; those cells leave naming->rest. */
static int name_pools(struct naming *naming, const __u64 *set, enum when when,
		      struct strings *words)
{
	const struct policy_cells *cells = naming->cells;
	const struct policy *policy = naming->diff->policies[when];
	size_t pool;
	int rc = 0;

	if (!policy)
		return 0;
	memset(naming->found, 0, policy->n_pools * sizeof(*naming->found));
	for (size_t i = 0; i < cells->count; i++) {
		pool = cells->items[i].pool[when];
		if (pool != NO_POOL && cell_in(set, i))
			naming->found[pool]++;
	}
	for (size_t i = 0; i < policy->n_pools && !rc; i++)
		if (naming->found[i] && naming->found[i] == naming->total[when][i])
			rc = add_word(words, policy->pools[i].name);
	for (size_t i = 0; i < cells->count; i++) {
		pool = cells->items[i].pool[when];
		if (pool != NO_POOL && naming->found[pool] == naming->total[when][pool])
			naming->rest[i / 64] &= ~(1ULL << i % 64);
	}
	return rc;
}

/* The prefix's cells are all in SET, and one of them has no name yet. */
static bool is_wanted(const struct naming *naming, const __u64 *set, size_t index)
{
	bool any = false;

	for (size_t i = 0; i < naming->cells->count; i++) {
		if (!lies_in(naming->cells, i, index))
			continue;
		if (!cell_in(set, i))
			return false;
		any = any || cell_in(naming->rest, i);
	}
	return any;
}

/* Prefixes of conditions, the widest first. */
static int name_prefixes(struct naming *naming, const __u64 *set, struct strings *words)
{
	const struct policy_cells *cells = naming->cells;

	for (size_t i = 0; i < cells->n_entries && !is_empty(naming, naming->rest); i++) {
		int rc;

		if (!cells->entries[i].named || !is_wanted(naming, set, i))
			continue;
		rc = add_prefix(words, &cells->entries[i].prefix);
		if (rc)
			return rc;
		for (size_t cell = 0; cell < cells->count; cell++)
			if (lies_in(cells, cell, i))
				naming->rest[cell / 64] &= ~(1ULL << cell % 64);
	}
	return 0;
}

static bool in_rest(const struct cell_part *part, const struct cell_entry *entry)
{
	return entry->cell != NO_ATOM && cell_in(part->what, entry->cell);
}

/* What has no name of its own: address by address. */
static int name_addresses(const struct naming *naming, struct strings *words)
{
	const struct cell_part part = {naming->cells, in_rest, naming->rest};
	_cleanup_(space_free) struct space space = {0};
	bool cut = false;
	int rc = 0;

	if (is_empty(naming, naming->rest))
		return 0;
	for (size_t i = 0; i < naming->cells->n_entries && !rc; i++)
		rc = cell_part_add(&part, i, &space, &cut);
	for (size_t i = 0; i < space.count && !rc; i++)
		rc = add_prefix(words, &space.items[i]);
	return rc || !cut ? rc : add_word(words, "...");
}

static int name_set(struct naming *naming, const __u64 *set, enum when when, struct strings *words)
{
	int rc;

	memcpy(naming->rest, set, naming->cells->n_words * sizeof(*set));
	rc = name_pools(naming, set, when, words);
	rc = rc ? rc : name_prefixes(naming, set, words);
	return rc ? rc : name_addresses(naming, words);
}

/* With the addresses that nobody names it is all but some. */
static int name_peers(struct naming *naming, const __u64 *set, enum when when,
		      struct diff_peers *peers)
{
	size_t words = naming->cells->n_words, used = naming->cells->count % 64;
	int rc;

	if (!cell_in(set, 0))
		return name_set(naming, set, when, &peers->words);
	for (size_t i = 0; i < words; i++)
		naming->other[i] = ~set[i];
	if (used)
		naming->other[words - 1] &= (1ULL << used) - 1;
	rc = add_word(&peers->words, "any");
	return rc ? rc : name_set(naming, naming->other, when, &peers->except);
}

static int add_set(struct naming *naming, const __u64 *set, enum when when, size_t index)
{
	size_t size = naming->cells->n_words * sizeof(*set);
	struct named_set *sets = array_grow(naming->sets, naming->n_sets, sizeof(*sets));
	__u64 *copy = malloc(size);

	if (sets)
		naming->sets = sets;
	if (!sets || !copy) {
		free(copy);
		return -ENOMEM;
	}
	memcpy(copy, set, size);
	sets[naming->n_sets++] = (struct named_set){copy, when, index};
	return 0;
}

int naming_find(struct naming *naming, const __u64 *set, enum when when, size_t *index)
{
	struct policy_diff *diff = naming->diff;
	size_t size = naming->cells->n_words * sizeof(*set);
	struct diff_peers *peers;
	int rc;

	for (size_t i = naming->n_sets; i-- > 0;) {
		if (naming->sets[i].when != when || memcmp(naming->sets[i].set, set, size) != 0)
			continue;
		*index = naming->sets[i].index;
		return 0;
	}
	peers = array_grow(diff->peers, diff->n_peers, sizeof(*peers));
	if (!peers)
		return -ENOMEM;
	diff->peers = peers;
	peers[diff->n_peers] = (struct diff_peers){0};
	*index = diff->n_peers++;
	rc = name_peers(naming, set, when, &peers[*index]);
	return rc ? rc : add_set(naming, set, when, *index);
}

/* --- exact addresses */

#define HOLES_MAX 256U

int cell_part_add(const struct cell_part *part, size_t index, struct space *space, bool *cut)
{
	_cleanup_(space_free) struct space own = {0};
	const struct cell_entry *entries = part->cells->entries, *entry = &entries[index];
	size_t holes = 0, next = index + 1;
	int rc;

	if (!part->among(part, entry))
		return 0;
	if (entry->parent != NO_ATOM && part->among(part, &entries[entry->parent]))
		return 0; /* it is in that one's */
	rc = space_add(&own, &entry->prefix);
	while (!rc && next < part->cells->n_entries &&
	       prefix_covers(&entry->prefix, &entries[next].prefix)) {
		size_t inner = next++;

		if (part->among(part, &entries[inner]))
			continue;
		if (++holes > HOLES_MAX)
			break;
		rc = space_subtract(&own, &entries[inner].prefix);
		/* what lies in the hole and is wanted all the same comes by itself */
		while (next < part->cells->n_entries &&
		       prefix_covers(&entries[inner].prefix, &entries[next].prefix))
			next++;
	}
	*cut = *cut || holes > HOLES_MAX;
	space_sort(&own);
	for (size_t i = 0; i < own.count && !rc; i++) {
		if (space->count >= DIFF_ADDRESSES) {
			*cut = true;
			break;
		}
		rc = space_add(space, &own.items[i]);
	}
	return rc;
}
