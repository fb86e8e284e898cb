/* SPDX-License-Identifier: MIT */
/* rolewall status: what is loaded, where it is attached, how full its tables are. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cleanup.h"
#include "command.h"
#include "describe.h"
#include "description.h"
#include "kern_shadow.h"
#include "lag.h"
#include "listing.h"
#include "pending.h"
#include "reading.h"

static const char *const table_names[N_TABLES] = {"flows_ipv4", "flows_ipv6", "fragments"};

/* --- JSON */

static json_t *interfaces_json(const struct reading *reading)
{
	json_t *array = json_array();

	for (size_t i = 0; i < reading->interfaces.count; i++) {
		const struct interface_state *state = &reading->interfaces.items[i];

		json_array_append_new(array,
				      json_pack("{s:o, s:I, s:s, s:s, s:b, s:s}", "name",
						foreign_text_json(state->name), "ifindex",
						(json_int_t)state->ifindex, "hook",
						hook_taken(state), "side", side_name(state->side),
						"present", state->condition != CONDITION_missing,
						"condition", condition_name(state->condition)));
	}
	return array;
}

static json_t *tables_json(const struct reading *reading)
{
	const struct table_counters *tables = &reading->counters.tables;
	json_t *object = json_pack(
		"{s:I, s:I, s:I, s:I, s:I, s:I}", "flows_created",
		(json_int_t)tables->flows_created, "flows_evicted",
		(json_int_t)tables->flows_evicted, "flows_lost", (json_int_t)tables->flows_lost,
		"fragments_created", (json_int_t)tables->fragments_created, "events_sent",
		(json_int_t)tables->events_sent, "events_lost", (json_int_t)tables->events_full);

	for (int i = 0; i < N_TABLES; i++)
		json_object_set_new(object, table_names[i],
				    json_pack("{s:I, s:I}", "used",
					      (json_int_t)reading->fill[i].used, "size",
					      (json_int_t)reading->fill[i].size));
	return object;
}

static json_t *forwarding_json(const struct reading *reading)
{
	const struct forward_counters *counted = &reading->counters.forwarding;

	return json_pack("{s:s, s:o}", "by",
			 reading_option(reading, OPTION_FORWARD) ? "xdp" : "kernel", "packets",
			 json_pack("{"
#define X(name, text) "s:I, "
				   FORWARD_RESULTS(X)
#undef X
					   "}"
#define X(name, text) , #name, (json_int_t)counted->name
				   FORWARD_RESULTS(X)
#undef X
					   ));
}

static json_t *timeouts_json(const struct running *running)
{
	json_t *object = json_object();

	for (int i = 0; i < N_TIMEOUTS; i++)
		json_object_set_new(object, timeout_kinds[i].name,
				    json_integer(running_header(running, timeout_kinds[i].cell)));
	return object;
}

static json_t *trial_json(const struct reading *reading)
{
	const struct control *control = reading->running.kernel.control;

	return json_pack("{s:I, s:b, s:I}", "seconds", (json_int_t)reading_trial(reading),
			 "returned", control->returned != 0, "returns",
			 (json_int_t)control->returns);
}

static json_t *history_json(const struct common *common, const struct kernel *kernel)
{
	struct lag lag;
	bool lags = lag_find(common, kernel, &lag);

	return json_pack("{s:b, s:I}", "lags", lags, "reboot", (json_int_t)lag.reboot);
}

static int print_json(const struct common *common, const struct reading *reading)
{
	const struct running *running = &reading->running;
	const json_t *description = running->description;
	json_t *answer = json_pack(
		"{s:s, s:I, s:I, s:o, s:O?, s:O?, s:O?, s:O?}", "mode", reading_mode(reading),
		"generation", (json_int_t)running_header(running, HEADER_GENERATION),
		"generation_time", (json_int_t)reading_time(reading), "interfaces",
		interfaces_json(reading), "site", json_object_get(description, "site"), "matrix",
		json_object_get(description, "matrix"), "profile",
		json_object_get(description, "profile"), "outbound",
		json_object_get(description, "outbound"));

	json_object_update_new(
		answer,
		json_pack("{s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:b, s:o, s:b, s:o}", "pools",
			  (json_int_t)json_array_size(json_object_get(description, "pools")),
			  "image_pages", (json_int_t)running_header(running, HEADER_PAGES),
			  "room_pages", (json_int_t)running->kernel.pages, "abi",
			  (json_int_t)ROLEWALL_ABI, "seconds",
			  (json_int_t)running->kernel.control->epoch, "tables",
			  tables_json(reading), "timeouts", timeouts_json(running), "asymmetric",
			  reading_option(reading, OPTION_ASYMMETRIC), "trial", trial_json(reading),
			  "backstop", reading->backstop.on, "forwarding",
			  forwarding_json(reading)));
	json_object_set_new(answer, "shadow", json_boolean(kernel_has_shadow(&running->kernel)));
	json_object_set_new(answer, "history", history_json(common, &running->kernel));
	return json_print(answer);
}

/* --- table */

static int list_timeouts(struct listing *listing, const struct running *running)
{
	int err = 0;

	for (int i = 0; i < N_TIMEOUTS; i++)
		err |= listing_add_fact(listing, "timeout", "%s: %u s", timeout_kinds[i].name,
					running_header(running, timeout_kinds[i].cell));
	return err;
}

