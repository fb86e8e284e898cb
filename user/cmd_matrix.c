/* SPDX-License-Identifier: MIT */
/* rolewall matrix: the shipped rows, or what each pool of a site gets from which rows. */
#include <errno.h>

#include "cleanup.h"
#include "command.h"
#include "describe.h"
#include "input.h"
#include "list_rows.h"
#include "listing.h"
#include "overlays.h"
#include "role_set.h"
#include "row.h"
#include "string_list.h"

enum { OPTION_ROLE, OPTION_OVERLAY };

/* --- which role was asked for */

static bool pool_matches(const struct policy_pool *pool, const char *role)
{
	return !role || strings_contain(&pool->roles, role);
}

static int check_role(const struct matrix *matrix, const char *role)
{
	_cleanup_(diag_free) struct diagnostics diags = {0};
	int rc;

	if (!role || matrix_role(matrix, role))
		return 0;
	rc = report_unknown_role(matrix, role, false, (struct place){.file = "--role"}, &diags);
	diag_print(&diags, stderr);
	return rc == -ENOMEM ? rc : ERR_USAGE;
}

/* --- the rows of a matrix */

static int print_rows(const struct arguments *arguments)
{
	_cleanup_(matrix_free) struct matrix matrix = {0};
	_cleanup_(diag_free) struct diagnostics diags = {0};
	const char *role = arguments->values[OPTION_ROLE];
	int rc = matrix_load(MATRIX_BUILT_IN, &matrix, &diags);

	diag_print(&diags, stderr);
	rc = rc ? rc : check_role(&matrix, role);
	if (rc)
		return rc;
	return list_rows(&matrix, role, arguments->common.format);
}

/* --- the rows of overlays */

static int check_overlay(const struct overlay_view *view)
{
	_cleanup_(diag_free) struct diagnostics diags = {0};
	int rc;

	if (!strcmp(view->name, "all") || matrix_overlay(view->matrix, view->name))
		return 0;
	rc = report_unknown_overlay(view->matrix, view->name, (struct place){.file = "--overlay"},
				    &diags);
	diag_print(&diags, stderr);
	return rc == -ENOMEM ? rc : ERR_USAGE;
}

static int print_overlays(const struct arguments *arguments)
{
	_cleanup_(input_free) struct input input = {0};
	_cleanup_(diag_free) struct diagnostics diags = {0};
	struct overlay_view view = {
		.matrix = &input.matrix,
		.on = arguments->site_given ? &input.site.overlays : NULL,
		.name = arguments->values[OPTION_OVERLAY],
		.role = arguments->values[OPTION_ROLE],
	};
	int rc = arguments->site_given ? input_load(arguments->common.site, &input, &diags)
				       : matrix_load(MATRIX_BUILT_IN, &input.matrix, &diags);

	diag_print(&diags, stderr);
	rc = rc ? rc : check_overlay(&view);
	rc = rc ? rc : check_role(view.matrix, view.role);
	if (rc)
		return rc;
	return list_overlays(&view, arguments->common.format);
}

/* --- what the pools of a site get */

/* The rows of an opening that share their condition on the other end. */
struct allow {
	const struct opening *opening;
	const struct strings *peers;
	struct strings rows; /* ids, borrowed */
};

/* Calls back for each allow of the pool. Returns 0, -ENOMEM or what the callback returned. */
typedef int allow_reader(const struct policy_pool *pool, const struct allow *allow, void *target);

/* The allow that starts with grant FIRST; nothing if an earlier grant had those peers. */
static int read_allow(const struct policy *policy, const struct policy_pool *pool,
		      const struct opening *opening, size_t first, allow_reader *read, void *target)
{
	size_t peers = opening->grants[first]->peers;
	_cleanup_free_ char **ids = calloc(opening->n_grants, sizeof(*ids));
	struct allow allow = {opening, &policy->peers[peers].words, {.items = ids}};

	if (!ids)
		return -ENOMEM;
	for (size_t i = 0; i < opening->n_grants; i++) {
		if (opening->grants[i]->peers != peers)
			continue;
		if (i < first)
			return 0;
		ids[allow.rows.count++] = policy->rows[opening->grants[i]->row]->id;
	}
	return read(pool, &allow, target);
}

static int each_allow(const struct policy *policy, const struct policy_pool *pool,
		      allow_reader *read, void *target)
{
	struct opening *openings;
	size_t count;
	int rc = policy_openings(pool, &openings, &count);

	if (rc)
		return rc;
	for (size_t i = 0; i < count && !rc; i++) {
		for (size_t j = 0; j < openings[i].n_grants && !rc; j++)
			rc = read_allow(policy, pool, &openings[i], j, read, target);
	}
	openings_free(openings, count);
	return rc;
}

