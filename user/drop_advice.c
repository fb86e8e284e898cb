/* SPDX-License-Identifier: MIT */
#include "drop_advice.h"

#include <errno.h>
#include <jansson.h>

#include "advice.h"
#include "cleanup.h"
#include "describe.h"
#include "drop_detail.h"
#include "input.h"
#include "listing.h"
#include "row.h"
#include "string_list.h"

/* --- what was dropped */

/* NULL for the text of an address of no pool. False: the id stands for no roles. */
static bool read_end(const struct role_set *sets, __u32 id, const char **roles)
{
	if (id == ROLES_UNREAD || id >= ROLES_FURTHER || !sets[id].roles[0])
		return false;
	*roles = id == ROLES_UNLISTED ? NULL : sets[id].roles;
	return true;
}

/* SEEN borrows from SETS. */
static int read_services(const struct kernel *kernel, const struct role_set *sets,
			 struct drop_seen **seen, size_t *count)
{
	_cleanup_free_ struct drop_service *services = NULL;
	_cleanup_free_ struct drop_seen *list = NULL;
	size_t n_services = 0, kept = 0;
	int err = drop_services(kernel, &services, &n_services);

	if (err)
		return err;
	list = calloc(n_services + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < n_services; i++) {
		const struct drop_service *service = &services[i];
		struct drop_seen *drop = &list[kept];

		*drop = (struct drop_seen){
			.transport = service->udp ? TRANSPORT_UDP : TRANSPORT_TCP,
			.port = service->port,
			.packets = service->count.packets,
		};
		if (read_end(sets, service->source, &drop->source) &&
		    read_end(sets, service->destination, &drop->destination))
			kept++;
	}
	*seen = TAKE_PTR(list);
	*count = kept;
	return 0;
}

/* --- output */

/* "5090-5094 5096": to be freed, NULL = out of memory. */
static char *ports_text(const struct advice *advice)
{
	char *text = malloc(advice->n_ports * PORT_RANGE_TEXT + 1), *end = text;

	if (!text)
		return NULL;
	*end = '\0';
	for (size_t i = 0; i < advice->n_ports; i++) {
		char range[PORT_RANGE_TEXT];

		end = stpcpy(end, i ? " " : "");
		end = stpcpy(end, port_range_format(advice->ports[i], range, sizeof(range)));
	}
	return text;
}

static json_t *port_list_json(const struct advice *advice)
{
	json_t *array = json_array();

	for (size_t i = 0; i < advice->n_ports; i++) {
		if (!json_append(array, ports_json(advice->ports[i]))) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

static const char *confidence(const struct advice *advice)
{
	return advice->guess ? "guess" : "documented";
}

static json_t *line_json(const struct advice *advice)
{
	_cleanup_free_ char *text = advice_text(advice);

	return json_pack("{s:s, s:s, s:s?, s:s, s:o, s:s, s:s, s:I, s:o, s:s, s:s}", "kind",
			 advice_kind_name(advice->kind), "name", advice->name, "feature",
			 advice->feature, "protocol", transports_name(advice->transport), "ports",
			 port_list_json(advice), "from", advice->from, "to", advice->to, "packets",
			 (json_int_t)advice->packets, "rows", strings_json(&advice->rows),
			 "confidence", confidence(advice), "text", text);
}

static int print_json(const struct advice_list *list)
{
	json_t *array = json_array();

	for (size_t i = 0; i < list->count; i++) {
		if (!json_append(array, line_json(&list->items[i]))) {
			json_decref(array);
			return -ENOMEM;
		}
	}
	return json_print(json_pack("{s:o, s:{s:I, s:I, s:I}}", "advice", array, "packets",
				    "explained", (json_int_t)list->explained, "open",
				    (json_int_t)list->open, "unexplained",
				    (json_int_t)list->unexplained));
}

static int print_csv(const struct advice_list *list)
{
	static const struct column columns[] = {
		{"PROTOCOL", false, false}, {"PORTS", false, false},   {"FROM", false, false},
		{"TO", false, false},       {"PACKETS", true, false},  {"ADVICE", false, false},
		{"NAME", false, false},     {"FEATURE", false, false}, {"CONFIDENCE", false, false},
		{"ROWS", false, false},
	};
	_cleanup_(listing_free) struct listing listing = {columns, 10, NULL, 0};
	int err = 0;

	for (size_t i = 0; i < list->count && !err; i++) {
		const struct advice *advice = &list->items[i];
		_cleanup_free_ char *ports = ports_text(advice);
		_cleanup_free_ char *rows = strings_join(&advice->rows, " ");
		char packets[24];

		if (!ports || !rows)
			return -ENOMEM;
		snprintf(packets, sizeof(packets), "%llu", (unsigned long long)advice->packets);
		err = listing_add(&listing,
				  (const char *const[]){
					  transports_name(advice->transport), ports, advice->from,
					  advice->to, packets, advice_kind_name(advice->kind),
					  advice->name, advice->feature, confidence(advice), rows});
	}
	return err ? err : listing_print(&listing, FORMAT_CSV);
}

static void print_packets(const char *what, uint64_t packets)
{
	if (packets)
		printf("%s: %llu packet%s\n", what, (unsigned long long)packets,
		       packets == 1 ? "" : "s");
}

static int print_lines(const struct advice_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct advice *advice = &list->items[i];
		_cleanup_free_ char *text = advice_text(advice);

		if (!text)
			return -ENOMEM;
		printf("%s (%llu packet%s%s)\n", text, (unsigned long long)advice->packets,
		       advice->packets == 1 ? "" : "s", advice->guess ? ", a guess" : "");
	}
	print_packets("open by now, dropped before", list->open);
	print_packets("nothing to advise, see drops --by service", list->unexplained);
	if (!list->explained && !list->open && !list->unexplained)
		puts("no service was refused");
	return 0;
}

int drop_advice(const struct kernel *kernel, const struct common *common)
{
	_cleanup_(input_free) struct input input = {0};
	_cleanup_(diag_free) struct diagnostics diags = {0};
	_cleanup_(advice_free) struct advice_list list = {0};
	_cleanup_free_ struct role_set *sets = NULL;
	_cleanup_free_ struct drop_seen *seen = NULL;
	size_t count = 0;
	int err = input_load(common->site, &input, &diags);

	if (err) {
		diag_print(&diags, stderr);
		return err;
	}
	err = drop_role_sets(kernel, &sets);
	err = err ? err : read_services(kernel, sets, &seen, &count);
	err = err ? err : advise(&input.policy, seen, count, &list);
	if (err)
		return err;
	if (common->format == FORMAT_TABLE)
		return print_lines(&list);
	return common->format == FORMAT_JSON ? print_json(&list) : print_csv(&list);
}
