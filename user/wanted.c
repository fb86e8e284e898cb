/* SPDX-License-Identifier: MIT */
#include "wanted.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "description.h"

static bool read_word(const char *(*name)(unsigned int), unsigned int count, const char *word,
		      unsigned int *value)
{
	for (*value = 0; *value < count; (*value)++)
		if (!strcmp(name(*value), word))
			return true;
	return false;
}

static const char *hook_word(unsigned int hook)
{
	return hook_name(hook);
}

static const char *side_word(unsigned int side)
{
	return side_name(side);
}

const struct wanted_interface *wanted_find(const struct wanted *wanted, const char *name)
{
	for (size_t i = 0; i < wanted->count; i++)
		if (!strcmp(wanted->items[i].name, name))
			return &wanted->items[i];
	return NULL;
}

/* The one of that name, added if need be; NULL: out of memory. */
static struct wanted_interface *reach(struct wanted *wanted, const char *name)
{
	struct wanted_interface *items = (void *)wanted_find(wanted, name);

	if (items)
		return items;
	items = array_grow(wanted->items, wanted->count, sizeof(*items));
	if (!items)
		return NULL;
	wanted->items = items;
	items = &items[wanted->count++];
	*items = (struct wanted_interface){0};
	strncpy(items->name, name, sizeof(items->name) - 1);
	return items;
}

static int add_interface(struct wanted *wanted, const json_t *entry, __u32 slot)
{
	const char *name, *side_text, *hook_text;
	struct wanted_interface *interface;
	unsigned int side, hook;

	if (json_unpack((json_t *)entry, "{s:s, s:s, s:s}", "name", &name, "side", &side_text,
			"hook", &hook_text) ||
	    !read_word(side_word, SIDE_INSIDE + 1, side_text, &side) ||
	    !read_word(hook_word, HOOK_TC + 1, hook_text, &hook) ||
	    strlen(name) >= sizeof(interface->name))
		return -EBADMSG;
	interface = reach(wanted, name);
	if (!interface)
		return -ENOMEM;
	if (!interface->slots)
		interface->hook = hook;
	interface->slots |= 1U << slot;
	interface->sides[slot] = side;
	return 0;
}

/* What the image in SLOT names. */
static int add_slot(const struct kernel *kernel, __u32 slot, struct wanted *wanted)
{
	_cleanup_(pages_free) struct pages image = {0};
	json_t *description, *list, *entry;
	int err = kernel_get_image(kernel, slot, &image);
	const __u32 *header;
	size_t i;

	if (err)
		return err;
	header = image.page[0].cell;
	wanted->forwards |= header[HEADER_OPTIONS] & OPTION_FORWARD;
	if (!wanted->generation)
		wanted->generation = header[HEADER_GENERATION];
	err = description_unpack(&image.page[header[HEADER_DESCRIPTION] >> PAGE_SHIFT],
				 header[HEADER_DESCRIPTION_BYTES], &description);
	if (err)
		return err;
	list = json_object_get(description, "interfaces");
	err = json_is_array(list) ? 0 : -EBADMSG;
	json_array_foreach (list, i, entry)
		if (!err)
			err = add_interface(wanted, entry, slot);
	json_decref(description);
	return err;
}

int wanted_read(const struct kernel *kernel, struct wanted *wanted)
{
	const struct control *control = kernel->control;
	const union reign reign = {.both = __atomic_load_n(&control->reign, __ATOMIC_SEQ_CST)};
	bool trial = reign.deadline && reign.deadline != DEADLINE_PASSED;
	struct wanted found = {
		.reign = reign.both,
		.fallback = control->fallback,
		.shadow = control->shadow,
		.returned = control->returned,
	};
	int err = add_slot(kernel, reign.active, &found);

	/* A first policy that nobody confirmed: what it named is not to be filtered any more. */
	if (control->returned && control->fallback == NO_SLOT)
		found.count = 0;
	if (!err && trial && control->fallback < IMAGE_SLOTS)
		err = add_slot(kernel, control->fallback, &found);
	if (!err && control->shadow < IMAGE_SLOTS)
		err = add_slot(kernel, control->shadow, &found);
	if (err)
		wanted_free(&found);
	else
		*wanted = found;
	return err;
}

bool wanted_is_current(const struct kernel *kernel, const struct wanted *wanted)
{
	const struct control *control = kernel->control;
	struct image_page header;

	return control->reign == wanted->reign && control->fallback == wanted->fallback &&
	       control->shadow == wanted->shadow && control->returned == wanted->returned &&
	       !kernel_get_header(kernel, control->active, &header) &&
	       header.cell[HEADER_GENERATION] == wanted->generation;
}

void wanted_free(struct wanted *wanted)
{
	free(wanted->items);
	*wanted = (struct wanted){0};
}