static const struct column allow_columns[] = {
	{"POOL", false, false},  {"DIRECTION", false, false}, {"PROTOCOL", false, false},
	{"PORTS", false, false}, {"FROM/TO", false, true},    {"ROWS", false, true},
};

#define N_ALLOW_COLUMNS (sizeof(allow_columns) / sizeof(allow_columns[0]))

static int list_allow(const struct policy_pool *pool, const struct allow *allow, void *target)
{
	const struct opening *opening = allow->opening;
	_cleanup_free_ char *peers = strings_join(allow->peers, " ");
	_cleanup_free_ char *rows = strings_join(&allow->rows, " ");
	char ports[PORT_RANGE_TEXT];

	if (!peers || !rows)
		return -ENOMEM;
	return listing_add(target, (const char *[N_ALLOW_COLUMNS]){
					   pool->name, directions_name(opening->direction),
					   transports_name(opening->transport),
					   port_range_format(opening->ports, ports, sizeof(ports)),
					   peers, rows});
}

static int add_allow_json(const struct policy_pool *pool, const struct allow *allow, void *target)
{
	const struct opening *opening = allow->opening;
	json_t *value = json_pack(
		"{s:s, s:s, s:o, s:o, s:o}", "direction", directions_name(opening->direction),
		"protocol", transports_name(opening->transport), "ports",
		ports_json(opening->ports), "rows", strings_json(&allow->rows),
		opening->direction == DIRECTION_IN ? "from" : "to", strings_json(allow->peers));

	(void)pool;
	return json_append(target, value) ? 0 : -ENOMEM;
}

static json_t *addresses_json(const struct site_pool *pool)
{
	json_t *array = json_array();

	for (size_t i = 0; i < pool->n_addresses; i++) {
		char text[PREFIX_TEXT];

		prefix_format(&pool->addresses[i].prefix, text, sizeof(text));
		if (!json_append(array, json_string(text))) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

static json_t *pool_json(const struct input *input, size_t index)
{
	const struct policy_pool *pool = &input->policy.pools[index];
	json_t *allow = json_array();

	if (!allow || each_allow(&input->policy, pool, add_allow_json, allow)) {
		json_decref(allow);
		return NULL;
	}
	return json_pack("{s:s, s:o, s:b, s:o, s:o}", "name", pool->name, "roles",
			 strings_json(&pool->roles), "guarded", pool->guarded, "addresses",
			 addresses_json(&input->site.pools[index]), "allow", allow);
}

static int print_pools_json(const struct input *input, const char *role)
{
	json_t *array = json_array();

	for (size_t i = 0; i < input->policy.n_pools; i++) {
		if (!pool_matches(&input->policy.pools[i], role))
			continue;
		if (!json_append(array, pool_json(input, i))) {
			json_decref(array);
			return -ENOMEM;
		}
	}
	return json_print(json_pack("{s:s, s:s, s:o, s:o}", "matrix", input->matrix.name,
				    "load_balancing", balancing_name(input->site.balancing),
				    "overlays", strings_json(&input->site.overlays), "pools",
				    array));
}

static int print_pools(const struct arguments *arguments)
{
	_cleanup_(listing_free) struct listing listing = {allow_columns, N_ALLOW_COLUMNS, NULL, 0};
	_cleanup_(input_free) struct input input = {0};
	_cleanup_(diag_free) struct diagnostics diags = {0};
	const char *role = arguments->values[OPTION_ROLE];
	int rc = input_load(arguments->common.site, &input, &diags);

	diag_print(&diags, stderr);
	rc = rc ? rc : check_role(&input.matrix, role);
	if (rc)
		return rc;
	if (arguments->common.format == FORMAT_JSON)
		return print_pools_json(&input, role);
	for (size_t i = 0; i < input.policy.n_pools; i++) {
		if (!pool_matches(&input.policy.pools[i], role))
			continue;
		rc = each_allow(&input.policy, &input.policy.pools[i], list_allow, &listing);
		if (rc)
			return rc;
	}
	return listing_print(&listing, arguments->common.format);
}

static int run(const struct arguments *arguments)
{
	if (arguments->values[OPTION_OVERLAY])
		return print_overlays(arguments);
	return arguments->site_given ? print_pools(arguments) : print_rows(arguments);
}

const struct command command_matrix = {
	.name = "matrix",
	.summary = "Show the rows of the built-in matrix, or with -c what each pool of a site gets",
	.help = "Without -c: the rows of " MATRIX_BUILT_IN ", each with its id. With -c SITE: for\n"
		"each pool of that site the ports that are open, to whom, and by which rows; rows\n"
		"that meet on the same ports stand together. --overlay lists the rows of a table that\n"
		"a site turns on with overlays:, each with its source document.",
	.options =
		{
			[OPTION_ROLE] = {"role", "ROLE", "only what a host with this role gets"},
			[OPTION_OVERLAY] = {"overlay", "NAME", "the rows of this overlay, or all"},
		},
	.run = run,
};
