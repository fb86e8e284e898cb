/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "registry.h"

int registry_init(struct registry *registry, size_t limit)
{
	*registry = (struct registry){.count = 1, .limit = limit};
	registry->names = calloc(limit, sizeof(*registry->names));
	if (!registry->names || !hcreate_r(limit * 2, &registry->index)) {
		free(registry->names);
		registry->names = NULL;
		return -ENOMEM;
	}
	return 0;
}

int registry_put(struct registry *registry, uint32_t id, const char *name)
{
	ENTRY entry = {.data = (void *)(uintptr_t)id}, *found;

	if (!id || id >= registry->limit || registry->names[id])
		return -EINVAL;
	registry->names[id] = strdup(name);
	if (!registry->names[id])
		return -ENOMEM;
	entry.key = registry->names[id];
	if (!hsearch_r(entry, ENTER, &found, &registry->index))
		return -ENOMEM;
	if (id >= registry->count)
		registry->count = id + 1;
	return 0;
}

uint32_t registry_id(struct registry *registry, const char *name)
{
	ENTRY entry = {.key = (char *)name}, *found;
	uint32_t id = (uint32_t)registry->count;

	if (hsearch_r(entry, FIND, &found, &registry->index))
		return (uint32_t)(uintptr_t)found->data;
	return registry_put(registry, id, name) ? 0 : id;
}

void registry_free(struct registry *registry)
{
	if (!registry->names)
		return;
	hdestroy_r(&registry->index);
	for (size_t i = 0; i < registry->count; i++)
		free(registry->names[i]);
	free(registry->names);
	registry->names = NULL;
}
