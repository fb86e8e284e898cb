/* SPDX-License-Identifier: MIT */
/* rolewall check: parse, resolve, compile; touches no kernel. */
#include <errno.h>

#include "cleanup.h"
#include "command.h"
#include "compile.h"
#include "describe.h"
#include "input.h"
#include "listing.h"
#include "overlays.h"
#include "string_list.h"

/* A site that has been read, and the size of its image: pages of 1 KiB, 0 = not compiled. */
struct checked {
	struct input input;
	size_t image_pages;
};

static void checked_free(struct checked *checked)
{
	input_free(&checked->input);
}

/* What a pool opens inbound, by transport. */
struct counts {
	unsigned int openings[2], ports[2]; /* 0 = tcp, 1 = udp */
};

static int count_pool(const struct policy_pool *pool, struct counts *counts)
{
	struct opening *openings;
	size_t count;
	int rc = policy_openings(pool, &openings, &count);

	if (rc)
		return rc;
	*counts = (struct counts){0};
	for (size_t i = 0; i < count; i++) {
		unsigned int transport = openings[i].transport == TRANSPORT_UDP;

		if (openings[i].direction != DIRECTION_IN)
			continue;
		counts->openings[transport]++;
		counts->ports[transport] += openings[i].ports.last - openings[i].ports.first + 1U;
	}
	openings_free(openings, count);
	return 0;
}

/* --- table */

static const struct column columns[] = {
	{"POOL", false, false},     {"GUARDED", false, false}, {"ADDRESSES", true, false},
	{"TCP", true, false},       {"UDP", true, false},      {"TCP-PORTS", true, false},
	{"UDP-PORTS", true, false}, {"ROLES", false, true},
};

#define N_COLUMNS (sizeof(columns) / sizeof(columns[0]))

static int list_pool(struct listing *listing, const struct input *input, size_t index)
{
	const struct policy_pool *pool = &input->policy.pools[index];
	_cleanup_free_ char *roles = strings_join(&pool->roles, " ");
	char numbers[5][12];
	struct counts counts;
	int rc = roles ? count_pool(pool, &counts) : -ENOMEM;

	if (rc)
		return rc;
	snprintf(numbers[0], sizeof(numbers[0]), "%zu", input->site.pools[index].n_addresses);
	for (unsigned int i = 0; i < 2; i++) {
		snprintf(numbers[1 + i], sizeof(numbers[0]), "%u", counts.openings[i]);
		snprintf(numbers[3 + i], sizeof(numbers[0]), "%u", counts.ports[i]);
	}
	return listing_add(listing, (const char *[N_COLUMNS]){
					    pool->name, pool->guarded ? "yes" : "no", numbers[0],
					    numbers[1], numbers[2], numbers[3], numbers[4], roles});
}

/* "none; also for these roles: logging, windows-fabric" */
static int print_overlays(const struct policy *policy)
{
	struct strings offered = {0};
	int rc = overlays_offered(policy, &offered);
	_cleanup_free_ char *on = strings_join(&policy->site->overlays, ", ");
	_cleanup_free_ char *off = strings_join(&offered, ", ");

	free(offered.items);
	if (rc || !on || !off)
		return -ENOMEM;
	if (*on || *off)
		printf("overlays: %s%s%s\n", *on ? on : "none",
		       *off ? "; also for these roles: " : "", off);
	return 0;
}

static int print_pools(const struct checked *checked, enum format format)
{
	const struct input *input = &checked->input;
	_cleanup_(listing_free) struct listing listing = {columns, N_COLUMNS, NULL, 0};
	const struct policy *policy = &input->policy;

	for (size_t i = 0; i < policy->n_pools; i++) {
		int rc = list_pool(&listing, input, i);

		if (rc)
			return rc;
	}
	if (format == FORMAT_TABLE) {
		printf("valid: matrix %s, load_balancing %s, mode %s\n"
		       "sizes: %zu interfaces, %zu pools, %zu prefixes, %zu rows, image %zu KiB\n",
		       input->matrix.name, balancing_name(input->site.balancing),
		       mode_name(input->site.mode), input->site.n_interfaces, policy->n_pools,
		       policy->n_prefixes, policy->n_rows, checked->image_pages);
		if (print_overlays(policy))
			return -ENOMEM;
		putchar('\n');
	}
	return listing_print(&listing, format);
}

/* --- JSON */

static json_t *diagnostic_json(const struct diagnostic *item)
{
	return json_pack("{s:o, s:I, s:I, s:s}", "file",
			 item->place.file ? foreign_text_json(item->place.file) : json_null(),
			 "line", (json_int_t)item->place.line, "column",
			 (json_int_t)item->place.column, "message", item->text);
}

