/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>

#include "apply.h"
#include "backstop.h"
#include "capabilities.h"
#include "cleanup.h"
#include "compile.h"
#include "counters.h"
#include "image_check.h"
#include "interfaces.h"
#include "kern_shadow.h"
#include "record.h"
#include "selftest.h"
#include "settle.h"

/* One apply on its way; what it has made so far tells what to undo. */
struct transaction {
	const struct apply_request *request;
	struct applied *applied;
	struct kernel kernel;
	struct registries registries;
	struct pages image;
	bool fresh; /* nothing was in force before */
	__u32 slot; /* the candidate's */
	struct interface_change change;
	struct record record;
	__u32 newest; /* generation in the history */
};

static void transaction_free(struct transaction *transaction)
{
	pages_free(&transaction->image);
	registries_free(&transaction->registries);
	interfaces_free(&transaction->change);
	record_close(&transaction->record);
	kernel_close(&transaction->kernel);
}

static struct roster roster_of(const struct transaction *transaction)
{
	const struct site *site = &transaction->request->input->site;

	return (struct roster){site->interfaces, site->n_interfaces, transaction->request->at_boot};
}

/* --- before anything is touched */

static int open_running(struct transaction *transaction)
{
	struct kernel *kernel = &transaction->kernel;
	int err = settle_open(transaction->request->common, kernel);

	transaction->fresh = err == -ENOENT;
	if (transaction->fresh)
		return registries_init(&transaction->registries);
	if (!err && transaction->request->at_boot)
		return -EEXIST;
	if (!err)
		err = settle_refuse_trial(kernel);
	return err ? err : counters_registries(kernel, &transaction->registries);
}

/* Numbers are never used twice: neither those in the slots nor those in the history. */
static __u32 next_generation(const struct transaction *transaction)
{
	__u32 newest = transaction->fresh ? 0 : generation_newest(&transaction->kernel);

	if (transaction->request->generation)
		return transaction->request->generation;
	return (newest > transaction->newest ? newest : transaction->newest) + 1;
}

static int check_image(const struct transaction *transaction)
{
	char text[IMAGE_FAULT_TEXT];
	int err = image_check(transaction->image.page, transaction->image.count, text);

	if (err == -EBADMSG)
		fprintf(stderr, "rolewall: the compiled image is wrong: %s\n", text);
	return err;
}

static int make_image(struct transaction *transaction, struct diagnostics *diags)
{
	struct applied *applied = transaction->applied;
	int err = policy_compile(&transaction->request->input->policy, &transaction->registries,
				 &transaction->image, diags);

	if (!err)
		err = check_image(transaction);
	if (err)
		return err;
	applied->pages = transaction->image.count;
	applied->generation = next_generation(transaction);
	image_number(&transaction->image, applied->generation);
	return 0;
}

/* --- the candidate */

/* Programs for this image: loaded, or loaded anew if they are too small or another build's. */
static int ready_programs(struct transaction *transaction)
{
	struct kernel *kernel = &transaction->kernel;
	struct applied *applied = transaction->applied;
	__u32 room = kernel_room(transaction->image.count);
	int err = 0;

	if (transaction->fresh) {
		applied->loaded = true;
		applied->room = room;
		return kernel_load(kernel, room);
	}
	if (room < kernel->pages)
		room = kernel->pages;
	applied->room = room;
	if (room == kernel->pages && kernel_is_current(kernel))
		return 0;
	applied->reloaded = true;
	if (kernel_has_shadow(kernel)) {
		fprintf(stderr,
			"rolewall: the programs are loaded anew: the shadow is dropped, \"apply --shadow\" loads it again\n");
		err = kernel_end_shadow(kernel);
	}
	return err ? err : kernel_reload(kernel, room);
}

