/* SPDX-License-Identifier: MIT */
/* The rows behind a change, and what they have counted. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plan.h"

const char *plan_way(enum diff_way way)
{
	static const char *const names[] = {
		[WAY_IN] = "in", [WAY_OUT] = "out", [WAY_START] = "start"};

	return names[way];
}

const struct row *plan_row(const struct plan *plan, const struct diff_change *change, size_t index)
{
	const struct policy *policy =
		plan->diff.policies[change->kind == DIFF_SHUTS ? BEFORE : AFTER];

	return policy->rows[change->rows[index]];
}

/* Marks rows of the policy before that a pool has after. */
static void find_kept(struct plan *plan, const bool *granted)
{
	const struct policy *before = plan->diff.policies[BEFORE],
			    *after = plan->diff.policies[AFTER];

	for (size_t i = 0; i < after->n_rows; i++)
		for (size_t j = 0; granted[i] && j < before->n_rows; j++)
			if (!strcmp(after->rows[i]->id, before->rows[j]->id))
				plan->counted[j].kept = true;
}

int plan_count(struct plan *plan, const struct row_counter *counters, size_t n_counters)
{
	const struct policy *before = plan->diff.policies[BEFORE],
			    *after = plan->diff.policies[AFTER];
	bool *granted = calloc(after->n_rows + 1, sizeof(*granted));

	plan->counted = calloc(before->n_rows + 1, sizeof(*plan->counted));
	if (!granted || !plan->counted) {
		free(granted);
		return -ENOMEM;
	}
	for (size_t i = 0; i < after->n_pools; i++)
		for (size_t j = 0; j < after->pools[i].n_grants; j++)
			granted[after->pools[i].grants[j].row] = true;
	find_kept(plan, granted);
	free(granted);
	for (size_t i = 0; i < before->n_rows; i++)
		for (size_t id = 1; id < n_counters; id++)
			if (!strncmp(counters[id].row, before->rows[i]->id, ROW_NAME - 1)) {
				plan->counted[i].packets = counters[id].packets;
				plan->counted[i].last = (__u32)counters[id].last;
			}
	return 0;
}

bool plan_hits(const struct plan *plan, const struct diff_change *change, struct plan_hits *hits)
{
	__u32 last = 0;

	*hits = (struct plan_hits){0};
	if (!plan->counted || change->kind != DIFF_SHUTS)
		return false;
	for (size_t i = 0; i < change->n_rows; i++) {
		const struct plan_counted *counted = &plan->counted[change->rows[i]];

		hits->packets += counted->packets;
		hits->shared |= counted->kept;
		if (counted->last > last)
			last = counted->last;
	}
	hits->ago = plan->seconds > last ? plan->seconds - last : 0;
	return true;
}
