/* SPDX-License-Identifier: MIT */
/* A pool's grants, which overlap, cut into stretches of ports that do not. */
#include <errno.h>

#include "cleanup.h"
#include "policy.h"

/* The cutting of one pool: a walk over its grants with those open at the current port. */
struct cutter {
	struct opening *openings;
	size_t count;
	const struct grant **open; /* by row */
	size_t n_open;
};

static void add_open(struct cutter *cutter, const struct grant *grant)
{
	size_t at = cutter->n_open++;

	while (at && cutter->open[at - 1]->row > grant->row) {
		cutter->open[at] = cutter->open[at - 1];
		at--;
	}
	cutter->open[at] = grant;
}

static void close_until(struct cutter *cutter, unsigned int port)
{
	size_t kept = 0;

	for (size_t i = 0; i < cutter->n_open; i++) {
		if (cutter->open[i]->ports.last > port)
			cutter->open[kept++] = cutter->open[i];
	}
	cutter->n_open = kept;
}

static int emit(struct cutter *cutter, unsigned int first, unsigned int last)
{
	const struct grant **grants = calloc(cutter->n_open, sizeof(*grants));
	struct opening *openings = array_grow(cutter->openings, cutter->count, sizeof(*openings));

	if (openings)
		cutter->openings = openings;
	if (!grants || !openings) {
		free(grants);
		return -ENOMEM;
	}
	memcpy(grants, cutter->open, cutter->n_open * sizeof(*grants));
	openings[cutter->count++] = (struct opening){
		.direction = grants[0]->direction,
		.transport = grants[0]->transport,
		.ports = {(uint16_t)first, (uint16_t)last},
		.grants = grants,
		.n_grants = cutter->n_open,
	};
	return 0;
}

/* The last port up to which nothing more opens or closes. */
static unsigned int stretch_end(const struct cutter *cutter, const struct grant *next)
{
	unsigned int last = next ? next->ports.first - 1U : UINT16_MAX;

	for (size_t i = 0; i < cutter->n_open; i++) {
		if (cutter->open[i]->ports.last < last)
			last = cutter->open[i]->ports.last;
	}
	return last;
}

/* COUNT grants of one direction and transport, sorted by first port. */
static int cut(struct cutter *cutter, const struct grant *grants, size_t count)
{
	unsigned int port = 0;
	size_t next = 0;

	cutter->n_open = 0;
	while (next < count || cutter->n_open) {
		unsigned int last;
		int rc;

		if (!cutter->n_open)
			port = grants[next].ports.first;
		while (next < count && grants[next].ports.first == port)
			add_open(cutter, &grants[next++]);
		last = stretch_end(cutter, next < count ? &grants[next] : NULL);
		rc = emit(cutter, port, last);
		if (rc)
			return rc;
		close_until(cutter, last);
		port = last + 1;
	}
	return 0;
}

static bool same_kind(const struct grant *a, const struct grant *b)
{
	return a->direction == b->direction && a->transport == b->transport;
}

int policy_openings(const struct policy_pool *pool, struct opening **openings, size_t *count)
{
	_cleanup_free_ const struct grant **open = calloc(pool->n_grants + 1, sizeof(*open));
	struct cutter cutter = {.open = open};

	if (!open)
		return -ENOMEM;
	for (size_t first = 0, next; first < pool->n_grants; first = next) {
		int rc;

		for (next = first + 1; next < pool->n_grants; next++) {
			if (!same_kind(&pool->grants[first], &pool->grants[next]))
				break;
		}
		rc = cut(&cutter, &pool->grants[first], next - first);
		if (rc) {
			openings_free(cutter.openings, cutter.count);
			return rc;
		}
	}
	*openings = cutter.openings;
	*count = cutter.count;
	return 0;
}

void openings_free(struct opening *openings, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(openings[i].grants);
	free(openings);
}
