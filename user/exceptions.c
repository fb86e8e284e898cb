/* SPDX-License-Identifier: MIT */
#include "exceptions.h"

#include <errno.h>

#include "cleanup.h"
#include "role_set.h"
#include "row.h"
#include "string_list.h"
#include "variant.h"

/* A pair of the site, as addresses. */
struct apart {
	struct space ends[2];
};

/* The rules of a policy while they are made. */
struct making {
	struct exceptions *exceptions;
	bool *among; /* scratch, for each pool: is it one of those that are meant? */
	struct apart *pairs; /* one for each of policy.ipsec */
};

/* --- who is meant */

static void find_among(struct making *making, const struct strings *words)
{
	const struct policy *policy = making->exceptions->policy;
	struct role_set meant = {0};

	for (size_t i = 0; i < words->count; i++)
		role_set_add_word(&meant, policy->matrix, words->items[i]);
	for (size_t i = 0; i < policy->n_pools; i++) {
		const struct strings *roles = &policy->pools[i].roles;
		struct role_set held = {0};

		for (size_t j = 0; j < roles->count; j++)
			role_set_add_word(&held, policy->matrix, roles->items[j]);
		making->among[i] = role_set_meets(&held, &meant);
	}
}

static int add_pools(const struct making *making, struct space *space)
{
	const struct policy *policy = making->exceptions->policy;
	int rc = 0;

	for (size_t i = 0; i < policy->n_pools && !rc; i++) {
		if (making->among[i])
			rc = space_add_pool(space, policy, i, making->among);
	}
	return rc;
}

/* What the words of a row's far end stand for. */
static int read_far(struct making *making, const struct strings *words, struct space *space)
{
	static const struct prefix any[] = {{.family = FAMILY_IPV4}, {.family = FAMILY_IPV6}};
	struct prefix prefix;
	int rc;

	if (!words->count || strings_contain(words, "any")) {
		rc = space_add(space, &any[0]);
		return rc ? rc : space_add(space, &any[1]);
	}
	find_among(making, words);
	rc = add_pools(making, space);
	for (size_t i = 0; i < words->count && !rc; i++) {
		if (peer_is_prefix(words->items[i]) && !prefix_parse(words->items[i], &prefix))
			rc = space_add(space, &prefix);
	}
	space_sort(space);
	return rc;
}

/* --- pairs */

static int read_pairs(struct making *making)
{
	const struct policy *policy = making->exceptions->policy;
	int rc = 0;

	making->pairs = calloc(policy->n_ipsec + 1, sizeof(*making->pairs));
	if (!making->pairs)
		return -ENOMEM;
	for (size_t i = 0; i < policy->n_ipsec * 2 && !rc; i++) {
		const struct peers *peers = &policy->peers[policy->ipsec[i / 2].peers[i % 2]];
		struct space *space = &making->pairs[i / 2].ends[i % 2];

		memset(making->among, 0, policy->n_pools * sizeof(*making->among));
		for (size_t j = 0; j < peers->n_pools; j++)
			making->among[peers->pools[j]] = true;
		rc = add_pools(making, space);
		for (size_t j = 0; j < peers->n_prefixes && !rc; j++)
			rc = space_add(space, &peers->prefixes[j]);
		space_sort(space);
	}
	return rc;
}

static void free_pairs(struct making *making)
{
	for (size_t i = 0; making->pairs && i < making->exceptions->policy->n_ipsec; i++) {
		space_free(&making->pairs[i].ends[0]);
		space_free(&making->pairs[i].ends[1]);
	}
	free(making->pairs);
}

/* Between the ends of a pair IPsec is wanted, so the exceptions leave them out, either way round. */
static int spare_pairs(const struct making *making, struct paths *paths)
{
	for (size_t i = 0; i < making->exceptions->policy->n_ipsec; i++) {
		const struct space *a = &making->pairs[i].ends[0], *b = &making->pairs[i].ends[1];

		for (size_t j = 0; j < a->count * b->count; j++) {
			const struct prefix *x = &a->items[j / b->count];
			const struct prefix *y = &b->items[j % b->count];
			int rc = paths_subtract(paths, x, y);

			rc = rc ? rc : paths_subtract(paths, y, x);
			if (rc)
				return rc;
		}
	}
	return 0;
}

/* --- ports */

static int compare_ranges(const void *a, const void *b)
{
	const struct port_range *x = a, *y = b;

	return x->first != y->first ? x->first - y->first : x->last - y->last;
}

static int add_range(struct ports *ports, struct port_range range)
{
	struct port_range *items = array_grow(ports->items, ports->count, sizeof(*items));

	if (!items)
		return -ENOMEM;
	ports->items = items;
	items[ports->count++] = range;
	return 0;
}

