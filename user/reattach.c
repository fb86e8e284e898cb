/* SPDX-License-Identifier: MIT */
#include "reattach.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "cleanup.h"

/* The pins of an interface that was deleted hold empty links. */
static int remove_empty(const struct kernel *kernel, const char *name)
{
	_cleanup_free_ struct attachment *list = NULL;
	size_t count = 0;
	int err = kernel_attachments(kernel, &list, &count);

	for (size_t i = 0; i < count && !err; i++) {
		if (strcmp(list[i].name, name) != 0)
			continue;
		if (!list[i].ifindex) {
			err = kernel_detach(kernel, &list[i]);
			continue;
		}
		fprintf(stderr, "rolewall: %s: its old link is on interface %u now\n", name,
			list[i].ifindex);
		err = -EEXIST;
	}
	return err;
}

static int set_sides(const struct kernel *kernel, const struct wanted_interface *interface,
		     unsigned int ifindex)
{
	int err = 0;

	for (__u32 slot = 0; slot < IMAGE_SLOTS && !err; slot++)
		err = kernel_set_side(kernel, ifindex, slot,
				      interface->slots & 1U << slot ? interface->sides[slot]
								    : SIDE_ANY);
	return err;
}

int reattach(const struct kernel *kernel, const struct wanted_interface *interface)
{
	const struct site_interface asked = {
		.name = (char *)interface->name,
		.hook = interface->hook,
	};
	unsigned int ifindex = if_nametoindex(interface->name);
	struct trial trial;
	enum link_entry entry = ENTRY_PLAIN;
	enum hook hook;
	int err = kernel_check_interface(kernel, &asked, false);

	if (!err)
		err = set_sides(kernel, interface, ifindex);
	if (!err)
		err = remove_empty(kernel, interface->name);
	/* What only the policy on trial wants filtered is let go with it. */
	kernel_trial(kernel, &trial);
	if (trial.running &&
	    (trial.fallback == NO_SLOT || !(interface->slots & 1U << trial.fallback)))
		entry = ENTRY_TRIAL;
	return err ? err : kernel_attach(kernel, &asked, entry, &hook);
}
