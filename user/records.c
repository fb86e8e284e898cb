/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "records.h"

static int compare_atoms(const void *a, const void *b)
{
	const struct atom *left = a, *right = b;

	return prefix_compare(&left->prefix, &right->prefix);
}

/* All prefixes of pools and conditions, unsorted. condition: NO_ATOM, or anything else = named. */
static int gather_atoms(const struct policy *policy, struct records *records)
{
	size_t n = policy->n_prefixes, i, j;

	for (i = 0; i < policy->n_peers; i++)
		n += policy->peers[i].n_prefixes;
	records->atoms = calloc(n ? n : 1, sizeof(*records->atoms));
	if (!records->atoms)
		return -ENOMEM;
	for (i = 0; i < policy->n_prefixes; i++)
		records->atoms[records->n_atoms++] = (struct atom){
			.prefix = policy->prefixes[i].prefix,
			.pool = policy->prefixes[i].pool,
			.condition = NO_ATOM,
		};
	for (i = 0; i < policy->n_peers; i++)
		for (j = 0; j < policy->peers[i].n_prefixes; j++)
			records->atoms[records->n_atoms++] = (struct atom){
				.prefix = policy->peers[i].prefixes[j],
				.pool = NO_POOL,
			};
	return 0;
}

/* Sorts, and makes one atom of equal prefixes. */
static void merge_atoms(struct records *records)
{
	struct atom *atoms = records->atoms;
	size_t i, kept = 0;

	if (!records->n_atoms)
		return;
	/* A policy's prefixes are sorted, and most have no others. */
	for (i = 1; i < records->n_atoms; i++)
		if (compare_atoms(&atoms[i - 1], &atoms[i]) > 0)
			break;
	if (i < records->n_atoms)
		qsort(atoms, records->n_atoms, sizeof(*atoms), compare_atoms);
	for (i = 1; i < records->n_atoms; i++) {
		if (compare_atoms(&atoms[kept], &atoms[i]) != 0) {
			atoms[++kept] = atoms[i];
			continue;
		}
		if (atoms[i].pool != NO_POOL)
			atoms[kept].pool = atoms[i].pool;
		if (atoms[i].condition != NO_ATOM)
			atoms[kept].condition = 0;
	}
	records->n_atoms = kept + 1;
}

/* Hands pool and condition down to the atoms inside; OUTER is the stack of enclosing atoms. */
static int nest_atoms(struct records *records)
{
	_cleanup_free_ size_t *outer = calloc(130, sizeof(*outer));
	size_t depth = 0, i;

	if (!outer)
		return -ENOMEM;
	for (i = 0; i < records->n_atoms; i++) {
		struct atom *atom = &records->atoms[i], *around;

		while (depth &&
		       !prefix_covers(&records->atoms[outer[depth - 1]].prefix, &atom->prefix))
			depth--;
		around = depth ? &records->atoms[outer[depth - 1]] : NULL;
		if (atom->pool == NO_POOL && around)
			atom->pool = around->pool;
		if (atom->condition != NO_ATOM)
			atom->condition = i;
		else if (around)
			atom->condition = around->condition;
		outer[depth++] = i;
	}
	return 0;
}

static int compare_conditions(const void *a, const void *b, void *context)
{
	const struct atom *atoms = context;
	const struct atom *left = &atoms[*(const size_t *)a], *right = &atoms[*(const size_t *)b];

	/* NO_ATOM is the largest */
	return (left->condition > right->condition) - (left->condition < right->condition);
}

/* Atoms of one pool, NO_POOL being behind the last one. */
static size_t pool_rank(const struct policy *policy, const struct atom *atom)
{
	return atom->pool == NO_POOL ? policy->n_pools : atom->pool;
}