/* Sorts, and makes one of ranges that meet. All ports there are become none: any. */
static void merge_ranges(struct ports *ports)
{
	size_t kept = 0;

	if (ports->count)
		qsort(ports->items, ports->count, sizeof(*ports->items), compare_ranges);
	for (size_t i = 0; i < ports->count; i++) {
		struct port_range range = ports->items[i];

		if (kept && range.first <= ports->items[kept - 1].last + 1) {
			if (range.last > ports->items[kept - 1].last)
				ports->items[kept - 1].last = range.last;
		} else {
			ports->items[kept++] = range;
		}
	}
	if (kept && !ports->items[0].first && ports->items[0].last == UINT16_MAX)
		kept = 0;
	ports->count = kept;
}

/* The ports of a row, where the site has moved them to. */
static int add_row_ports(struct ports *ports, const struct site *site, const struct row *row)
{
	const struct port_range *moved = media_range(site, row);
	int rc = moved ? add_range(ports, *moved) : 0;

	for (size_t i = 0; i < row->n_ports && !moved && !rc; i++)
		rc = add_range(ports, row->ports[i]);
	return rc;
}

/* The media ranges of those names that TRANSPORT has. *none: there are some, but not of it. */
static int read_source_ports(const struct policy *policy, const struct strings *names,
			     enum transport transport, struct ports *ports)
{
	int rc = 0;

	for (size_t i = 0; i < policy->matrix->n_rows && !rc; i++) {
		const struct row *row = &policy->matrix->rows[i];

		if (row->media && row->transports & transport && strings_contain(names, row->media))
			rc = add_row_ports(ports, policy->site, row);
	}
	return rc;
}

static bool names_ports(const struct strings *names)
{
	return names->count && !strings_contain(names, "any");
}

/* Fills the ports of the rule; *EMPTY if there are none that a packet of it could have. */
static int read_ports(const struct policy *policy, const struct exception *exception,
		      struct rule *rule, bool *empty)
{
	int rc = add_row_ports(&rule->destination_ports, policy->site, rule->row);

	*empty = false;
	if (!rc && names_ports(exception->source_ports)) {
		rc = read_source_ports(policy, exception->source_ports, rule->transport,
				       &rule->source_ports);
		*empty = !rule->source_ports.count;
	}
	merge_ranges(&rule->source_ports);
	merge_ranges(&rule->destination_ports);
	return rc;
}

static void rule_free(struct rule *rule)
{
	free(rule->name);
	space_free(&rule->near);
	space_free(&rule->far);
	free(rule->source_ports.items);
	free(rule->destination_ports.items);
}

/* --- rules */

/* The paths that start where path I does end before the one that is returned. */
static size_t block_end(const struct paths *paths, size_t i)
{
	size_t end = i + 1;

	while (end < paths->count &&
	       !prefix_compare(&paths->items[end].near, &paths->items[i].near))
		end++;
	return end;
}

static bool same_fars(const struct paths *paths, size_t i, size_t j)
{
	size_t count = block_end(paths, i) - i;

	if (block_end(paths, j) - j != count)
		return false;
	for (size_t k = 0; k < count; k++) {
		if (prefix_compare(&paths->items[i + k].far, &paths->items[j + k].far))
			return false;
	}
	return true;
}

static int name_rule(const struct making *making, struct rule *rule, unsigned int number)
{
	const char *pool = making->exceptions->policy->pools[rule->pool].name;
	char last[16] = "";

	if (number > 1)
		snprintf(last, sizeof(last), "-%u", number);
	if (asprintf(&rule->name, "rolewall-%s-%02u-%s-v%u-%s%s", rule->row->table,
		     rule->row->number, pool, rule->family, transports_name(rule->transport),
		     last) < 0)
		rule->name = NULL;
	return rule->name ? 0 : -ENOMEM;
}

