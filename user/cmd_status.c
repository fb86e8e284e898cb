/* SPDX-License-Identifier: MIT */
/* rolewall status: what is loaded, where it is attached, how full its tables are. */
#include <errno.h>
#include <jansson.h>
#include <net/if.h>
#include <stdio.h>

#include "cleanup.h"
#include "command.h"
#include "counters.h"
#include "describe.h"
#include "description.h"
#include "listing.h"
#include "running.h"

struct status {
	struct running running;
	struct attachment *attachments;
	size_t n_attachments;
	struct table_fill fill[3]; /* IPv4 flows, IPv6 flows, fragments */
	struct counters counters;
};

static const char *const table_names[3] = {"flows_ipv4", "flows_ipv6", "fragments"};

static int read_status(const char *pin_dir, struct status *status)
{
	static const enum pinned_map maps[3] = {MAP_flows4, MAP_flows6, MAP_fragments};
	const struct kernel *kernel = &status->running.kernel;
	int err = running_open(pin_dir, &status->running);

	if (!err)
		err = kernel_attachments(kernel, &status->attachments, &status->n_attachments);
	if (!err)
		err = counters_read(kernel, &status->counters);
	for (int i = 0; i < 3 && !err; i++)
		err = counters_fill(kernel, maps[i], &status->fill[i]);
	return err;
}

static const char *status_mode(const struct status *status)
{
	return running_header(&status->running, HEADER_OPTIONS) & OPTION_AUDIT ? "audit"
									       : "enforce";
}

static bool is_asymmetric(const struct running *running)
{
	return running_header(running, HEADER_OPTIONS) & OPTION_ASYMMETRIC;
}

/* --- JSON */

static json_t *interfaces_json(const struct status *status)
{
	json_t *array = json_array();

	for (size_t i = 0; i < status->n_attachments; i++) {
		const struct attachment *attachment = &status->attachments[i];

		json_array_append_new(array, json_pack("{s:s, s:I, s:s, s:s, s:b}", "name",
						       attachment->name, "ifindex",
						       (json_int_t)attachment->ifindex, "hook",
						       hook_name(attachment->hook), "side",
						       side_name(attachment->side), "present",
						       attachment->ifindex != 0));
	}
	return array;
}

static json_t *tables_json(const struct status *status)
{
	const struct table_counters *tables = &status->counters.tables;
	json_t *object = json_pack("{s:I, s:I, s:I, s:I}", "flows_created",
				   (json_int_t)tables->flows_created, "flows_evicted",
				   (json_int_t)tables->flows_evicted, "flows_lost",
				   (json_int_t)tables->flows_lost, "fragments_created",
				   (json_int_t)tables->fragments_created);

	for (int i = 0; i < 3; i++)
		json_object_set_new(object, table_names[i],
				    json_pack("{s:I, s:I}", "used",
					      (json_int_t)status->fill[i].used, "size",
					      (json_int_t)status->fill[i].size));
	return object;
}

static json_t *timeouts_json(const struct running *running)
{
	json_t *object = json_object();

	for (int i = 0; i < N_TIMEOUTS; i++)
		json_object_set_new(object, timeout_kinds[i].name,
				    json_integer(running_header(running, timeout_kinds[i].cell)));
	return object;
}

static int print_json(const struct status *status)
{
	const struct running *running = &status->running;
	const json_t *description = running->description;
	json_t *answer =
		json_pack("{s:s, s:I, s:o, s:O?, s:O?, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:b}",
			  "mode", status_mode(status), "generation",
			  (json_int_t)running_header(running, HEADER_GENERATION), "interfaces",
			  interfaces_json(status), "site", json_object_get(description, "site"),
			  "matrix", json_object_get(description, "matrix"), "pools",
			  (json_int_t)json_array_size(json_object_get(description, "pools")),
			  "image_pages", (json_int_t)running_header(running, HEADER_PAGES),
			  "room_pages", (json_int_t)running->kernel.control->image_pages, "abi",
			  (json_int_t)ROLEWALL_ABI, "seconds",
			  (json_int_t)running->kernel.control->epoch, "tables", tables_json(status),
			  "timeouts", timeouts_json(running), "asymmetric", is_asymmetric(running));

	return json_print(answer);
}