/* Its number, when it was made, and what may end it. */
static int list_generation(struct listing *listing, const struct reading *reading)
{
	const struct control *control = reading->running.kernel.control;
	time_t made = (time_t)reading_time(reading);
	__u32 left = reading_trial(reading);
	struct tm parts;
	char text[32];
	int err;

	if (!made || !gmtime_r(&made, &parts) ||
	    !strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &parts))
		strcpy(text, "an unknown time");
	err = listing_add_fact(listing, "generation", "%u, of %s",
			       running_header(&reading->running, HEADER_GENERATION), text);
	if (left)
		err |= listing_add_fact(listing, "trial",
					"ends in %u s, then the policy before returns", left);
	if (control->returned)
		err |= listing_add_fact(listing, "trial",
					"ENDED unconfirmed: the policy before has returned");
	return err;
}

static int list_interfaces(struct listing *listing, const struct reading *reading)
{
	int err = 0;

	for (size_t i = 0; i < reading->interfaces.count; i++) {
		const struct interface_state *state = &reading->interfaces.items[i];
		const char *text = condition_text(state->condition);

		err |= listing_add_fact(listing, "interface", "%s: %s, side %s%s%s%s%s",
					state->name, hook_taken(state), side_name(state->side),
					*text ? "; " : "", text,
					state->condition == CONDITION_renamed ? ": " : "",
					state->condition == CONDITION_renamed ? state->now : "");
	}
	return err;
}

/* Only what happened: most of the reasons stay at 0. */
static int list_forwarding(struct listing *listing, const struct reading *reading)
{
	const struct forward_counters *counted = &reading->counters.forwarding;
	int err = listing_add_fact(listing, "forwarding", "%s",
				   reading_option(reading, OPTION_FORWARD) ? "xdp" : "kernel");

#define X(name, text)                                                                              \
	if (counted->name)                                                                         \
		err |= listing_add_fact(listing, "forwarding", #name ": %llu, %s", counted->name,  \
					text);
	FORWARD_RESULTS(X)
#undef X
	return err;
}

static int list_facts(struct listing *listing, const struct reading *reading)
{
	const struct running *running = &reading->running;
	const json_t *description = running->description;
	const struct table_counters *tables = &reading->counters.tables;
	int err = 0;

	err |= listing_add_fact(listing, "mode", "%s", reading_mode(reading));
	err |= list_generation(listing, reading);
	if (kernel_has_shadow(&running->kernel))
		err |= listing_add_fact(
			listing, "shadow", "since %u s, \"rolewall shadow\" shows it",
			running->kernel.control->epoch - running->kernel.control->shadow_since);
	err |= listing_add_fact(listing, "site", "%s",
				json_string_value(json_object_get(description, "site")));
	err |= listing_add_fact(listing, "matrix", "%s",
				json_string_value(json_object_get(description, "matrix")));
	err |= listing_add_fact(listing, "profile", "%s",
				json_string_value(json_object_get(description, "profile")));
	err |= listing_add_fact(listing, "outbound", "%s",
				json_string_value(json_object_get(description, "outbound")));
	err |= listing_add_fact(listing, "pools", "%zu",
				json_array_size(json_object_get(description, "pools")));
	err |= listing_add_fact(listing, "image", "%u of %u KiB",
				running_header(running, HEADER_PAGES), running->kernel.pages);
	err |= listing_add_fact(listing, "counting for", "%u s", running->kernel.control->epoch);
	for (int i = 0; i < N_TABLES; i++)
		err |= listing_add_fact(listing, table_names[i], "%zu of %zu",
					reading->fill[i].used, reading->fill[i].size);
	err |= listing_add_fact(listing, "flows made", "%llu, %llu pushed out, %llu without room",
				tables->flows_created, tables->flows_evicted, tables->flows_lost);
	err |= listing_add_fact(listing, "fragmented packets", "%llu", tables->fragments_created);
	err |= list_timeouts(listing, running);
	if (reading_option(reading, OPTION_ASYMMETRIC))
		err |= listing_add_fact(listing, "asymmetric", "true");
	err |= list_forwarding(listing, reading);
	err |= list_interfaces(listing, reading);
	err |= listing_add_fact(listing, "backstop", "%s", reading->backstop.on ? "on" : "off");
	return err ? -ENOMEM : 0;
}

static int print_listing(const struct reading *reading, enum format format)
{
	static const struct column columns[] = {{"WHAT", false, false}, {"VALUE", false, true}};
	struct listing listing = {.columns = columns, .n_columns = 2};
	int err = list_facts(&listing, reading);

	if (!err)
		err = listing_print(&listing, format);
	listing_free(&listing);
	return err;
}

static int run(const struct arguments *arguments)
{
	_cleanup_(reading_free) struct reading reading = {.running.kernel = KERNEL_CLOSED};
	int err = reading_take(arguments->common.pin_dir, &reading);

	if (!err) {
		pending_tell(&arguments->common);
		lag_tell(&arguments->common, &reading.running.kernel);
	}
	if (!err)
		err = arguments->common.format == FORMAT_JSON
			      ? print_json(&arguments->common, &reading)
			      : print_listing(&reading, arguments->common.format);
	return err;
}

const struct command command_status = {
	.name = "status",
	.summary = "Show interfaces and hooks, generation, mode, and how full the tables are",
	.help = "Reads the pins alone: the site file may have changed since it was applied.",
	.run = run,
};
