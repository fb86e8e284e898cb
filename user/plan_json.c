/* SPDX-License-Identifier: MIT */
#include <jansson.h>
#include <string.h>
#include <time.h>

#include "describe.h"
#include "plan.h"
#include "row.h"

/* An array, or NULL and nothing left, if not all could be added. */
static json_t *whole(json_t *array, bool ok)
{
	if (ok)
		return array;
	json_decref(array);
	return NULL;
}

static json_t *settings_json(const struct policy_diff *diff)
{
	json_t *array = json_array();
	bool ok = array;

	for (size_t i = 0; i < diff->n_settings && ok; i++) {
		const struct diff_setting *setting = &diff->settings[i];
		const char *before = setting->value[BEFORE], *after = setting->value[AFTER];

		ok = json_append(array, json_pack("{s:o, s:o, s:o}", "name",
						  foreign_text_json(setting->name), "before",
						  before ? foreign_text_json(before) : json_null(),
						  "after",
						  after ? foreign_text_json(after) : json_null()));
	}
	return whole(array, ok);
}

/* --- pools */

static json_t *pool_side(const struct policy_diff *diff, enum when when, size_t index)
{
	const struct policy_pool *pool;

	if (index == NO_POOL)
		return json_null();
	pool = &diff->policies[when]->pools[index];
	return json_pack("{s:s, s:o, s:b, s:b}", "name", pool->name, "roles",
			 strings_json(&pool->roles), "guarded", pool->guarded, "ipsec_exempt",
			 pool->ipsec_exempt);
}

static json_t *pool_json(const struct policy_diff *diff, size_t before, size_t after,
			 const char *change)
{
	const char *name = after == NO_POOL ? diff->policies[BEFORE]->pools[before].name
					    : diff->policies[AFTER]->pools[after].name;

	return json_pack("{s:s, s:s, s:o, s:o}", "name", name, "change", change, "before",
			 pool_side(diff, BEFORE, before), "after", pool_side(diff, AFTER, after));
}

static const char *change_of(const struct policy_diff *diff, size_t before, size_t after)
{
	if (before == NO_POOL)
		return "added";
	if (!policy_diff_pool(diff, before, after))
		return NULL;
	return strcmp(diff->policies[BEFORE]->pools[before].name,
		      diff->policies[AFTER]->pools[after].name) != 0
		       ? "renamed"
		       : "changed";
}

static json_t *pools_json(const struct policy_diff *diff)
{
	const struct policy *before = diff->policies[BEFORE], *after = diff->policies[AFTER];
	json_t *array = json_array();
	bool ok = array;

	for (size_t i = 0; i < after->n_pools && ok; i++) {
		const char *change = change_of(diff, diff->same[AFTER][i], i);

		if (change)
			ok = json_append(array, pool_json(diff, diff->same[AFTER][i], i, change));
	}
	for (size_t i = 0; before && i < before->n_pools && ok; i++)
		if (diff->same[BEFORE][i] == NO_POOL)
			ok = json_append(array, pool_json(diff, i, NO_POOL, "removed"));
	return whole(array, ok);
}

/* --- addresses and ports */

static json_t *addresses_json(const struct diff_area *area)
{
	json_t *array = json_array();
	bool ok = array;
	char text[PREFIX_TEXT];

	for (size_t i = 0; i < area->addresses.count && ok; i++)
		ok = json_append(array, json_string(prefix_format(&area->addresses.items[i], text,
								  sizeof(text))));
	return whole(array, ok);
}

static json_t *change_json(const struct plan *plan, const struct diff_change *change)
{
	const struct diff_peers *peers = &plan->diff.peers[change->peers];
	json_t *rows = json_array(), *json;
	bool ok = rows;
	struct plan_hits hits;

	for (size_t i = 0; i < change->n_rows && ok; i++)
		ok = json_append(rows, json_string(plan_row(plan, change, i)->id));
	json = json_pack("{s:s, s:s, s:o, s:o, s:o, s:o}", "direction", plan_way(change->way),
			 "protocol", transports_name(change->transport), "ports",
			 ports_json(change->ports), change->way == WAY_OUT ? "to" : "from",
			 strings_json(&peers->words), "except", strings_json(&peers->except),
			 "rows", whole(rows, ok));
	if (json && plan_hits(plan, change, &hits)) {
		json_object_set_new(json, "packets", json_integer((json_int_t)hits.packets));
		json_object_set_new(json, "shared", json_boolean(hits.shared));
		json_object_set_new(json, "last_seconds_ago",
				    hits.packets ? json_integer((json_int_t)hits.ago)
						 : json_null());
	}
	return json;
}

static json_t *changes_json(const struct plan *plan, const struct diff_area *area,
			    enum diff_kind kind)
{
	json_t *array = json_array();
	bool ok = array;

	for (size_t i = 0; i < area->n_changes && ok; i++)
		if (area->changes[i].kind == kind)
			ok = json_append(array, change_json(plan, &area->changes[i]));
	return whole(array, ok);
}

static json_t *pool_name(const struct policy_diff *diff, enum when when, size_t index)
{
	return index == NO_POOL ? json_null()
				: json_string(diff->policies[when]->pools[index].name);
}

static json_t *area_json(const struct plan *plan, const struct diff_area *area)
{
	const struct policy_diff *diff = &plan->diff;

	return json_pack("{s:o, s:o, s:b, s:b, s:I, s:I, s:o, s:b, s:o, s:o, s:o}", "before",
			 pool_name(diff, BEFORE, area->pool[BEFORE]), "after",
			 pool_name(diff, AFTER, area->pool[AFTER]), "unfiltered_before",
			 policy_diff_unfiltered(diff, area, BEFORE), "unfiltered_after",
			 policy_diff_unfiltered(diff, area, AFTER), "ipv4_addresses",
			 (json_int_t)area->ipv4, "ipv6_prefixes", (json_int_t)area->prefixes6,
			 "addresses", addresses_json(area), "more", area->cut, "opens",
			 changes_json(plan, area, DIFF_OPENS), "shuts",
			 changes_json(plan, area, DIFF_SHUTS), "counts",
			 changes_json(plan, area, DIFF_COUNTS));
}

static json_t *areas_json(const struct plan *plan)
{
	json_t *array = json_array();
	bool ok = array;

	for (size_t i = 0; i < plan->diff.n_areas && ok; i++) {
		const struct diff_area *area = &plan->diff.areas[i];

		if (!area->stays || area->n_changes)
			ok = json_append(array, area_json(plan, area));
	}
	return whole(array, ok);
}

static json_t *since_json(const struct plan *plan)
{
	time_t since = time(NULL) - (time_t)plan->seconds;
	char text[24];
	struct tm utc;

	if (!plan->counted)
		return json_null();
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&since, &utc));
	return json_string(text);
}

json_t *plan_json(const struct plan *plan)
{
	return json_pack("{s:b, s:b, s:I, s:o, s:o, s:o, s:I, s:o, s:o, s:o}", "changes",
			 policy_diff_any(&plan->diff), "running", plan->before != NULL,
			 "generation", (json_int_t)plan->generation, "from",
			 foreign_text_json(plan->names[BEFORE]), "to",
			 foreign_text_json(plan->names[AFTER]), "counted_since", since_json(plan),
			 "counted_seconds", (json_int_t)plan->seconds, "settings",
			 settings_json(&plan->diff), "pools", pools_json(&plan->diff), "areas",
			 areas_json(plan));
}
