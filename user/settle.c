/* SPDX-License-Identifier: MIT */
#include "settle.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "backstop.h"
#include "cleanup.h"
#include "interfaces.h"
#include "kern_shadow.h"
#include "record.h"

static __u32 generation_of(const struct kernel *kernel, __u32 slot)
{
	struct image_page header;

	if (slot >= kernel_slots(kernel->pages) || kernel_get_header(kernel, slot, &header))
		return 0;
	return header.cell[HEADER_GENERATION];
}

__u32 generation_in_force(const struct kernel *kernel)
{
	return kernel_nothing_in_force(kernel) ? 0 : generation_of(kernel, kernel->control->active);
}

__u32 generation_newest(const struct kernel *kernel)
{
	__u32 newest = 0;

	for (__u32 slot = 0; slot < kernel_slots(kernel->pages); slot++) {
		__u32 generation = generation_of(kernel, slot);

		if (generation > newest)
			newest = generation;
	}
	return newest;
}

int generation_next(__u32 newest, __u32 *next)
{
	if (newest == UINT32_MAX) {
		fprintf(stderr,
			"rolewall: no generation's number is left above %u: detach, and apply again\n",
			newest);
		return -EOVERFLOW;
	}
	*next = newest + 1;
	return 0;
}

int settle_interfaces(const struct kernel *kernel)
{
	_cleanup_(roster_free) struct roster roster = {0};
	int err = roster_read(kernel, &roster);

	if (!err)
		err = interfaces_finish(kernel, roster);
	return err ? err : backstop_sync(kernel);
}

static void tell_return(const struct kernel *kernel, const struct trial *trial)
{
	__u32 generation = generation_in_force(kernel);

	if (!trial->returned)
		return;
	fprintf(stderr, "rolewall: generation %u was not confirmed in time; ", trial->generation);
	if (generation)
		fprintf(stderr, "generation %u is in force again\n", generation);
	else
		fprintf(stderr, "as nothing was loaded before it, nothing is filtered\n");
}

/* Ends one that a killed controller left half made; one that runs compares with what is in force. */
static int settle_shadow(struct kernel *kernel, bool other)
{
	if (!kernel_has_shadow(kernel))
		return kernel_end_shadow(kernel);
	return other ? kernel_start_shadow(kernel, kernel->control->shadow) : 0;
}

int settle(struct kernel *kernel)
{
	struct trial trial;
	int err = kernel_settle(kernel);

	if (err)
		return err;
	kernel_trial(kernel, &trial);
	if (trial.running)
		return 0;
	if (trial.open) {
		tell_return(kernel, &trial);
		if (trial.fallback == NO_SLOT) {
			err = kernel_clear(kernel);
			return err ? err : -ENOENT;
		}
		err = interfaces_drop_trial(kernel);
		if (err)
			return err;
		kernel_shut_gates(kernel);
	}
	err = settle_shadow(kernel, trial.open);
	if (!err && (trial.open || kernel_is_changing(kernel)))
		err = settle_interfaces(kernel);
	return err;
}

static int open_and_settle(const char *pin_dir, struct kernel *kernel)
{
	int err = kernel_open(pin_dir, kernel);

	if (err == -ENOENT) {
		/* What a first apply has left, if it was killed. */
		err = kernel_clear(kernel);
		return err ? err : -ENOENT;
	}
	if (err)
		return err;
	err = settle(kernel);
	if (err && err != -ENOENT)
		fprintf(stderr, "rolewall: cannot put %s in order: %s\n", pin_dir, strerror(-err));
	return err;
}

int settle_open(const struct common *common, struct kernel *kernel, int *history)
{
	int err = kernel_lock(common->pin_dir, kernel);

	*history = 0;
	if (!err)
		err = open_and_settle(common->pin_dir, kernel);
	if (!err || err == -ENOENT)
		*history = record_settle(common, err ? NULL : kernel);
	return err;
}

int settle_refuse_trial(const struct kernel *kernel)
{
	struct trial trial;

	kernel_trial(kernel, &trial);
	if (!trial.running)
		return 0;
	fprintf(stderr,
		"rolewall: generation %u is on trial for another %u s; confirm it or roll it back first\n",
		trial.generation, trial.seconds);
	return -EBUSY;
}
