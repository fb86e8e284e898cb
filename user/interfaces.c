/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>

#include "cleanup.h"
#include "interfaces.h"

/* --- who is who */

/* The attachment of an interface that is there; with the wanted hook if there are two. */
static const struct attachment *find_attached(const struct attachment *list, size_t count,
					      const struct site_interface *interface)
{
	unsigned int ifindex = if_nametoindex(interface->name);
	const struct attachment *found = NULL;

	for (size_t i = 0; i < count; i++) {
		if (strcmp(list[i].name, interface->name) || !ifindex || list[i].away ||
		    list[i].ifindex != ifindex)
			continue;
		if (!found || list[i].hook == interface->hook)
			found = &list[i];
	}
	return found;
}

static bool hook_fits(const struct attachment *attachment, const struct site_interface *interface)
{
	return interface->hook == HOOK_AUTO || interface->hook == attachment->hook;
}

static bool is_wanted(struct roster wanted, const char *name)
{
	for (size_t i = 0; i < wanted.count; i++)
		if (!strcmp(wanted.items[i].name, name))
			return true;
	return false;
}

static bool is_among(const struct attachment *wanted, const struct attachment *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(list[i].name, wanted->name) && list[i].hook == wanted->hook)
			return true;
	return false;
}

int interfaces_check(const struct kernel *kernel, struct roster wanted, bool replace)
{
	int err = 0, found;

	for (size_t i = 0; i < wanted.count && !wanted.early; i++) {
		found = kernel_check_interface(kernel, &wanted.items[i], replace);
		if (!err)
			err = found;
	}
	return err;
}

/* --- hooks */

/*
 * Another hook for an interface without a moment in which no program looks: the new one first, or,
 * as two XDP modes exclude each other, TC in between. Packets of that moment count twice.
 */
static int change_hook(const struct kernel *kernel, const struct attachment *old,
		       const struct site_interface *interface)
{
	struct site_interface bridge = *interface;
	struct attachment between = *old;
	bool needs_bridge = old->hook != HOOK_TC && interface->hook != HOOK_TC;
	enum hook hook;
	int err = 0;

	bridge.hook = between.hook = HOOK_TC;
	if (needs_bridge)
		err = kernel_attach(kernel, &bridge, ENTRY_PLAIN, &hook);
	if (!err && needs_bridge)
		err = kernel_detach(kernel, old);
	if (!err)
		err = kernel_attach(kernel, interface, ENTRY_PLAIN, &hook);
	if (!err)
		err = kernel_detach(kernel, needs_bridge ? &between : old);
	return err;
}

/* Somebody else's XDP program is where ours should be. */
static bool is_taken(const struct kernel *kernel, const struct site_interface *interface)
{
	return interface->hook != HOOK_TC && kernel_foreign(kernel, interface->name);
}

/*
 * One link is enough for each interface; what else is there was a bridge between two hooks.
 * -ENOENT: the interface has none.
 */
static int settle_hook(const struct kernel *kernel, const struct site_interface *interface)
{
	_cleanup_free_ struct attachment *list = NULL;
	const struct attachment *kept;
	size_t count = 0;
	int err = kernel_attachments(kernel, &list, &count);

	kept = err ? NULL : find_attached(list, count, interface);
	if (!kept)
		return err ? err : -ENOENT;
	for (size_t i = 0; i < count && !err; i++)
		if (&list[i] != kept && !strcmp(list[i].name, kept->name))
			err = kernel_detach(kernel, &list[i]);
	if (!err && !hook_fits(kept, interface) && !is_taken(kernel, interface))
		err = change_hook(kernel, kept, interface);
	return err;
}

/* --- before the flip */

/* The pins of an interface that was deleted hold empty links. What is live is not touched. */
static int remove_empty(const struct interface_change *change, const char *name)
{
	int err = 0;

	for (size_t i = 0; i < change->n_before && !err; i++)
		if (!strcmp(change->before[i].name, name) && !change->before[i].ifindex)
			err = kernel_detach(change->kernel, &change->before[i]);
	return err;
}

static int prepare_one(struct interface_change *change, const struct site_interface *interface)
{
	const struct attachment *attachment =
		find_attached(change->before, change->n_before, interface);
	struct site_interface now = *interface;
	enum hook hook;
	int err = kernel_set_side(change->kernel, if_nametoindex(interface->name), change->slot,
				  interface->side);

	if (err || (attachment && (change->trial || hook_fits(attachment, interface))))
		return err;
	if (attachment)
		return is_taken(change->kernel, interface)
			       ? 0
			       : change_hook(change->kernel, attachment, interface);
	err = remove_empty(change, interface->name);
	if (err)
		return err;
	/* Behind the other's program until the flip: no moment in which neither looks. */
	if (change->replace && is_taken(change->kernel, interface))
		now.hook = HOOK_TC;
	kernel_open_gates(change->kernel);
	return kernel_attach(change->kernel, &now, ENTRY_TRIAL, &hook);
}

