/* SPDX-License-Identifier: MIT */
/*
 * {"site":..., "matrix":..., "mode":..., "profile":..., "outbound":...,
 *  "interfaces":[{"name":..., "side":..., "hook":...}],
 *  "kinds":[{"open":[[transport, first, last, [[row id, peers], ...]], ...],
 *   "start":[the same of outbound rows]}],
 *  "pools":[{"name":..., "roles":[...], "kind":...}],
 *  "records":[pool or -1, ...], "peers":[null, [record, ...], ...]}
 *
 * Thousands of pools are of few kinds, hence these. Unpacked, each pool has what its kind has.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "cleanup.h"
#include "describe.h"
#include "description.h"

#define DESCRIPTION_MAX (256U << 20)

static json_t *opening_json(const struct policy *policy, const struct opening *opening)
{
	json_t *grants = json_array();

	for (size_t i = 0; grants && i < opening->n_grants; i++) {
		const struct grant *grant = opening->grants[i];

		if (!json_append(grants, json_pack("[s, I]", policy->rows[grant->row]->id,
						   (json_int_t)grant->peers))) {
			json_decref(grants);
			return NULL;
		}
	}
	return json_pack("[i, i, i, o]", opening->transport, opening->ports.first,
			 opening->ports.last, grants);
}

static json_t *openings_json(const struct policy *policy, const struct pool_kind *kind,
			     enum direction direction)
{
	json_t *array = json_array();
	bool ok = array;

	for (size_t i = 0; i < kind->n_openings && ok; i++)
		if (kind->openings[i].direction == direction)
			ok = json_append(array, opening_json(policy, &kind->openings[i]));
	if (ok)
		return array;
	json_decref(array);
	return NULL;
}

static json_t *kinds_json(const struct policy *policy, const struct pool_kinds *kinds)
{
	json_t *array = json_array();
	bool ok = array;

	for (size_t i = 0; i < kinds->count && ok; i++)
		ok = json_append(array,
				 json_pack("{s:o, s:o}", "open",
					   openings_json(policy, &kinds->items[i], DIRECTION_IN),
					   "start",
					   openings_json(policy, &kinds->items[i], DIRECTION_OUT)));
	if (ok)
		return array;
	json_decref(array);
	return NULL;
}

static json_t *pools_json(const struct policy *policy, const struct pool_kinds *kinds)
{
	json_t *array = json_array();
	bool ok = array;

	for (size_t i = 0; i < policy->n_pools && ok; i++) {
		const struct policy_pool *pool = &policy->pools[i];

		ok = json_append(array, json_pack("{s:s, s:o, s:I}", "name", pool->name, "roles",
						  strings_json(&pool->roles), "kind",
						  (json_int_t)kinds->of_pool[i]));
	}
	if (ok)
		return array;
	json_decref(array);
	return NULL;
}

static json_t *records_json(const struct records *records)
{
	json_t *array = json_array();

	for (size_t i = 0; array && i < records->count; i++) {
		size_t pool = records->items[i].pool;

		json_array_append_new(array, json_integer(pool == NO_POOL ? -1 : (json_int_t)pool));
	}
	return array;
}

static json_t *peers_json(const struct policy *policy, const struct records *records)
{
	json_t *array = json_array();

	for (size_t i = 0; array && i < policy->n_peers; i++) {
		json_t *matching = i ? json_array() : json_null();

		for (size_t r = 1; i && r < records->count; r++)
			if (records_admit(records, i, r))
				json_array_append_new(matching, json_integer((json_int_t)r));
		json_array_append_new(array, matching);
	}
	return array;
}

static json_t *site_interfaces_json(const struct site *site)
{
	json_t *array = json_array();
	bool ok = array;

	for (size_t i = 0; i < site->n_interfaces && ok; i++) {
		const struct site_interface *interface = &site->interfaces[i];

		ok = json_append(array, json_pack("{s:o, s:s, s:s}", "name",
						  foreign_text_json(interface->name), "side",
						  side_name(interface->side), "hook",
						  hook_name(interface->hook)));
	}
	if (ok)
		return array;
	json_decref(array);
	return NULL;
}

static json_t *description_json(const struct policy *policy, const struct records *records,
				const struct pool_kinds *kinds)
{
	const struct site *site = policy->site;

	return json_pack("{s:o, s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "site",
			 foreign_text_json(site->path), "matrix", policy->matrix->name, "mode",
			 mode_name(site->mode), "profile",
			 site->least_privilege ? "least-privilege" : "literal", "outbound",
			 site->outbound_matrix ? "matrix" : "open", "interfaces",
			 site_interfaces_json(site), "kinds", kinds_json(policy, kinds), "pools",
			 pools_json(policy, kinds), "records", records_json(records), "peers",
			 peers_json(policy, records));
}

int description_pack(const struct policy *policy, const struct records *records,
		     const struct pool_kinds *kinds, void **bytes, size_t *size)
{
	json_t *description = description_json(policy, records, kinds);
	_cleanup_free_ char *text = description ? json_dumps(description, JSON_COMPACT) : NULL;
	uLong length = text ? strlen(text) : 0, room = compressBound(length);
	_cleanup_free_ __u32 *packed = malloc(sizeof(*packed) + room);

	json_decref(description);
	if (!text || !packed)
		return -ENOMEM;
	*packed = (__u32)length;
	if (compress2((Bytef *)(packed + 1), &room, (const Bytef *)text, length, Z_BEST_SPEED) !=
	    Z_OK)
		return -ENOMEM;
	*size = sizeof(*packed) + room;
	*bytes = TAKE_PTR(packed);
	return 0;
}

/* Gives each pool what its kind has, which they share, and takes the kinds away. */
static int spread_kinds(json_t *description)
{
	json_t *kinds = json_object_get(description, "kinds"), *pool;
	size_t i;

	if (!kinds)
		return 0; /* an older build's: the pools have it */
	json_array_foreach (json_object_get(description, "pools"), i, pool) {
		json_int_t number = json_integer_value(json_object_get(pool, "kind"));
		json_t *kind = json_array_get(kinds, (size_t)number);

		if (!kind || json_object_update(pool, kind) || json_object_del(pool, "kind"))
			return -EBADMSG;
	}
	json_object_del(description, "kinds");
	return 0;
}