/* Indexes of the atoms by pool, then condition: each pool has its part of the array. */
static int order_kinds(const struct policy *policy, const struct records *records, size_t *order)
{
	size_t n_ranks = policy->n_pools + 1, i;
	_cleanup_free_ size_t *start = calloc(n_ranks + 1, sizeof(*start));

	if (!start)
		return -ENOMEM;
	for (i = 0; i < records->n_atoms; i++)
		start[pool_rank(policy, &records->atoms[i]) + 1]++;
	for (i = 0; i < n_ranks; i++)
		start[i + 1] += start[i];
	for (i = 0; i < records->n_atoms; i++)
		order[start[pool_rank(policy, &records->atoms[i])]++] = i;
	/* By now each part starts where the one before it ended. */
	for (i = 0; i < n_ranks; i++) {
		size_t first = i ? start[i - 1] : 0;

		if (policy->n_peers > 1 && start[i] > first)
			qsort_r(order + first, start[i] - first, sizeof(*order), compare_conditions,
				records->atoms);
	}
	return 0;
}

static bool same_kind(const struct atom *a, const struct atom *b)
{
	return a->pool == b->pool && a->condition == b->condition;
}

/* Numbers the kinds from 1, by pool in site order, then condition. */
static int number_records(const struct policy *policy, struct records *records)
{
	_cleanup_free_ size_t *order = calloc(records->n_atoms + 1, sizeof(*order));
	size_t i;

	records->items = calloc(records->n_atoms + 1, sizeof(*records->items));
	if (!order || !records->items || order_kinds(policy, records, order))
		return -ENOMEM;
	records->items[0] = (struct record){.pool = NO_POOL, .condition = NO_ATOM};
	records->count = 1;
	for (i = 0; i < records->n_atoms; i++) {
		struct atom *atom = &records->atoms[order[i]];

		if (!i || !same_kind(atom, &records->atoms[order[i - 1]]))
			records->items[records->count++] = (struct record){
				.pool = atom->pool,
				.condition = atom->condition,
			};
		atom->record = (__u32)records->count - 1;
		atom->guarded = atom->pool != NO_POOL && policy->pools[atom->pool].guarded;
	}
	return records->count > RECORDS_MAX ? -E2BIG : 0;
}

static bool matches(const struct records *records, const struct record *record,
		    const struct peers *peers, const bool *pools)
{
	if (record->pool != NO_POOL && pools[record->pool])
		return true;
	if (record->condition == NO_ATOM)
		return false;
	for (size_t i = 0; i < peers->n_prefixes; i++)
		if (prefix_covers(&peers->prefixes[i], &records->atoms[record->condition].prefix))
			return true;
	return false;
}

/* Says of each condition which records satisfy it, so that tables are written without searching. */
static int admit_records(const struct policy *policy, struct records *records)
{
	_cleanup_free_ bool *pools = calloc(policy->n_pools + 1, sizeof(*pools));
	size_t n = records->count;

	records->admits = calloc(policy->n_peers * n + 1, sizeof(*records->admits));
	if (!pools || !records->admits)
		return -ENOMEM;
	for (size_t i = 0; i < policy->n_peers; i++) {
		const struct peers *peers = &policy->peers[i];

		memset(pools, 0, policy->n_pools * sizeof(*pools));
		for (size_t j = 0; j < peers->n_pools; j++)
			pools[peers->pools[j]] = true;
		for (size_t j = 0; j < n; j++)
			records->admits[i * n + j] =
				!i || matches(records, &records->items[j], peers, pools);
	}
	return 0;
}

int records_make(const struct policy *policy, struct records *records)
{
	int err;

	*records = (struct records){0};
	err = gather_atoms(policy, records);
	if (err)
		return err;
	merge_atoms(records);
	err = nest_atoms(records);
	if (!err)
		err = number_records(policy, records);
	return err ? err : admit_records(policy, records);
}

bool records_admit(const struct records *records, size_t peers, size_t id)
{
	return records->admits[peers * records->count + id];
}

void records_free(struct records *records)
{
	free(records->atoms);
	free(records->items);
	free(records->admits);
	*records = (struct records){0};
}