/* A rule like BASE for the paths of the family that start where path I does, and those like them. */
static int add_rule(struct making *making, const struct rule *base, const struct paths *paths,
		    size_t i, bool *taken)
{
	struct exceptions *exceptions = making->exceptions;
	struct rule *rules = array_grow(exceptions->rules, exceptions->n_rules, sizeof(*rules));
	struct rule *rule;
	int rc = 0;

	if (!rules)
		return -ENOMEM;
	exceptions->rules = rules;
	rule = &rules[exceptions->n_rules++];
	*rule = (struct rule){
		.row = base->row,
		.pool = base->pool,
		.family = base->family,
		.transport = base->transport,
		.inward = base->inward,
	};
	for (size_t j = i; j < block_end(paths, i) && !rc; j++)
		rc = space_add(&rule->far, &paths->items[j].far);
	for (size_t j = i; j < paths->count && !rc; j = block_end(paths, j)) {
		if (taken[j] || !same_fars(paths, i, j))
			continue;
		taken[j] = true;
		rc = space_add(&rule->near, &paths->items[j].near);
	}
	for (size_t j = 0; j < base->source_ports.count && !rc; j++)
		rc = add_range(&rule->source_ports, base->source_ports.items[j]);
	for (size_t j = 0; j < base->destination_ports.count && !rc; j++)
		rc = add_range(&rule->destination_ports, base->destination_ports.items[j]);
	return rc;
}

/* Near addresses whose far ones are the same share a rule. */
static int add_rules(struct making *making, const struct rule *base, const struct paths *paths)
{
	_cleanup_free_ bool *taken = calloc(paths->count + 1, sizeof(*taken));
	unsigned int number = 0;
	int rc = taken ? 0 : -ENOMEM;

	for (size_t i = 0; i < paths->count && !rc; i = block_end(paths, i)) {
		if (taken[i] || paths->items[i].near.family != base->family)
			continue;
		rc = add_rule(making, base, paths, i, taken);
		if (!rc)
			rc = name_rule(making,
				       &making->exceptions->rules[making->exceptions->n_rules - 1],
				       ++number);
	}
	return rc;
}

/* The rules of one row, in one direction, for one pool. */
static int add_transports(struct making *making, const struct exception *exception,
			  struct rule *base, const struct paths *paths)
{
	static const enum family families[] = {FAMILY_IPV4, FAMILY_IPV6};
	static const enum transport transports[] = {TRANSPORT_TCP, TRANSPORT_UDP};
	int rc = 0;

	for (size_t i = 0; i < 4 && !rc; i++) {
		struct rule rule = *base;
		bool empty;

		rule.family = families[i / 2];
		rule.transport = transports[i % 2];
		if (!(exception->transports & rule.transport))
			continue;
		rc = read_ports(making->exceptions->policy, exception, &rule, &empty);
		if (!rc && !empty)
			rc = add_rules(making, &rule, paths);
		rule_free(&rule);
	}
	return rc;
}

static int add_pool(struct making *making, const struct exception *exception, struct rule *base)
{
	_cleanup_(space_free) struct space near = {0}, far = {0};
	_cleanup_(paths_free) struct paths paths = {0};
	const struct policy *policy = making->exceptions->policy;
	int rc = space_add_pool(&near, policy, base->pool, making->among);

	rc = rc ? rc : read_far(making, base->inward ? exception->from : exception->to, &far);
	rc = rc ? rc : paths_make(&paths, &near, &far);
	rc = rc ? rc : spare_pairs(making, &paths);
	if (rc)
		return rc;
	paths_sort(&paths);
	return add_transports(making, exception, base, &paths);
}

static int add_row(struct making *making, const struct row *row)
{
	const struct policy *policy = making->exceptions->policy;
	struct exception exception = row_exception(row, making->exceptions->variant);
	int rc = 0;

	for (size_t i = 0; i < policy->n_pools * 2 && !rc; i++) {
		struct rule base = {.row = row, .pool = i / 2, .inward = i % 2 == 0};

		if (!(row->directions & (base.inward ? DIRECTION_IN : DIRECTION_OUT)))
			continue;
		find_among(making, &row->roles);
		if (making->among[base.pool])
			rc = add_pool(making, &exception, &base);
	}
	return rc;
}

int exceptions_make(const struct policy *policy, const char *variant, struct exceptions *exceptions)
{
	_cleanup_(exceptions_free) struct exceptions made = {.policy = policy, .variant = variant};
	_cleanup_free_ bool *among = calloc(policy->n_pools + 1, sizeof(*among));
	struct making making = {.exceptions = &made, .among = among};
	int rc = among ? read_pairs(&making) : -ENOMEM;

	for (size_t i = 0; i < policy->n_rows && !rc; i++) {
		if (row_is_exception(policy->rows[i]))
			rc = add_row(&making, policy->rows[i]);
	}
	free_pairs(&making);
	if (rc)
		return rc;
	*exceptions = made;
	made = (struct exceptions){0};
	return 0;
}

void exceptions_free(struct exceptions *exceptions)
{
	for (size_t i = 0; i < exceptions->n_rules; i++)
		rule_free(&exceptions->rules[i]);
	free(exceptions->rules);
	*exceptions = (struct exceptions){0};
}
