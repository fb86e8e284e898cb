/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "interfaces.h"
#include "wanted.h"

static int copy_wanted(const struct wanted *wanted, __u32 slot, struct roster *roster)
{
	struct site_interface *items = calloc(wanted->count + 1, sizeof(*items));

	roster->items = items;
	for (size_t i = 0; i < wanted->count && items; i++) {
		const struct wanted_interface *one = &wanted->items[i];
		struct site_interface *item = &items[roster->count];

		if (!(one->slots & 1U << slot))
			continue;
		*item = (struct site_interface){
			.name = strdup(one->name),
			.side = one->sides[slot],
			.hook = one->hook,
		};
		if (!item->name)
			return -ENOMEM;
		roster->count++;
	}
	return items ? 0 : -ENOMEM;
}

int roster_read(const struct kernel *kernel, struct roster *roster)
{
	struct wanted wanted = {0};
	int err = wanted_read(kernel, &wanted);

	*roster = (struct roster){0};
	if (!err)
		err = copy_wanted(&wanted, kernel->control->active, roster);
	if (err)
		roster_free(roster);
	wanted_free(&wanted);
	return err;
}

void roster_free(struct roster *roster)
{
	for (size_t i = 0; i < roster->count; i++)
		free(roster->items[i].name);
	free((void *)roster->items);
	*roster = (struct roster){0};
}