/* An interface that the site names no more has no side under its image. */
static int clear_sides(const struct interface_change *change)
{
	int err = 0;

	for (size_t i = 0; i < change->n_before && !err; i++)
		if (change->before[i].ifindex && !change->before[i].away &&
		    !is_wanted(change->wanted, change->before[i].name))
			err = kernel_set_side(change->kernel, change->before[i].ifindex,
					      change->slot, SIDE_ANY);
	return err;
}

/* At boot one interface is no reason to leave the others unfiltered. */
static int prepare_early(struct interface_change *change, const struct site_interface *interface)
{
	if (!if_nametoindex(interface->name)) {
		fprintf(stderr, "rolewall: %s: there is no such interface yet\n", interface->name);
		return 0;
	}
	if (kernel_check_interface(change->kernel, interface, change->replace) ||
	    prepare_one(change, interface))
		fprintf(stderr, "rolewall: %s: NOT FILTERED\n", interface->name);
	return 0;
}

int interfaces_prepare(struct interface_change *change)
{
	int err = kernel_align_links(change->kernel);

	if (!err)
		err = kernel_attachments(change->kernel, &change->before, &change->n_before);
	if (err)
		return err;
	kernel_set_changing(change->kernel, true);
	change->touched = true;
	err = clear_sides(change);
	for (size_t i = 0; i < change->wanted.count && !err; i++)
		err = (change->wanted.early ? prepare_early
					    : prepare_one)(change, &change->wanted.items[i]);
	/* Those that are kept may have another MAC address since, and routes another MTU. */
	kernel_forward_ports(change->kernel, change->forwards);
	return err;
}

/* The new one stays until the old one is there again, where the hooks allow it. */
void interfaces_undo(struct interface_change *change)
{
	const struct kernel *kernel = change->kernel;
	_cleanup_free_ struct attachment *now = NULL;
	size_t count = 0;
	enum hook hook;

	for (size_t i = 0; i < change->n_before && change->touched; i++) {
		const struct attachment *old = &change->before[i];
		const struct site_interface again = {
			.name = (char *)old->name,
			.side = old->side,
			.hook = old->hook,
		};

		if (old->ifindex && settle_hook(kernel, &again) == -ENOENT)
			kernel_attach(kernel, &again, ENTRY_PLAIN, &hook);
	}
	if (!change->touched || kernel_attachments(kernel, &now, &count))
		return;
	for (size_t i = 0; i < count; i++)
		if (!is_among(&now[i], change->before, change->n_before))
			kernel_detach(kernel, &now[i]);
	kernel_shut_gates(kernel);
	kernel_set_changing(kernel, false);
}

void interfaces_free(struct interface_change *change)
{
	free(change->before);
	change->before = NULL;
}

/* --- behind it */

static int let_go(const struct kernel *kernel, const struct attachment *attachment)
{
	int err = kernel_detach(kernel, attachment);

	if (!err)
		fprintf(stderr, "rolewall: %s: detached\n", attachment->name);
	return err;
}

int interfaces_finish(const struct kernel *kernel, struct roster wanted)
{
	_cleanup_free_ struct attachment *list = NULL;
	size_t count = 0;
	int err = kernel_attachments(kernel, &list, &count), failed;

	for (size_t i = 0; i < count && !err; i++)
		err = is_wanted(wanted, list[i].name)
			      ? kernel_set_entry(kernel, &list[i], ENTRY_PLAIN)
			      : let_go(kernel, &list[i]);
	for (size_t i = 0; i < wanted.count; i++) {
		failed = err ? 0 : settle_hook(kernel, &wanted.items[i]);
		if (failed && failed != -ENOENT)
			err = failed;
	}
	if (!err)
		kernel_set_changing(kernel, false);
	return err;
}

static void replace_one(const struct kernel *kernel, const struct attachment *kept,
			const struct site_interface *interface)
{
	struct site_interface now = *interface;

	if (now.hook == HOOK_AUTO)
		now.hook = HOOK_XDP_NATIVE;
	if (kernel_remove_foreign(kernel, now.name))
		return;
	if (kept->hook == HOOK_TC && change_hook(kernel, kept, &now))
		fprintf(stderr, "rolewall: %s: stays attached by %s\n", now.name,
			hook_name(kept->hook));
}

void interfaces_replace(const struct kernel *kernel, struct roster wanted)
{
	_cleanup_free_ struct attachment *list = NULL;
	size_t count = 0;

	if (kernel_attachments(kernel, &list, &count))
		return;
	for (size_t i = 0; i < wanted.count; i++) {
		const struct attachment *kept = find_attached(list, count, &wanted.items[i]);

		if (kept && is_taken(kernel, &wanted.items[i]))
			replace_one(kernel, kept, &wanted.items[i]);
	}
}

int interfaces_drop_trial(const struct kernel *kernel)
{
	_cleanup_free_ struct attachment *list = NULL;
	size_t count = 0;
	int err = kernel_attachments(kernel, &list, &count);

	for (size_t i = 0; i < count && !err; i++)
		if (list[i].entry == ENTRY_TRIAL)
			err = let_go(kernel, &list[i]);
	return err;
}
