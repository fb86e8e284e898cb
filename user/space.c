/* SPDX-License-Identifier: MIT */
#include "space.h"

#include <errno.h>

#include "cleanup.h"

int space_add(struct space *space, const struct prefix *prefix)
{
	struct prefix *items;

	if (space->count == PATHS_MAX)
		return -E2BIG;
	items = array_grow(space->items, space->count, sizeof(*items));
	if (!items)
		return -ENOMEM;
	space->items = items;
	items[space->count++] = *prefix;
	return 0;
}

void space_free(struct space *space)
{
	free(space->items);
	*space = (struct space){0};
}

static bool meet(const struct prefix *a, const struct prefix *b)
{
	return prefix_covers(a, b) || prefix_covers(b, a);
}

/* The half of AROUND's part of LENGTH bits that HOLE, further inside, is not in. */
static struct prefix beside(const struct prefix *hole, unsigned int length)
{
	struct prefix half = *hole;
	unsigned int bit = length - 1;

	half.length = (__u8)length;
	half.address.byte[bit / 8] ^= (__u8)(0x80 >> bit % 8);
	for (unsigned int i = length; i < 128; i++)
		half.address.byte[i / 8] &= (__u8) ~(0x80 >> i % 8);
	return half;
}

/* Adds what PREFIX has without HOLE, from the widest part to the narrowest. */
static int add_rest(struct space *rest, const struct prefix *prefix, const struct prefix *hole)
{
	int rc = 0;

	if (!meet(prefix, hole))
		return space_add(rest, prefix);
	for (unsigned int length = prefix->length + 1U; length <= hole->length && !rc; length++) {
		struct prefix half = beside(hole, length);

		rc = space_add(rest, &half);
	}
	return rc;
}

int space_subtract(struct space *space, const struct prefix *hole)
{
	_cleanup_(space_free) struct space rest = {0};
	struct space old = *space;

	for (size_t i = 0; i < space->count; i++) {
		int rc = add_rest(&rest, &space->items[i], hole);

		if (rc)
			return rc;
	}
	*space = rest;
	rest = old;
	return 0;
}

int space_add_pool(struct space *space, const struct policy *policy, size_t index,
		   const bool *among)
{
	for (size_t i = 0; i < policy->n_prefixes; i++) {
		_cleanup_(space_free) struct space own = {0};
		const struct policy_prefix *outer = &policy->prefixes[i];
		int rc = outer->pool == index ? space_add(&own, &outer->prefix) : 0;

		/* sorted, so what lies inside comes next */
		for (size_t j = i + 1; own.count && j < policy->n_prefixes && !rc; j++) {
			const struct policy_prefix *inner = &policy->prefixes[j];

			if (!prefix_covers(&outer->prefix, &inner->prefix))
				break;
			if (inner->pool == index || !among[inner->pool])
				rc = space_subtract(&own, &inner->prefix);
		}
		for (size_t j = 0; j < own.count && !rc; j++)
			rc = space_add(space, &own.items[j]);
		if (rc)
			return rc;
	}
	return 0;
}

static int compare_prefixes(const void *a, const void *b)
{
	return prefix_compare(a, b);
}

void space_sort(struct space *space)
{
	size_t kept = 0;

	if (space->count)
		qsort(space->items, space->count, sizeof(*space->items), compare_prefixes);
	for (size_t i = 0; i < space->count; i++) {
		if (!kept || prefix_compare(&space->items[kept - 1], &space->items[i]))
			space->items[kept++] = space->items[i];
	}
	space->count = kept;
}

/* --- paths */

static int add_path(struct paths *paths, const struct prefix *near, const struct prefix *far)
{
	struct path *items;

	if (paths->count == PATHS_MAX)
		return -E2BIG;
	items = array_grow(paths->items, paths->count, sizeof(*items));
	if (!items)
		return -ENOMEM;
	paths->items = items;
	items[paths->count++] = (struct path){*near, *far};
	return 0;
}

void paths_free(struct paths *paths)
{
	free(paths->items);
	*paths = (struct paths){0};
}

int paths_make(struct paths *paths, const struct space *near, const struct space *far)
{
	for (size_t i = 0; i < near->count; i++) {
		for (size_t j = 0; j < far->count; j++) {
			int rc = 0;

			if (near->items[i].family == far->items[j].family)
				rc = add_path(paths, &near->items[i], &far->items[j]);
			if (rc)
				return rc;
		}
	}
	return 0;
}

/*
 * What PATH has without NEAR to FAR: the near parts that are beside NEAR to everywhere, and the
 * part inside it to the far parts beside FAR.
 */
static int add_path_rest(struct paths *rest, const struct path *path, const struct prefix *near,
			 const struct prefix *far)
{
	_cleanup_(space_free) struct space nears = {0}, fars = {0};
	const struct prefix *inside = near->length > path->near.length ? near : &path->near;
	int rc;

	if (!meet(&path->near, near) || !meet(&path->far, far))
		return add_path(rest, &path->near, &path->far);
	rc = add_rest(&nears, &path->near, near);
	rc = rc ? rc : add_rest(&fars, &path->far, far);
	for (size_t i = 0; i < nears.count && !rc; i++)
		rc = add_path(rest, &nears.items[i], &path->far);
	for (size_t i = 0; i < fars.count && !rc; i++)
		rc = add_path(rest, inside, &fars.items[i]);
	return rc;
}

int paths_subtract(struct paths *paths, const struct prefix *near, const struct prefix *far)
{
	_cleanup_(paths_free) struct paths rest = {0};
	struct paths old = *paths;

	for (size_t i = 0; i < paths->count; i++) {
		int rc = add_path_rest(&rest, &paths->items[i], near, far);

		if (rc)
			return rc;
	}
	*paths = rest;
	rest = old;
	return 0;
}

static int compare_paths(const void *a, const void *b)
{
	const struct path *x = a, *y = b;
	int order = prefix_compare(&x->near, &y->near);

	return order ? order : prefix_compare(&x->far, &y->far);
}

void paths_sort(struct paths *paths)
{
	if (paths->count)
		qsort(paths->items, paths->count, sizeof(*paths->items), compare_paths);
}
