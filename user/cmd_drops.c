/* SPDX-License-Identifier: MIT */
/* rolewall drops: what was dropped, and what passed, by reason or by pool. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "cleanup.h"
#include "command.h"
#include "counters.h"
#include "listing.h"
#include "running.h"

enum { OPTION_BY, OPTION_ALL };

static int print_json(json_t *answer)
{
	if (!answer)
		return -ENOMEM;
	json_dumpf(answer, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(answer);
	return 0;
}

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
	return print_json(json_pack("{s:o, s:o, s:I}", "reasons", drops_json(&counters), "passes",
				    passes_json(&counters), "seconds",
				    (json_int_t)kernel->control->epoch));
}

/* --- by pool */

static json_t *pool_json(const struct pool_counter *pool)
{
	return json_pack("{s:s, s:I, s:I}", "pool", pool->pool, "packets",
			 (json_int_t)pool->dropped_packets, "bytes",
			 (json_int_t)pool->dropped_bytes);
}

static int list_pools(const struct pool_counter *pools, size_t count, enum format format)
{
	static const struct column columns[] = {
		{"POOL", false, false},
		{"DROPPED", true, false},
		{"BYTES", true, false},
	};
	struct listing listing = {.columns = columns, .n_columns = 3};
	char numbers[2][24];
	int err = 0;

	for (size_t i = 1; i < count && !err; i++) {
		snprintf(numbers[0], sizeof(numbers[0]), "%llu", pools[i].dropped_packets);
		snprintf(numbers[1], sizeof(numbers[1]), "%llu", pools[i].dropped_bytes);
		err = listing_add(&listing,
				  (const char *const[]){pools[i].pool, numbers[0], numbers[1]});
	}
	if (!err)
		err = listing_print(&listing, format);
	listing_free(&listing);
	return err;
}

static int by_pool(const struct kernel *kernel, const struct arguments *arguments)
{
	_cleanup_free_ struct pool_counter *pools = NULL;
	json_t *array;
	size_t count;
	int err = counters_pools(kernel, &pools, &count);

	if (err)
		return err;
	if (arguments->common.format != FORMAT_JSON)
		return list_pools(pools, count, arguments->common.format);
	array = json_array();
	for (size_t i = 1; i < count; i++)
		json_array_append_new(array, pool_json(&pools[i]));
	return print_json(json_pack("{s:o}", "pools", array));
}

static int run(const struct arguments *arguments)
{
	const char *by = arguments->values[OPTION_BY];
	struct kernel kernel = KERNEL_CLOSED;
	int err;

	if (by && strcmp(by, "reason") != 0 && strcmp(by, "pool") != 0) {
		fprintf(stderr, "rolewall: drops --by %s: not in this version; reason or pool\n",
			by);
		return ERR_USAGE;
	}
	err = kernel_open(arguments->common.pin_dir, &kernel);
	if (err == -ENOENT)
		fprintf(stderr, "rolewall: nothing is loaded at %s\n", arguments->common.pin_dir);
	if (!err)
		err = by && !strcmp(by, "pool") ? by_pool(&kernel, arguments)
						: by_reason(&kernel, arguments);
	kernel_close(&kernel);
	return err;
}

const struct command command_drops = {
	.name = "drops",
	.summary = "Count what was dropped and passed, by reason or by pool",
	.help = "Every packet counts under exactly one reason, so packets received = passed + dropped.\n"
		"AUDITED packets met the reason in audit mode and passed all the same. The table leaves\n"
		"out reasons without packets; --json and --csv have them all.",
	.options = {{"by", "WHAT", "reason (default) or pool"},
		    {"all", NULL, "list reasons without packets as well"}},
	.run = run,
};
