/* SPDX-License-Identifier: MIT */
/*
 * Who owns which prefix. All prefixes of all pools are sorted once; equal ones are then
 * neighbours, and one walk with a stack finds what each of the others lies in.
 */
#include <errno.h>

#include "cleanup.h"
#include "resolve.h"

#define NONE SIZE_MAX
#define NESTED_MAX 130 /* each level is longer by a bit: 0..128 */

/* A prefix as a pool wrote it. */
struct claim {
	struct prefix prefix;
	struct place place;
	size_t pool;
	size_t outer; /* claim of another pool that this one lies in, the nearest; or NONE */
};

struct claims {
	struct claim *items;
	size_t count;
};

static void claims_free(struct claims *claims)
{
	free(claims->items);
}

static int compare_claims(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;
	int order = prefix_compare(&x->prefix, &y->prefix);

	if (order)
		return order;
	if (x->pool != y->pool)
		return x->pool < y->pool ? -1 : 1;
	return place_compare(&x->place, &y->place);
}

static int collect(const struct site *site, struct claims *claims)
{
	size_t count = 0;

	for (size_t i = 0; i < site->n_pools; i++)
		count += site->pools[i].n_addresses;
	claims->items = calloc(count + 1, sizeof(*claims->items));
	if (!claims->items)
		return -ENOMEM;
	for (size_t i = 0; i < site->n_pools; i++) {
		const struct site_pool *pool = &site->pools[i];

		for (size_t j = 0; j < pool->n_addresses; j++)
			claims->items[claims->count++] = (struct claim){
				pool->addresses[j].prefix, pool->addresses[j].place, i, NONE};
	}
	qsort(claims->items, claims->count, sizeof(*claims->items), compare_claims);
	return 0;
}

static void report_twice(const struct resolution *resolution, const struct claim *owner,
			 const struct claim *claim)
{
	const struct site_pool *pools = resolution->site->pools;
	char text[PREFIX_TEXT];

	prefix_format(&claim->prefix, text, sizeof(text));
	if (owner->pool == claim->pool)
		diag_warning(resolution->diags, claim->place,
			     "%s is in pool \"%s\" twice; line %u has it already", text,
			     pools[owner->pool].name, owner->place.line);
	else if (role_set_equal(&resolution->held[owner->pool], &resolution->held[claim->pool]) &&
		 pools[owner->pool].inherit == pools[claim->pool].inherit)
		diag_warning(resolution->diags, claim->place,
			     "%s belongs to pool \"%s\" with the same roles (line %u), so pool "
			     "\"%s\" does not count it",
			     text, pools[owner->pool].name, owner->place.line,
			     pools[claim->pool].name);
	else
		diag_error(
			resolution->diags, claim->place,
			"%s is in pool \"%s\" with other roles (line %u); accepted: one pool for "
			"an address",
			text, pools[owner->pool].name, owner->place.line);
}

/* Of equal prefixes the first pool's stays. */
static void drop_equal(const struct resolution *resolution, struct claims *claims)
{
	size_t kept = 0;

	for (size_t i = 0; i < claims->count; i++) {
		struct claim *claim = &claims->items[i];

		if (kept && !prefix_compare(&claims->items[kept - 1].prefix, &claim->prefix))
			report_twice(resolution, &claims->items[kept - 1], claim);
		else
			claims->items[kept++] = *claim;
	}
	claims->count = kept;
}

static void find_outer(struct claims *claims)
{
	size_t stack[NESTED_MAX];
	size_t depth = 0;

	for (size_t i = 0; i < claims->count; i++) {
		struct claim *claim = &claims->items[i];
		size_t level;

		while (depth &&
		       !prefix_covers(&claims->items[stack[depth - 1]].prefix, &claim->prefix))
			depth--;
		level = depth;
		while (level && claims->items[stack[level - 1]].pool == claim->pool)
			level--;
		claim->outer = level ? stack[level - 1] : NONE;
		stack[depth++] = i;
	}
}

static size_t outer_pool(const struct claims *claims, size_t claim)
{
	size_t outer = claims->items[claim].outer;

	return outer == NONE ? NONE : claims->items[outer].pool;
}

/* --- inherit: true */

/* "in pool "a"" or "in no other pool". */
static const char *in_pool(const struct resolution *resolution, size_t pool, char *text,
			   size_t size)
{
	if (pool == NONE)
		snprintf(text, size, "in no other pool");
	else
		snprintf(text, size, "in pool \"%s\"", resolution->site->pools[pool].name);
	return text;
}

static void refuse_two_outers(const struct resolution *resolution, const struct claims *claims,
			      size_t one, size_t other)
{
	const struct claim *a = &claims->items[one], *b = &claims->items[other];
	char text_a[PREFIX_TEXT], text_b[PREFIX_TEXT], in_a[64], in_b[64];

	diag_error(resolution->diags, b->place,
		   "pool \"%s\" inherits, but %s lies %s and %s %s; accepted: one outer pool for "
		   "all its addresses, so split it",
		   resolution->site->pools[b->pool].name,
		   prefix_format(&a->prefix, text_a, sizeof(text_a)),
		   in_pool(resolution, outer_pool(claims, one), in_a, sizeof(in_a)),
		   prefix_format(&b->prefix, text_b, sizeof(text_b)),
		   in_pool(resolution, outer_pool(claims, other), in_b, sizeof(in_b)));
}

