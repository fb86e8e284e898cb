/* SPDX-License-Identifier: MIT */
#include "resolve.h"

#include <errno.h>

#include "cleanup.h"
#include "overlays.h"
#include "row.h"
#include "string_list.h"

/* --- roles of the pools */

static int refuse_group(struct resolution *resolution, const struct group *group,
			struct place place)
{
	_cleanup_free_ char *members = strings_join(&group->members, ", ");

	if (!members)
		return -ENOMEM;
	diag_error(resolution->diags, place,
		   "\"%s\" is a group, not a role; accepted: the roles it stands for: %s",
		   group->id, members);
	return -EINVAL;
}

static int read_pool_roles(struct resolution *resolution, const struct site_pool *pool,
			   struct role_set *held)
{
	const struct matrix *matrix = resolution->matrix;

	for (size_t i = 0; i < pool->roles.count; i++) {
		const char *word = pool->roles.items[i];
		struct place place = strings_place(&pool->roles, i, pool->place);
		const struct group *group = matrix_group(matrix, word);
		int rc = 0;

		if (matrix_role(matrix, word))
			role_set_add_word(held, matrix, word);
		else if (group)
			rc = refuse_group(resolution, group, place);
		else
			rc = report_unknown_role(matrix, word, false, place, resolution->diags);
		if (yaml_fatal(rc))
			return rc;
	}
	role_set_close(held, matrix);
	return 0;
}

static int resolve_pools(struct resolution *resolution)
{
	const struct site *site = resolution->site;
	struct policy *policy = &resolution->policy;

	policy->pools = calloc(site->n_pools + 1, sizeof(*policy->pools));
	resolution->held = calloc(site->n_pools + 1, sizeof(*resolution->held));
	if (!policy->pools || !resolution->held)
		return -ENOMEM;
	for (size_t i = 0; i < site->n_pools; i++) {
		int rc = read_pool_roles(resolution, &site->pools[i], &resolution->held[i]);

		if (rc)
			return rc;
		policy->pools[i].name = site->pools[i].name;
		policy->n_pools++;
	}
	return 0;
}

/* --- rows */

static int resolve_rows(struct resolution *resolution)
{
	const struct matrix *matrix = resolution->matrix;
	const struct site *site = resolution->site;
	struct policy *policy = &resolution->policy;
	size_t n_overlay_rows, n_rows;

	if (overlays_count(resolution, &n_overlay_rows))
		return -ENOMEM;
	n_rows = matrix->n_rows + n_overlay_rows + site->n_extra;
	policy->rows = calloc(n_rows + 1, sizeof(*policy->rows));
	resolution->needed = calloc(n_rows + 1, sizeof(*resolution->needed));
	resolution->from = calloc(n_rows + 1, sizeof(*resolution->from));
	resolution->to = calloc(n_rows + 1, sizeof(*resolution->to));
	resolution->far = calloc(n_rows + 1, sizeof(*resolution->far));
	resolution->holders = calloc(n_rows + 1, sizeof(*resolution->holders));
	if (!policy->rows || !resolution->needed || !resolution->from || !resolution->to ||
	    !resolution->far || !resolution->holders)
		return -ENOMEM;
	for (size_t i = 0; i < matrix->n_rows; i++)
		policy->rows[policy->n_rows++] = &matrix->rows[i];
	overlays_add(resolution);
	for (size_t i = 0; i < site->n_extra; i++) {
		if (yaml_fatal(row_check(&site->extra[i], matrix, resolution->diags)))
			return -ENOMEM;
		policy->rows[policy->n_rows++] = &site->extra[i];
	}
	for (size_t i = 0; i < n_rows; i++)
		find_holders(resolution, i);
	if (n_rows >= ROW_IDS_MAX)
		diag_error(resolution->diags, site->matrix_place,
			   "%zu rows of matrix and site together; at most %u are accepted", n_rows,
			   ROW_IDS_MAX - 1);
	return check_features(resolution);
}

/* --- grants */

static int add_grants(struct resolution *resolution, struct policy_pool *pool, size_t row_index,
		      struct grant base)
{
	const struct row *row = resolution->policy.rows[row_index];
	const struct port_range *moved = media_range(resolution->site, row);
	const struct port_range *ports = moved ? moved : row->ports;
	size_t n_ports = moved ? 1 : row->n_ports;

