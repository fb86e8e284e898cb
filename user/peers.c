/* SPDX-License-Identifier: MIT */
/* The other end of rows, pairs and failsafe ports: who their words stand for. */
#include <errno.h>
#include <string.h>

#include "cleanup.h"
#include "resolve.h"
#include "row.h"
#include "string_list.h"

static void peers_free(struct peers *peers)
{
	free(peers->pools);
	free(peers->prefixes);
	free(peers->words.items);
}

static int compare_prefixes(const void *a, const void *b)
{
	return prefix_compare(a, b);
}

static void sort_prefixes(struct peers *peers)
{
	size_t kept = 0;

	if (peers->n_prefixes)
		qsort(peers->prefixes, peers->n_prefixes, sizeof(*peers->prefixes),
		      compare_prefixes);
	for (size_t i = 0; i < peers->n_prefixes; i++) {
		if (!kept || prefix_compare(&peers->prefixes[kept - 1], &peers->prefixes[i]))
			peers->prefixes[kept++] = peers->prefixes[i];
	}
	peers->n_prefixes = kept;
}

/* The pools that hold one of the roles, in order. */
static void find_pools(const struct resolution *resolution, const struct role_set *roles,
		       struct peers *peers)
{
	for (size_t i = 0; i < resolution->policy.n_pools; i++) {
		if (role_set_meets(&resolution->held[i], roles))
			peers->pools[peers->n_pools++] = i;
	}
}

bool held_by_some(const struct resolution *resolution, const struct role_set *roles)
{
	for (size_t i = 0; i < resolution->policy.n_pools; i++) {
		if (role_set_meets(&resolution->held[i], roles))
			return true;
	}
	return false;
}

static int read_words(const struct resolution *resolution, const struct condition *condition,
		      struct peers *peers)
{
	const struct strings *words = condition->words;
	struct role_set roles = {0};

	peers->words.items = calloc(words->count, sizeof(*peers->words.items));
	peers->prefixes = calloc(words->count, sizeof(*peers->prefixes));
	peers->pools = calloc(resolution->policy.n_pools + 1, sizeof(*peers->pools));
	if (!peers->words.items || !peers->prefixes || !peers->pools)
		return -ENOMEM;
	for (size_t i = 0; i < words->count; i++) {
		char *word = words->items[i];
		struct role_set meant = {0};

		peers->words.items[peers->words.count++] = word;
		if (peer_is_prefix(word)) {
			prefix_parse(word, &peers->prefixes[peers->n_prefixes++]);
			continue;
		}
		role_set_add_word(&meant, resolution->matrix, word);
		role_set_unite(&roles, &meant);
		if (!condition->quiet && !held_by_some(resolution, &meant))
			diag_warning(resolution->diags, strings_place(words, i, condition->place),
				     "no pool holds \"%s\", so nothing matches it", word);
	}
	find_pools(resolution, &roles, peers);
	sort_prefixes(peers);
	return 0;
}

static bool same_peers(const struct peers *a, const struct peers *b)
{
	if (a->n_pools != b->n_pools || a->n_prefixes != b->n_prefixes ||
	    a->words.count != b->words.count)
		return false;
	if (memcmp(a->pools, b->pools, a->n_pools * sizeof(*a->pools)))
		return false;
	for (size_t i = 0; i < a->n_prefixes; i++) {
		if (prefix_compare(&a->prefixes[i], &b->prefixes[i]))
			return false;
	}
	for (size_t i = 0; i < a->words.count; i++) {
		if (!strings_contain(&b->words, a->words.items[i]))
			return false;
	}
	return true;
}

/* The index of peers like these; they go to the policy if it has none yet. */
static int keep_peers(struct policy *policy, struct peers *peers, size_t *index)
{
	struct peers *list;
	size_t at = 1;

	while (at < policy->n_peers && !same_peers(&policy->peers[at], peers))
		at++;
	if (at == policy->n_peers) {
		list = array_grow(policy->peers, policy->n_peers, sizeof(*list));
		if (!list)
			return -ENOMEM;
		policy->peers = list;
		list[policy->n_peers++] = *peers;
		*peers = (struct peers){0};
	}
	*index = at;
	return 0;
}

int resolve_words(struct resolution *resolution, const struct condition *condition, size_t *index)
{
	_cleanup_(peers_free) struct peers peers = {0};
	int rc;

	if (!condition->words->count || strings_contain(condition->words, "any"))
		return 0; /* peers[0] */
	rc = read_words(resolution, condition, &peers);
	return rc ? rc : keep_peers(&resolution->policy, &peers, index);
}

static int add_any(struct policy *policy)
{
	static char *const word = "any";
	struct strings words = {.items = calloc(1, sizeof(*words.items)), .count = 1};

	policy->peers = calloc(1, sizeof(*policy->peers));
	if (!policy->peers || !words.items) {
		free(words.items);
		return -ENOMEM;
	}
	words.items[0] = word;
	policy->peers[0].words = words;
	policy->n_peers = 1;
	return 0;
}

/*
 * What the words of the matrix match is its vendor's choice; warn_of_peers() tells it once a word,
 * and overlays_warn() that of an overlay.
 */
static int resolve_row(struct resolution *resolution, size_t index)
{
	const struct row *row = resolution->policy.rows[index];
	bool quiet = row->overlay || index < resolution->matrix->n_rows;
	const struct condition from = {&row->from, row->place, quiet};
	const struct condition to = {&row->to, row->place, quiet};
	const struct condition holders = {&row->roles, row->place, true};
	int rc = resolve_words(resolution, &from, &resolution->from[index]);

	rc = rc ? rc : resolve_words(resolution, &to, &resolution->to[index]);
	if (rc || !row->outgoing)
		return rc;
	return resolve_words(resolution, &holders, &resolution->holders[index]);
}

int resolve_peers(struct resolution *resolution)
{
	struct policy *policy = &resolution->policy;
	const struct site *site = resolution->site;
	const struct condition failsafe = {.words = &site->failsafe_from};
	bool vendor = site->least_privilege || site->outbound_matrix;
	int rc = add_any(policy);

	for (size_t i = vendor ? 0 : resolution->matrix->n_rows; i < policy->n_rows && !rc; i++)
		rc = resolve_row(resolution, i);
	return rc ? rc : resolve_words(resolution, &failsafe, &policy->failsafe);
}
