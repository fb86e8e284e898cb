/* SPDX-License-Identifier: MIT */
#include "reattach.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "cleanup.h"

/* *ATTACHED: it has a link. The pins of an interface that was deleted hold empty ones: away with them. */
static int tidy_links(const struct kernel *kernel, const char *name, bool *attached)
{
	_cleanup_free_ struct attachment *list = NULL;
	size_t count = 0;
	int err = kernel_align_links(kernel);

	*attached = false;
	if (!err)
		err = kernel_attachments(kernel, &list, &count);
	for (size_t i = 0; i < count && !err; i++) {
		if (strcmp(list[i].name, name) != 0)
			continue;
		if (list[i].ifindex)
			*attached = true;
		else
			err = kernel_detach(kernel, &list[i]);
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
	bool attached;
	int err = kernel_check_interface(kernel, &asked, false);

	if (!err)
		err = set_sides(kernel, interface, ifindex);
	if (!err)
		err = tidy_links(kernel, interface->name, &attached);
	if (err || attached)
		return err;
	/* What only the policy on trial wants filtered is let go with it. */
	kernel_trial(kernel, &trial);
	if (trial.running &&
	    (trial.fallback == NO_SLOT || !(interface->slots & 1U << trial.fallback)))
		entry = ENTRY_TRIAL;
	return kernel_attach(kernel, &asked, entry, &hook);
}