static json_t *diagnostics_json(const struct diagnostics *diags, enum severity severity)
{
	json_t *array = json_array();

	for (size_t i = 0; i < diags->count; i++) {
		if (diags->items[i].severity != severity)
			continue;
		if (!json_append(array, diagnostic_json(&diags->items[i]))) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

static json_t *pool_json(const struct input *input, size_t index)
{
	const struct policy_pool *pool = &input->policy.pools[index];
	struct counts counts;

	if (count_pool(pool, &counts))
		return NULL;
	return json_pack("{s:s, s:o, s:b, s:I, s:{s:i, s:i}, s:{s:i, s:i}}", "name", pool->name,
			 "roles", strings_json(&pool->roles), "guarded", pool->guarded, "addresses",
			 (json_int_t)input->site.pools[index].n_addresses, "openings", "tcp",
			 counts.openings[0], "udp", counts.openings[1], "ports", "tcp",
			 counts.ports[0], "udp", counts.ports[1]);
}

static json_t *pools_json(const struct input *input)
{
	json_t *array = json_array();

	for (size_t i = 0; i < input->policy.n_pools; i++) {
		if (!json_append(array, pool_json(input, i))) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

static json_t *overlays_json(const struct input *input)
{
	struct strings offered = {0};
	_cleanup_free_ char **items = NULL;

	/* a refused site has no policy */
	if (input->policy.matrix && overlays_offered(&input->policy, &offered))
		return NULL;
	items = offered.items;
	return json_pack("{s:o, s:o}", "on", strings_json(&input->site.overlays), "offered",
			 strings_json(&offered));
}

static json_t *sizes_json(const struct checked *checked)
{
	const struct policy *policy = &checked->input.policy;

	return json_pack("{s:I, s:I, s:I, s:I, s:I}", "interfaces",
			 (json_int_t)checked->input.site.n_interfaces, "pools",
			 (json_int_t)policy->n_pools, "prefixes", (json_int_t)policy->n_prefixes,
			 "rows", (json_int_t)policy->n_rows, "image_bytes",
			 (json_int_t)(checked->image_pages * sizeof(struct image_page)));
}

static int print_json(const struct checked *checked, const struct diagnostics *diags, bool valid)
{
	return json_print(json_pack("{s:b, s:o, s:o, s:o, s:o, s:o}", "valid", valid, "errors",
				    diagnostics_json(diags, SEVERITY_ERROR), "warnings",
				    diagnostics_json(diags, SEVERITY_WARNING), "pools",
				    pools_json(&checked->input), "overlays",
				    overlays_json(&checked->input), "sizes", sizes_json(checked)));
}

static int compile(struct checked *checked, struct diagnostics *diags)
{
	_cleanup_(registries_free) struct registries registries = {0};
	_cleanup_(pages_free) struct pages image = {0};
	int rc = registries_init(&registries);

	rc = rc ? rc : policy_compile(&checked->input.policy, &registries, &image, diags);
	checked->image_pages = image.count;
	return rc;
}

static int run(const struct arguments *arguments)
{
	const struct common *common = &arguments->common;
	_cleanup_(checked_free) struct checked checked = {0};
	_cleanup_(diag_free) struct diagnostics diags = {0};
	int rc = input_load(common->site, &checked.input, &diags);
	int printed;

	rc = rc ? rc : compile(&checked, &diags);
	if (common->format == FORMAT_JSON) {
		printed = print_json(&checked, &diags, !rc);
		return rc ? rc : printed;
	}
	diag_print(&diags, stderr);
	if (!rc)
		return print_pools(&checked, common->format);
	fprintf(stderr, "rolewall check: %s is refused: %zu error%s, %zu warning%s\n", common->site,
		diags.errors, diags.errors == 1 ? "" : "s", diags.warnings,
		diags.warnings == 1 ? "" : "s");
	return rc;
}

const struct command command_check = {
	.name = "check",
	.summary = "Check a site file; touches no kernel and needs no privileges",
	.help = "Reads the site file and its matrix, resolves the one against the other and compiles\n"
		"the image. Prints what each pool opens: ADDRESSES as written, TCP and UDP the\n"
		"inbound openings, TCP-PORTS and UDP-PORTS how many ports these are; above them the\n"
		"overlays that are on, and those that have rows for the site's roles. Mistakes and\n"
		"warnings go to stderr as FILE:LINE:COLUMN: WHAT; all of them in one run. Exits with\n"
		"1 if the site is refused.",
	.run = run,
};
