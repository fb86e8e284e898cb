/* SPDX-License-Identifier: MIT */
/* rolewall drops: what was dropped, and what passed, by reason, pool or row. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "cleanup.h"
#include "command.h"
#include "counters.h"
#include "describe.h"
#include "listing.h"
#include "running.h"

enum { OPTION_BY, OPTION_ALL };

/* --- by reason */

static json_t *drops_json(const struct counters *counters)
{
	json_t *reasons = json_object();

	for (enum reason i = 0; i < N_DROP_REASONS; i++)
		json_object_set_new(reasons, reason_name(i),
				    json_pack("{s:I, s:I, s:I}", "packets",
					      (json_int_t)counters->drops[i].packets, "bytes",
					      (json_int_t)counters->drops[i].bytes, "audited",
					      (json_int_t)counters->drops[i].audited));
	return reasons;
}

static json_t *passes_json(const struct counters *counters)
{
	json_t *passes = json_object();

	for (unsigned int i = 0; i < N_PASS_REASONS; i++)
		json_object_set_new(passes, reason_name(FIRST_PASS_REASON + i),
				    json_pack("{s:I, s:I}", "packets",
					      (json_int_t)counters->passes[i].packets, "bytes",
					      (json_int_t)counters->passes[i].bytes));
	return passes;
}

static int add_reason(struct listing *listing, enum reason reason,
		      const struct drop_counter *counter)
{
	char packets[24], bytes[24], audited[24];

	snprintf(packets, sizeof(packets), "%llu", counter->packets);
	snprintf(bytes, sizeof(bytes), "%llu", counter->bytes);
	snprintf(audited, sizeof(audited), "%llu", counter->audited);
	return listing_add(listing,
			   (const char *const[]){reason < FIRST_PASS_REASON ? "drop" : "pass",
						 reason_name(reason), packets, bytes, audited,
						 reason_text(reason)});
}

static int list_reasons(const struct counters *counters, bool all, enum format format)
{
	static const struct column columns[] = {
		{"VERDICT", false, false}, {"REASON", false, false}, {"PACKETS", true, false},
		{"BYTES", true, false},    {"AUDITED", true, false}, {"MEANING", false, true},
	};
	struct listing listing = {.columns = columns, .n_columns = 6};
	int err = 0;

	for (enum reason i = 0; i < N_DROP_REASONS && !err; i++)
		if (all || counters->drops[i].packets)
			err = add_reason(&listing, i, &counters->drops[i]);
	for (unsigned int i = 0; i < N_PASS_REASONS && !err; i++) {
		struct drop_counter counter = {
			.packets = counters->passes[i].packets,
			.bytes = counters->passes[i].bytes,
		};

		if (all || counter.packets)
			err = add_reason(&listing, FIRST_PASS_REASON + i, &counter);
	}
	if (!err)
		err = listing_print(&listing, format);
	listing_free(&listing);
	return err;
}

static int by_reason(const struct kernel *kernel, const struct arguments *arguments)
{
	struct counters counters;
	int err = counters_read(kernel, &counters);

	if (err)
		return err;
	if (arguments->common.format != FORMAT_JSON)
		return list_reasons(&counters,
				    arguments->values[OPTION_ALL] ||
					    arguments->common.format == FORMAT_CSV,
				    arguments->common.format);
	return json_print(json_pack("{s:o, s:o, s:I}", "reasons", drops_json(&counters), "passes",
				    passes_json(&counters), "seconds",
				    (json_int_t)kernel->control->epoch));
}

/* --- by pool, and by row */

/* One named counter of either map. */
struct named {
	const char *name;
	__u64 packets, bytes;
};

static struct named named_pool(const void *counters, size_t id)
{
	const struct pool_counter *pool = &((const struct pool_counter *)counters)[id];

	return (struct named){pool->pool, pool->dropped_packets, pool->dropped_bytes};
}

static struct named named_row(const void *counters, size_t id)
{
	const struct row_counter *row = &((const struct row_counter *)counters)[id];

	return (struct named){row->row, row->packets, row->bytes};
}

typedef struct named name_counter(const void *counters, size_t id);

static int print_named_json(const void *counters, size_t count, name_counter *get, const char *what)
{
	json_t *array = json_array();

	for (size_t id = 1; id < count; id++) {
		struct named named = get(counters, id);

		json_array_append_new(array, json_pack("{s:s, s:I, s:I}", what, named.name,
						       "packets", (json_int_t)named.packets,
						       "bytes", (json_int_t)named.bytes));
	}
	return json_print(json_pack("{s:o}", !strcmp(what, "row") ? "rows" : "pools", array));
}

static int list_named(const void *counters, size_t count, name_counter *get, const char *what,
		      enum format format)
{
	const bool rows = !strcmp(what, "row");
	const struct column columns[] = {
		{rows ? "ROW" : "POOL", false, false},
		{rows ? "PASSED" : "DROPPED", true, false},
		{"BYTES", true, false},
	};
	_cleanup_(listing_free) struct listing listing = {.columns = columns, .n_columns = 3};
	char packets[24], bytes[24];
	int err = 0;

	for (size_t id = 1; id < count && !err; id++) {
		struct named named = get(counters, id);

		snprintf(packets, sizeof(packets), "%llu", named.packets);
		snprintf(bytes, sizeof(bytes), "%llu", named.bytes);
		err = listing_add(&listing, (const char *const[]){named.name, packets, bytes});
	}
	return err ? err : listing_print(&listing, format);
}

static int by_name(const struct kernel *kernel, const struct arguments *arguments, const char *what)
{
	const bool rows = !strcmp(what, "row");
	name_counter *get = rows ? named_row : named_pool;
	_cleanup_free_ void *counters = NULL;
	size_t count;
	int err = rows ? counters_rows(kernel, (struct row_counter **)&counters, &count)
		       : counters_pools(kernel, (struct pool_counter **)&counters, &count);

	if (err)
		return err;
	if (arguments->common.format == FORMAT_JSON)
		return print_named_json(counters, count, get, what);
	return list_named(counters, count, get, what, arguments->common.format);
}

static int run(const struct arguments *arguments)
{
	const char *by = arguments->values[OPTION_BY] ? arguments->values[OPTION_BY] : "reason";
	_cleanup_(kernel_close) struct kernel kernel = KERNEL_CLOSED;
	int err;

	if (strcmp(by, "reason") != 0 && strcmp(by, "pool") != 0 && strcmp(by, "row") != 0) {
		fprintf(stderr,
			"rolewall: drops --by %s: not in this version; reason, pool or row\n", by);
		return ERR_USAGE;
	}
	err = kernel_open(arguments->common.pin_dir, &kernel);
	if (err == -ENOENT)
		fprintf(stderr, "rolewall: nothing is loaded at %s\n", arguments->common.pin_dir);
	if (err)
		return err;
	return !strcmp(by, "reason") ? by_reason(&kernel, arguments)
				     : by_name(&kernel, arguments, by);
}

const struct command command_drops = {
	.name = "drops",
	.summary = "Count what was dropped and passed, by reason, pool or row",
	.help = "Every packet counts under exactly one reason, so packets received = passed + dropped.\n"
		"AUDITED packets met the reason in audit mode and passed all the same. The table leaves\n"
		"out reasons without packets; --json and --csv have them all.",
	.options = {{"by", "WHAT", "reason (default), pool (drops) or row (passes)"},
		    {"all", NULL, "list reasons without packets as well"}},
	.run = run,
};
