/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>

#include "apply.h"
#include "backstop.h"
#include "candidate.h"
#include "capabilities.h"
#include "cleanup.h"
#include "counters.h"
#include "interfaces.h"
#include "kern_shadow.h"
#include "lag.h"
#include "record.h"
#include "settle.h"
#include "steady.h"

/* One apply on its way; what it has made so far tells what to undo. */
struct transaction {
	const struct apply_request *request;
	struct applied *applied;
	struct kernel kernel;
	struct candidate candidate;
	bool fresh; /* nothing was in force before */
	struct interface_change change;
	struct record record;
};

static void transaction_free(struct transaction *transaction)
{
	candidate_free(&transaction->candidate);
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
	int history, err = settle_open(transaction->request->common, kernel, &history);

	transaction->fresh = err == -ENOENT;
	if (!err && transaction->request->at_boot)
		return -EEXIST;
	if (!err)
		err = settle_refuse_trial(kernel);
	if (err && !transaction->fresh)
		return err;
	if (history && !transaction->request->unrecorded)
		return history;
	return transaction->fresh ? registries_init(&transaction->candidate.registries)
				  : counters_registries(kernel, &transaction->candidate.registries);
}

/* Numbers are never used twice: neither those in the slots nor those in the history. */
static int choose_number(struct transaction *transaction)
{
	__u32 newest = transaction->fresh ? 0 : generation_newest(&transaction->kernel);

	transaction->applied->generation = transaction->request->generation;
	if (transaction->request->generation)
		return 0;
	return record_next(&transaction->record, newest, &transaction->applied->generation);
}

static int make_image(struct transaction *transaction, struct diagnostics *diags)
{
	struct pages *image = &transaction->candidate.image;
	struct applied *applied = transaction->applied;
	int err = candidate_compile(&transaction->candidate, diags);

	if (!err)
		err = choose_number(transaction);
	if (err)
		return err;
	applied->pages = image->count;
	image_number(image, applied->generation);
	return 0;
}

/* --- the candidate */

/* Programs for this image: loaded, or loaded anew if they are too small or another build's. */
static int ready_programs(struct transaction *transaction)
{
	struct kernel *kernel = &transaction->kernel;
	struct applied *applied = transaction->applied;
	__u32 room = kernel_room(transaction->candidate.image.count);
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

/* --- the whole */

static void flip(const struct transaction *transaction)
{
	const struct kernel *kernel = &transaction->kernel;
	__u32 seconds = transaction->request->trial_seconds;

	if (seconds)
		kernel_begin_trial(kernel, transaction->candidate.slot,
				   transaction->applied->generation, seconds);
	else
		kernel_flip(kernel, transaction->candidate.slot);
}

/* Up to the flip, which ends it. */
static int bring_in(struct transaction *transaction)
{
	struct kernel *kernel = &transaction->kernel;
	struct candidate *candidate = &transaction->candidate;
	int err = ready_programs(transaction);

	if (!err)
		err = candidate_choose_slot(candidate, kernel);
	if (!err)
		err = candidate_write(candidate, kernel);
	transaction->applied->probes = candidate->probes;
	transaction->change = (struct interface_change){
		.kernel = kernel,
		.wanted = roster_of(transaction),
		.slot = candidate->slot,
		.replace = transaction->request->replace,
		.forwards = transaction->request->input->site.forward_xdp,
		.trial = transaction->request->trial_seconds != 0,
	};
	if (!err)
		err = interfaces_prepare(&transaction->change);
	if (!err && transaction->applied->reloaded)
		err = kernel_switch(kernel);
	if (!err && steady_interrupted())
		err = -EINTR;
	if (err)
		return err;
	flip(transaction);
	return 0;
}

static void undo(struct transaction *transaction)
{
	if (!transaction->fresh) {
		interfaces_undo(&transaction->change);
		if (transaction->change.touched)
			backstop_sync(&transaction->kernel);
	} else if (transaction->kernel.dir >= 0) {
		kernel_unload(&transaction->kernel);
	}
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

/* The next command tries again. */
static void record_it(struct transaction *transaction)
{
	const struct apply_request *request = transaction->request;
	bool on_trial = request->trial_seconds != 0;

	if (!record_end(&transaction->record, on_trial ? STATE_TRIAL : STATE_KEPT))
		return;
	transaction->applied->lags = true;
	if (on_trial || !lag_tell(request->common, &transaction->kernel))
		fprintf(stderr,
			"rolewall: generation %u is in force, but the history does not say so yet; the next command tries again\n",
			transaction->applied->generation);
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
		.candidate.policy = &request->input->policy,
	};
	_cleanup_(steady_end) struct steady steady;
	int err;

	steady_begin(&steady);
	*applied = (struct applied){.trial_seconds = request->trial_seconds};
	err = capabilities_check();
	if (!err)
		err = open_running(&transaction);
	if (!err)
		err = record_open(request, &transaction.record);
	if (!err)
		err = make_image(&transaction, diags);
	if (!err && steady_interrupted())
		err = -EINTR;
	if (!err)
		err = interfaces_check(&transaction.kernel, roster_of(&transaction),
				       request->replace);
	if (!err)
		err = record_prepare(request, &transaction.record, applied->generation,
				     transaction.candidate.image.page[0].cell[HEADER_CHECKSUM]);
	if (!err)
		err = bring_in(&transaction);
	if (err) {
		undo(&transaction);
		record_end(&transaction.record, STATE_FAILED);
		record_edited(&transaction.record);
		return err;
	}
	/* first of all, and without a word: nothing may come between policy and file */
	if (request->file)
		applied->file_error = site_file_replace(request->file);
	common_changed(request->common);
	record_it(&transaction);
	if (!applied->file_error)
		record_edited(&transaction.record);
	finish(&transaction);
	restart_shadow(&transaction);
	return 0;
}