int description_unpack(const void *bytes, size_t size, json_t **description)
{
	_cleanup_free_ char *text = NULL;
	json_t *read;
	__u32 length;
	uLongf room;

	if (size < sizeof(length))
		return -EBADMSG;
	memcpy(&length, bytes, sizeof(length));
	if (length > DESCRIPTION_MAX)
		return -EBADMSG;
	text = malloc(length + 1);
	if (!text)
		return -ENOMEM;
	room = length;
	if (uncompress((Bytef *)text, &room, (const Bytef *)bytes + sizeof(length),
		       size - sizeof(length)) != Z_OK ||
	    room != length)
		return -EBADMSG;
	read = json_loadb(text, length, 0, NULL);
	if (!read || spread_kinds(read)) {
		json_decref(read);
		return -EBADMSG;
	}
	*description = read;
	return 0;
}

static json_t *record_pool(const json_t *description, __u32 record)
{
	json_t *pool = json_array_get(json_object_get(description, "records"), record);

	if (!pool || json_integer_value(pool) < 0)
		return NULL;
	return json_array_get(json_object_get(description, "pools"),
			      (size_t)json_integer_value(pool));
}

json_t *description_roles(const json_t *description, __u32 record)
{
	return json_object_get(record_pool(description, record), "roles");
}

const char *description_pool(const json_t *description, __u32 record)
{
	return json_string_value(json_object_get(record_pool(description, record), "name"));
}

static bool admits(const json_t *description, json_int_t peers, __u32 source)
{
	json_t *matching = json_array_get(json_object_get(description, "peers"), (size_t)peers);
	json_t *record;
	size_t i;

	if (!peers)
		return true;
	json_array_foreach (matching, i, record)
		if (json_integer_value(record) == source)
			return true;
	return false;
}

/* Appends the ids of the rows in a list of openings that admit the record of the other end. */
static void append_rows(const json_t *description, const json_t *openings,
			const struct passage *passage, __u32 other, json_t *rows)
{
	json_t *opening, *grants, *grant;
	json_int_t via, first, last;
	size_t i, j;

	json_array_foreach (openings, i, opening) {
		if (json_unpack(opening, "[I, I, I, o]", &via, &first, &last, &grants) ||
		    via != passage->transport || passage->port < first || passage->port > last)
			continue;
		json_array_foreach (grants, j, grant)
			if (admits(description, json_integer_value(json_array_get(grant, 1)),
				   other))
				json_array_append(rows, json_array_get(grant, 0));
	}
}

json_t *description_rows(const json_t *description, const struct passage *passage)
{
	json_t *rows = json_array();

	append_rows(description,
		    json_object_get(record_pool(description, passage->destination), "open"),
		    passage, passage->source, rows);
	if (!json_array_size(rows))
		append_rows(description,
			    json_object_get(record_pool(description, passage->source), "start"),
			    passage, passage->destination, rows);
	return rows;
}