/* --- table */

__attribute__((format(printf, 3, 4))) static int add_fact(struct listing *listing, const char *name,
							  const char *format, ...)
{
	_cleanup_free_ char *value = NULL;
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vasprintf(&value, format, arguments);
	va_end(arguments);
	if (length < 0) {
		value = NULL;
		return -ENOMEM;
	}
	return listing_add(listing, (const char *const[]){name, value});
}

static int list_timeouts(struct listing *listing, const struct running *running)
{
	int err = 0;

	for (int i = 0; i < N_TIMEOUTS; i++)
		err |= add_fact(listing, "timeout", "%s: %u s", timeout_kinds[i].name,
				running_header(running, timeout_kinds[i].cell));
	return err;
}

static int list_facts(struct listing *listing, const struct status *status)
{
	const struct running *running = &status->running;
	const json_t *description = running->description;
	const struct table_counters *tables = &status->counters.tables;
	int err = 0;

	err |= add_fact(listing, "mode", "%s", status_mode(status));
	err |= add_fact(listing, "generation", "%u", running_header(running, HEADER_GENERATION));
	err |= add_fact(listing, "site", "%s",
			json_string_value(json_object_get(description, "site")));
	err |= add_fact(listing, "matrix", "%s",
			json_string_value(json_object_get(description, "matrix")));
	err |= add_fact(listing, "pools", "%zu",
			json_array_size(json_object_get(description, "pools")));
	err |= add_fact(listing, "image", "%u of %u KiB", running_header(running, HEADER_PAGES),
			running->kernel.control->image_pages);
	err |= add_fact(listing, "counting for", "%u s", running->kernel.control->epoch);
	for (int i = 0; i < 3; i++)
		err |= add_fact(listing, table_names[i], "%zu of %zu", status->fill[i].used,
				status->fill[i].size);
	err |= add_fact(listing, "flows made", "%llu, %llu pushed out, %llu without room",
			tables->flows_created, tables->flows_evicted, tables->flows_lost);
	err |= add_fact(listing, "fragmented packets", "%llu", tables->fragments_created);
	err |= list_timeouts(listing, running);
	if (is_asymmetric(running))
		err |= add_fact(listing, "asymmetric", "true");
	for (size_t i = 0; i < status->n_attachments; i++) {
		const struct attachment *attachment = &status->attachments[i];

		err |= add_fact(listing, "interface", "%s: %s, side %s%s", attachment->name,
				hook_name(attachment->hook), side_name(attachment->side),
				attachment->ifindex ? "" : ", GONE: deleted since, apply again");
	}
	return err ? -ENOMEM : 0;
}

static int print_listing(const struct status *status, enum format format)
{
	static const struct column columns[] = {{"WHAT", false, false}, {"VALUE", false, true}};
	struct listing listing = {.columns = columns, .n_columns = 2};
	int err = list_facts(&listing, status);

	if (!err)
		err = listing_print(&listing, format);
	listing_free(&listing);
	return err;
}

static int run(const struct arguments *arguments)
{
	struct status status = {0};
	int err = read_status(arguments->common.pin_dir, &status);

	if (!err)
		err = arguments->common.format == FORMAT_JSON
			      ? print_json(&status)
			      : print_listing(&status, arguments->common.format);
	free(status.attachments);
	running_close(&status.running);
	return err;
}

const struct command command_status = {
	.name = "status",
	.summary = "Show interfaces and hooks, generation, mode, and how full the tables are",
	.help = "Reads the pins alone: the site file may have changed since it was applied.",
	.run = run,
};