	for (size_t i = 0; i < n_ports; i++) {
		struct grant *grants = array_grow(pool->grants, pool->n_grants, sizeof(*grants));

		if (!grants)
			return -ENOMEM;
		pool->grants = grants;
		base.ports = ports[i];
		grants[pool->n_grants++] = base;
	}
	return 0;
}

/* BASE for each transport of the row. */
static int add_transports(struct resolution *resolution, struct policy_pool *pool,
			  struct grant base)
{
	static const enum transport transports[] = {TRANSPORT_TCP, TRANSPORT_UDP};
	int rc = 0;

	for (size_t i = 0; i < 2 && !rc; i++) {
		base.transport = transports[i];
		if (resolution->policy.rows[base.row]->transports & base.transport)
			rc = add_grants(resolution, pool, base.row, base);
	}
	return rc;
}

/* Everything one row gives to a pool that has it. */
static int grant_row(struct resolution *resolution, struct policy_pool *pool, size_t row_index)
{
	const struct row *row = resolution->policy.rows[row_index];
	bool least = resolution->site->least_privilege;
	bool limits = least || row_index >= resolution->matrix->n_rows;
	struct grant in = {
		.row = row_index,
		.direction = DIRECTION_IN,
		.peers = limits ? resolution->from[row_index] : 0,
		.initiators = resolution->from[row_index],
	};
	struct grant out = {
		.row = row_index,
		.direction = DIRECTION_OUT,
		.peers = limits ? resolution->to[row_index] : 0,
	};
	int rc = 0;

	if (row->directions & DIRECTION_IN && !(least && row->outgoing))
		rc = add_transports(resolution, pool, in);
	if (!rc && row->directions & DIRECTION_OUT)
		rc = add_transports(resolution, pool, out);
	return rc;
}

/* The far end of an outgoing row lets its connections in, from those who have the row. */
static int grant_far(struct resolution *resolution, struct policy_pool *pool, size_t row_index)
{
	const struct grant grant = {
		.row = row_index,
		.direction = DIRECTION_IN,
		.peers = resolution->holders[row_index],
		.initiators = resolution->holders[row_index],
	};

	return add_transports(resolution, pool, grant);
}

static int compare_grants(const void *a, const void *b)
{
	const struct grant *x = a, *y = b;

	if (x->direction != y->direction)
		return x->direction < y->direction ? -1 : 1;
	if (x->transport != y->transport)
		return x->transport < y->transport ? -1 : 1;
	if (x->ports.first != y->ports.first)
		return x->ports.first < y->ports.first ? -1 : 1;
	return (x->row > y->row) - (x->row < y->row);
}

static int grant_pool(struct resolution *resolution, size_t index)
{
	struct policy *policy = &resolution->policy;
	struct policy_pool *pool = &policy->pools[index];

	for (size_t i = 0; i < policy->n_rows; i++) {
		const struct role_set *held = &resolution->held[index];
		int rc = 0;

		if (!row_in_force(resolution, policy->rows[i]))
			continue;
		if (role_set_meets(held, &resolution->needed[i]))
			rc = grant_row(resolution, pool, i);
		if (!rc && role_set_meets(held, &resolution->far[i]))
			rc = grant_far(resolution, pool, i);
		if (rc)
			return rc;
	}
	if (pool->n_grants)
		qsort(pool->grants, pool->n_grants, sizeof(*pool->grants), compare_grants);
	return 0;
}

/* A peer role is guarded too once an overlay that is on opens ports of it. */
static bool is_guarded(const struct resolution *resolution, size_t pool)
{
	const struct matrix *matrix = resolution->matrix;
	const struct policy *policy = &resolution->policy;

	for (size_t i = 0; i < matrix->n_roles; i++) {
		if (role_set_has(&resolution->held[pool], i) && !matrix->roles[i].peer)
			return true;
	}
	for (size_t i = 0; i < policy->n_rows; i++) {
		if (policy->rows[i]->overlay && policy->rows[i]->directions & DIRECTION_IN &&
		    role_set_meets(&resolution->held[pool], &resolution->needed[i]))
			return true;
	}
	return false;
}

static int finish_pools(struct resolution *resolution)
{
	const struct matrix *matrix = resolution->matrix;
	struct policy *policy = &resolution->policy;

	for (size_t i = 0; i < policy->n_pools; i++) {
		struct policy_pool *pool = &policy->pools[i];
		int rc = role_set_ids(&resolution->held[i], matrix, &pool->roles);

		if (rc)
			return rc;
		pool->guarded = is_guarded(resolution, i);
		rc = pool->guarded ? grant_pool(resolution, i) : 0;
		if (rc)
			return rc;
	}
	return 0;
}