static int write_candidate(struct transaction *transaction)
{
	struct kernel *kernel = &transaction->kernel;
	struct selftest test = {0};
	int err;

	transaction->slot = kernel_free_slot(kernel);
	if (transaction->slot == NO_SLOT) {
		fprintf(stderr, "rolewall: no image slot is free: a shadow has the other one\n");
		return -EBUSY;
	}
	err = counters_name(kernel, &transaction->registries);
	if (!err)
		err = kernel_put_image(kernel, transaction->slot, &transaction->image);
	if (!err)
		err = selftest_run(kernel, &transaction->request->input->policy, transaction->slot,
				   &test);
	transaction->applied->probes = test.probes;
	return err;
}

/* --- the whole */

static void flip(const struct transaction *transaction)
{
	const struct kernel *kernel = &transaction->kernel;
	__u32 seconds = transaction->request->trial_seconds;

	if (seconds)
		kernel_begin_trial(kernel, transaction->slot, transaction->applied->generation,
				   seconds);
	else
		kernel_flip(kernel, transaction->slot);
}

/* Up to the flip, which ends it. */
static int bring_in(struct transaction *transaction)
{
	struct kernel *kernel = &transaction->kernel;
	int err = ready_programs(transaction);

	if (!err)
		err = write_candidate(transaction);
	transaction->change = (struct interface_change){
		.kernel = kernel,
		.wanted = roster_of(transaction),
		.slot = transaction->slot,
		.replace = transaction->request->replace,
		.trial = transaction->request->trial_seconds != 0,
	};
	if (!err)
		err = interfaces_prepare(&transaction->change);
	if (!err && transaction->applied->reloaded)
		err = kernel_switch(kernel);
	if (err)
		return err;
	flip(transaction);
	return 0;
}

static void undo(struct transaction *transaction)
{
	if (!transaction->fresh)
		interfaces_undo(&transaction->change);
	else if (transaction->kernel.dir >= 0)
		kernel_unload(&transaction->kernel);
}

/* It is in force by now: what fails here is no reason to say otherwise. */
static void finish(const struct transaction *transaction)
{
	int err = 0;

	if (!transaction->request->trial_seconds)
		err = interfaces_finish(&transaction->kernel, roster_of(transaction));
	if (!err && transaction->request->replace)
		interfaces_replace(&transaction->kernel, roster_of(transaction));
	if (!err)
		err = backstop_sync(&transaction->kernel);
	if (err)
		fprintf(stderr,
			"rolewall: generation %u is in force, but what was before is not all gone: %s; the next command tries again\n",
			transaction->applied->generation, strerror(-err));
}

/* A report is about two images: with another active one it starts again. */
static void restart_shadow(struct transaction *transaction)
{
	struct kernel *kernel = &transaction->kernel;

	if (transaction->fresh || !kernel_has_shadow(kernel))
		return;
	if (transaction->request->ends_shadow)
		kernel_end_shadow(kernel);
	else
		kernel_start_shadow(kernel, kernel->control->shadow);
}

int policy_apply(const struct apply_request *request, struct applied *applied,
		 struct diagnostics *diags)
{
	_cleanup_(transaction_free) struct transaction transaction = {
		.kernel = KERNEL_CLOSED,
		.request = request,
		.applied = applied,
	};
	int err;

	*applied = (struct applied){.trial_seconds = request->trial_seconds};
	err = capabilities_check();
	if (!err)
		err = open_running(&transaction);
	if (!err)
		err = record_open(request, &transaction.record, &transaction.newest);
	if (!err)
		err = make_image(&transaction, diags);
	if (!err)
		err = interfaces_check(&transaction.kernel, roster_of(&transaction),
				       request->replace);
	if (!err)
		err = record_prepare(request, &transaction.record, applied->generation,
				     transaction.image.page[0].cell[HEADER_CHECKSUM]);
	if (!err)
		err = bring_in(&transaction);
	if (err) {
		undo(&transaction);
		record_end(&transaction.record, STATE_FAILED);
		return err;
	}
	record_end(&transaction.record, request->trial_seconds ? STATE_TRIAL : STATE_KEPT);
	finish(&transaction);
	restart_shadow(&transaction);
	return 0;
}
