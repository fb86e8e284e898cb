/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>

#include "apply.h"
#include "backstop.h"
#include "cleanup.h"
#include "compile.h"
#include "counters.h"
#include "image_check.h"
#include "kern_shadow.h"
#include "selftest.h"

/* One apply on its way; what it has made so far tells what to undo. */
struct transaction {
	struct kernel kernel;
	const struct policy *policy;
	struct registries registries;
	struct pages image;
	bool fresh; /* nothing was loaded before */
	__u32 slot; /* the candidate's */
	struct attachment *before;
	size_t n_before;
	bool touched; /* interfaces may have been changed */
};

static void transaction_free(struct transaction *transaction)
{
	pages_free(&transaction->image);
	registries_free(&transaction->registries);
	free(transaction->before);
	kernel_close(&transaction->kernel);
}

static const struct attachment *find_attachment(const struct transaction *transaction,
						const char *name)
{
	for (size_t i = 0; i < transaction->n_before; i++)
		if (!strcmp(transaction->before[i].name, name))
			return &transaction->before[i];
	return NULL;
}

static bool is_in_site(const struct site *site, const char *name)
{
	for (size_t i = 0; i < site->n_interfaces; i++)
		if (!strcmp(site->interfaces[i].name, name))
			return true;
	return false;
}

/* An attachment that already is what the site asks for. */
static bool is_kept(const struct attachment *attachment, const struct site_interface *interface)
{
	return attachment && attachment->ifindex == if_nametoindex(interface->name) &&
	       (interface->hook == HOOK_AUTO || interface->hook == attachment->hook);
}

/* --- before anything is touched */

static int open_running(struct transaction *transaction, const char *pin_dir)
{
	int err = kernel_lock(pin_dir, &transaction->kernel);

	if (err)
		return err;
	err = kernel_open(pin_dir, &transaction->kernel);
	transaction->fresh = err == -ENOENT;
	if (transaction->fresh)
		return registries_init(&transaction->registries);
	if (!err)
		err = kernel_attachments(&transaction->kernel, &transaction->before,
					 &transaction->n_before);
	return err ? err : counters_registries(&transaction->kernel, &transaction->registries);
}

static int check_interfaces(const struct transaction *transaction)
{
	const struct site *site = transaction->policy->site;
	int err = 0, found;

	for (size_t i = 0; i < site->n_interfaces; i++) {
		found = kernel_check_interface(&transaction->kernel, &site->interfaces[i]);
		if (!err)
			err = found;
	}
	return err;
}

static int check_image(const struct transaction *transaction)
{
	char text[IMAGE_FAULT_TEXT];
	int err = image_check(transaction->image.page, transaction->image.count, text);

	if (err == -EBADMSG)
		fprintf(stderr, "rolewall: the compiled image is wrong: %s\n", text);
	return err;
}

/* --- the candidate */

static __u32 next_generation(const struct transaction *transaction)
{
	struct pages running = {0};
	__u32 generation = 1;

	if (!transaction->fresh &&
	    !kernel_get_image(&transaction->kernel, transaction->kernel.control->active, &running))
		generation = running.page[0].cell[HEADER_GENERATION] + 1;
	pages_free(&running);
	return generation;
}

/* Programs for this image: loaded, or loaded anew if they are too small or another build's. */
static int ready_programs(struct transaction *transaction, struct applied *applied)
{
	struct kernel *kernel = &transaction->kernel;
	__u32 room = kernel_room(transaction->image.count);
	int err = 0;

	if (transaction->fresh) {
		applied->loaded = true;
		applied->room = room;
		return kernel_load(kernel, room);
	}
	if (room < kernel->control->image_pages)
		room = kernel->control->image_pages;
	applied->room = room;
	if (room == kernel->control->image_pages && kernel_is_current(kernel))
		return 0;
	applied->reloaded = true;
	if (kernel_has_shadow(kernel)) {
		fprintf(stderr,
			"rolewall: the programs are loaded anew: the shadow is dropped, \"apply --shadow\" loads it again\n");
		err = kernel_end_shadow(kernel);
	}
	return err ? err : kernel_reload(kernel, room);
}

static int write_candidate(struct transaction *transaction, struct applied *applied)
{
	struct kernel *kernel = &transaction->kernel;
	struct selftest test = {0};
	int err;

	transaction->slot = transaction->fresh ? 0 : kernel_free_slot(kernel);
	if (transaction->slot == NO_SLOT) {
		fprintf(stderr, "rolewall: no image slot is free: %u, %s\n",
			kernel_slots(kernel->pages), "a shadow or a trial has the others");
		return -EBUSY;
	}
	err = counters_name(kernel, &transaction->registries);
	if (!err)
		err = kernel_put_image(kernel, transaction->slot, &transaction->image);
	if (!err)
		err = selftest_run(kernel, transaction->policy, transaction->slot, &test);
	applied->probes = test.probes;
	return err;
}

/* --- interfaces */

/*
 * Another hook for an interface without a moment in which no program looks: the new one first, or,
 * as two XDP modes exclude each other, TC in between. Packets of that moment count twice.
 */