/* --- warnings */

static bool opens_inbound(const struct policy_pool *pool)
{
	return pool->n_grants && pool->grants[0].direction == DIRECTION_IN;
}

static void warn_of_shut(const struct resolution *resolution, size_t pool)
{
	const struct site_pool *written = &resolution->site->pools[pool];
	const struct overlay *overlay =
		overlay_opening(resolution->matrix, &resolution->held[pool]);

	diag_warning(resolution->diags, written->place,
		     "pool \"%s\" drops everything inbound: with load_balancing %s no row opens a "
		     "port for its roles%s%s%s",
		     resolution->policy.pools[pool].name,
		     balancing_name(resolution->site->balancing), overlay ? "; overlay " : "",
		     overlay ? overlay->name : "", overlay ? " does" : "");
}

static void warn_of_pools(const struct resolution *resolution)
{
	static const char balancer[] = "front-end-hlb";
	static const char part[] = "front-end-hlb-collocated-mediation";
	const struct policy *policy = &resolution->policy;

	for (size_t i = 0; i < policy->n_pools; i++) {
		const struct policy_pool *pool = &policy->pools[i];
		struct place place = resolution->site->pools[i].place;

		if (pool->guarded && !opens_inbound(pool))
			warn_of_shut(resolution, i);
		if (strings_contain(&pool->roles, part) && !strings_contain(&pool->roles, balancer))
			diag_warning(resolution->diags, place,
				     "pool \"%s\" holds %s without %s, whose ports it needs too",
				     pool->name, part, balancer);
	}
}

static void warn_of_rows(const struct resolution *resolution)
{
	const struct policy *policy = &resolution->policy;

	for (size_t i = policy->n_rows - resolution->site->n_extra; i < policy->n_rows; i++) {
		bool used = false;

		for (size_t j = 0; j < policy->n_pools && !used; j++)
			used = policy->pools[j].guarded &&
			       role_set_meets(&resolution->held[j], &resolution->needed[i]);
		if (!used)
			diag_warning(resolution->diags, policy->rows[i]->place,
				     "row %s opens nothing: no guarded pool holds its roles",
				     policy->rows[i]->id);
	}
}

/* --- the whole */

static void resolution_free(struct resolution *resolution)
{
	policy_free(&resolution->policy);
	free(resolution->held);
	free(resolution->needed);
	free(resolution->from);
	free(resolution->to);
	free(resolution->far);
	free(resolution->holders);
}

/* In order; each step may use what the ones before it made. */
static int resolve(struct resolution *resolution)
{
	int rc = resolve_pools(resolution);

	rc = rc ? rc : resolve_rows(resolution);
	rc = rc ? rc : check_ipsec(resolution);
	rc = rc ? rc : resolve_prefixes(resolution);
	if (rc)
		return rc;
	if (resolution->diags->errors)
		return -EINVAL;
	rc = resolve_peers(resolution);
	rc = rc ? rc : finish_pools(resolution);
	rc = rc ? rc : resolve_ipsec(resolution);
	if (rc)
		return rc;
	check_media(resolution);
	warn_of_pools(resolution);
	warn_of_rows(resolution);
	rc = overlays_warn(resolution);
	return rc ? rc : warn_of_peers(resolution);
}

int policy_resolve(const struct matrix *matrix, const struct site *site, struct policy *policy,
		   struct diagnostics *diags)
{
	_cleanup_(resolution_free) struct resolution resolution = {
		.matrix = matrix,
		.site = site,
		.diags = diags,
		.policy = {.site = site, .matrix = matrix},
	};
	int rc = resolve(&resolution);

	if (rc)
		return rc;
	*policy = resolution.policy;
	resolution.policy = (struct policy){0};
	return 0;
}

void policy_free(struct policy *policy)
{
	free(policy->rows);
	for (size_t i = 0; i < policy->n_pools; i++) {
		free(policy->pools[i].roles.items);
		free(policy->pools[i].grants);
	}
	free(policy->pools);
	free(policy->prefixes);
	for (size_t i = 0; i < policy->n_peers; i++) {
		free(policy->peers[i].pools);
		free(policy->peers[i].prefixes);
		free(policy->peers[i].words.items);
	}
	free(policy->peers);
	free(policy->ipsec);
	*policy = (struct policy){0};
}
