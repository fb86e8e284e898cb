/* SPDX-License-Identifier: MIT */
/*
 * Counter ids: a number for each name, given once and kept. The kernel's `rows` and `pools` maps
 * carry the names, so the registry of a running instance is read back from them (counters.c).
 */
#ifndef ROLEWALL_REGISTRY_H
#define ROLEWALL_REGISTRY_H

#include <search.h>
#include <stddef.h>
#include <stdint.h>

struct registry {
	char **names; /* by id; 0 is unused; NULL = free */
	size_t count; /* ids 1..count-1 have been given */
	size_t limit; /* ids are below this */
	size_t named; /* ids below this have their names in the kernel */
	struct hsearch_data index;
};

/* Room for ids 1..limit-1. Returns 0 or -ENOMEM. */
int registry_init(struct registry *registry, size_t limit);
/* Takes over a known pair, for a registry that is read back. 0, -EINVAL or -ENOMEM. */
int registry_put(struct registry *registry, uint32_t id, const char *name);
/* The id of NAME, given now if it has none. 0 where every id is taken. */
uint32_t registry_id(struct registry *registry, const char *name);
void registry_free(struct registry *registry);

#endif