static int change_hook(struct transaction *transaction, const struct attachment *old,
		       const struct site_interface *interface, enum hook *hook)
{
	const struct kernel *kernel = &transaction->kernel;
	struct site_interface bridge = *interface;
	struct attachment between = *old;
	bool needs_bridge = old->hook != HOOK_TC && interface->hook != HOOK_TC;
	int err = 0;

	bridge.hook = between.hook = HOOK_TC;
	if (needs_bridge)
		err = kernel_attach(kernel, &bridge, hook);
	if (!err && needs_bridge)
		err = kernel_detach(kernel, old);
	if (!err)
		err = kernel_attach(kernel, interface, hook);
	if (!err)
		err = kernel_detach(kernel, needs_bridge ? &between : old);
	return err;
}

static int attach_one(struct transaction *transaction, size_t index)
{
	const struct site_interface *interface = &transaction->policy->site->interfaces[index];
	const struct attachment *attachment = find_attachment(transaction, interface->name);
	enum hook hook;
	int err;

	err = kernel_set_side(&transaction->kernel, if_nametoindex(interface->name),
			      transaction->slot, interface->side);
	if (err || is_kept(attachment, interface))
		return err;
	if (attachment && attachment->ifindex == if_nametoindex(interface->name))
		return change_hook(transaction, attachment, interface, &hook);
	/* The pin of an interface that was deleted and made again holds an empty link. */
	err = attachment ? kernel_detach(&transaction->kernel, attachment) : 0;
	return err ? err : kernel_attach(&transaction->kernel, interface, &hook);
}

static int attach_all(struct transaction *transaction)
{
	const struct site *site = transaction->policy->site;
	int err = 0;

	transaction->touched = true;
	for (size_t i = 0; i < site->n_interfaces && !err; i++)
		err = attach_one(transaction, i);
	return err;
}

static bool is_among(const struct attachment *wanted, const struct attachment *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(list[i].name, wanted->name) && list[i].hook == wanted->hook)
			return true;
	return false;
}

/* Puts back what this transaction took off, then takes off what it attached. */
static void undo_attach(struct transaction *transaction)
{
	struct kernel *kernel = &transaction->kernel;
	struct attachment *now = NULL;
	size_t count = 0, i;
	enum hook hook;

	if (!transaction->touched || kernel_attachments(kernel, &now, &count))
		return;
	for (i = 0; i < count; i++)
		if (!is_among(&now[i], transaction->before, transaction->n_before))
			kernel_detach(kernel, &now[i]);
	for (i = 0; i < transaction->n_before; i++) {
		const struct attachment *old = &transaction->before[i];
		struct site_interface again = {
			.name = (char *)old->name,
			.side = old->side,
			.hook = old->hook,
		};

		if (!old->ifindex)
			continue;
		if (!is_among(old, now, count))
			kernel_attach(kernel, &again, &hook);
	}
	free(now);
}

static int detach_dropped(const struct transaction *transaction)
{
	int err = 0;

	for (size_t i = 0; i < transaction->n_before && !err; i++) {
		const struct attachment *old = &transaction->before[i];

		if (is_in_site(transaction->policy->site, old->name))
			continue;
		err = kernel_detach(&transaction->kernel, old);
		if (!err)
			fprintf(stderr, "rolewall: %s: detached\n", old->name);
	}
	return err;
}

/* --- the whole */

static int commit(struct transaction *transaction, struct applied *applied)
{
	struct kernel *kernel = &transaction->kernel;
	int err;

	image_seal(&transaction->image, applied->generation);
	err = ready_programs(transaction, applied);
	if (!err)
		err = write_candidate(transaction, applied);
	/* A first image has no packets yet: the programs judge by it from the first one on. */
	if (!err && transaction->fresh)
		kernel_flip(kernel, transaction->slot);
	/* Until the flip the new programs have the image in both slots, whichever a packet reads. */
	if (!err && applied->reloaded)
		err = kernel_put_image(kernel, kernel->control->active, &transaction->image);
	if (!err)
		err = attach_all(transaction);
	if (!err && applied->reloaded)
		err = kernel_switch(kernel, transaction->slot);
	if (err)
		return err;
	kernel_flip(kernel, transaction->slot);
	err = detach_dropped(transaction);
	/* A report is about two images: with another active one it starts again. */
	if (!err && !transaction->fresh && kernel_has_shadow(kernel))
		kernel_start_shadow(kernel, kernel->control->shadow);
	return err ? err : backstop_sync(kernel);
}

int policy_apply(const char *pin_dir, const struct policy *policy, struct applied *applied,
		 struct diagnostics *diags)
{
	_cleanup_(transaction_free) struct transaction transaction = {
		.kernel = KERNEL_CLOSED,
		.policy = policy,
	};
	int err;

	*applied = (struct applied){0};
	err = open_running(&transaction, pin_dir);
	if (!err)
		err = policy_compile(policy, &transaction.registries, &transaction.image, diags);
	if (!err)
		err = check_image(&transaction);
	if (!err)
		err = check_interfaces(&transaction);
	if (!err) {
		applied->pages = transaction.image.count;
		applied->generation = next_generation(&transaction);
		err = commit(&transaction, applied);
		if (err && !transaction.fresh)
			undo_attach(&transaction);
	}
	if (err && transaction.fresh && transaction.kernel.dir >= 0)
		kernel_unload(&transaction.kernel);
	return err;
}