/* Fills OUTER, by pool: the pool that it inherits from, or NONE. */
static int find_heritage(const struct resolution *resolution, const struct claims *claims,
			 size_t *outer)
{
	const struct site *site = resolution->site;
	_cleanup_free_ size_t *first = calloc(site->n_pools + 1, sizeof(*first)); /* claim + 1 */

	if (!first)
		return -ENOMEM;
	for (size_t i = 0; i < site->n_pools; i++)
		outer[i] = NONE;
	for (size_t i = 0; i < claims->count; i++) {
		size_t pool = claims->items[i].pool;

		if (!site->pools[pool].inherit)
			continue;
		if (!first[pool]) {
			first[pool] = i + 1;
			outer[pool] = outer_pool(claims, i);
		} else if (first[pool] != NONE && outer_pool(claims, i) != outer[pool]) {
			refuse_two_outers(resolution, claims, first[pool] - 1, i);
			first[pool] = NONE; /* said once */
		}
	}
	for (size_t i = 0; i < site->n_pools; i++) {
		if (first[i] && first[i] != NONE && outer[i] == NONE)
			diag_warning(resolution->diags, site->pools[i].place,
				     "pool \"%s\" inherits nothing: its addresses lie in no other "
				     "pool",
				     site->pools[i].name);
	}
	return 0;
}

/* An outer pool has the shorter prefix, so this ends. */
static void inherit(struct resolution *resolution, size_t *outer, size_t pool)
{
	size_t from = outer[pool];

	if (from == NONE)
		return;
	outer[pool] = NONE;
	inherit(resolution, outer, from);
	role_set_unite(&resolution->held[pool], &resolution->held[from]);
}

static int inherit_all(struct resolution *resolution, const struct claims *claims)
{
	size_t n_pools = resolution->site->n_pools;
	_cleanup_free_ size_t *outer = calloc(n_pools + 1, sizeof(*outer));
	int rc;

	if (!outer)
		return -ENOMEM;
	rc = find_heritage(resolution, claims, outer);
	for (size_t i = 0; i < n_pools && !rc; i++)
		inherit(resolution, outer, i);
	return rc;
}

/* --- one pool inside another without it */

/* A pool with an address in another's prefix. */
struct nested {
	size_t inner, outer; /* pools */
	const struct claim *claim;
};

static int compare_nested(const void *a, const void *b)
{
	const struct nested *x = a, *y = b;

	if (x->inner != y->inner)
		return x->inner < y->inner ? -1 : 1;
	if (x->outer != y->outer)
		return x->outer < y->outer ? -1 : 1;
	return place_compare(&x->claim->place, &y->claim->place);
}

static void warn_of_nested(const struct resolution *resolution, const struct claims *claims,
			   const struct nested *nested)
{
	const struct site_pool *pools = resolution->site->pools;
	const struct claim *outer = &claims->items[nested->claim->outer];
	char text[PREFIX_TEXT], outer_text[PREFIX_TEXT];

	diag_warning(resolution->diags, nested->claim->place,
		     "%s lies in %s of pool \"%s\"; there only the roles of pool \"%s\" count "
		     "(inherit: true would add the others)",
		     prefix_format(&nested->claim->prefix, text, sizeof(text)),
		     prefix_format(&outer->prefix, outer_text, sizeof(outer_text)),
		     pools[nested->outer].name, pools[nested->inner].name);
}

static int warn_of_nesting(const struct resolution *resolution, const struct claims *claims)
{
	_cleanup_free_ struct nested *list = calloc(claims->count + 1, sizeof(*list));
	size_t count = 0;

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < claims->count; i++) {
		const struct claim *claim = &claims->items[i];

		if (claim->outer != NONE && !resolution->site->pools[claim->pool].inherit)
			list[count++] = (struct nested){claim->pool, outer_pool(claims, i), claim};
	}
	qsort(list, count, sizeof(*list), compare_nested);
	for (size_t i = 0; i < count; i++) {
		if (!i || list[i].inner != list[i - 1].inner || list[i].outer != list[i - 1].outer)
			warn_of_nested(resolution, claims, &list[i]);
	}
	return 0;
}

static int keep_prefixes(struct policy *policy, const struct claims *claims)
{
	policy->prefixes = calloc(claims->count + 1, sizeof(*policy->prefixes));
	if (!policy->prefixes)
		return -ENOMEM;
	for (size_t i = 0; i < claims->count; i++)
		policy->prefixes[policy->n_prefixes++] =
			(struct policy_prefix){claims->items[i].prefix, claims->items[i].pool};
	return 0;
}

int resolve_prefixes(struct resolution *resolution)
{
	_cleanup_(claims_free) struct claims claims = {0};
	int rc = collect(resolution->site, &claims);

	if (rc)
		return rc;
	drop_equal(resolution, &claims);
	find_outer(&claims);
	rc = inherit_all(resolution, &claims);
	rc = rc ? rc : warn_of_nesting(resolution, &claims);
	return rc ? rc : keep_prefixes(&resolution->policy, &claims);
}
