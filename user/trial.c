/* SPDX-License-Identifier: MIT */
#include "trial.h"

#include <errno.h>
#include <stdio.h>

#include "cleanup.h"
#include "interfaces.h"
#include "lag.h"
#include "record.h"
#include "settle.h"

/*
 * Takes the lock; what has ended before is seen to, and then there is no trial (-ENOENT). *history
 * as settle_open() says.
 */
static int open_trial(const struct common *common, struct kernel *kernel, struct trial_end *end,
		      int *history)
{
	struct trial trial;
	int err = settle_open(common, kernel, history);

	if (err == -ENOENT)
		kernel_unload(kernel);
	if (err)
		return err;
	kernel_trial(kernel, &trial);
	end->generation = trial.generation;
	end->in_force = generation_in_force(kernel);
	return trial.running ? 0 : -ENOENT;
}

/* The clock was faster: nothing of ours happened. */
static int too_late(const struct common *common, struct kernel *kernel, int history)
{
	int err = settle(kernel);

	if (!history)
		record_settle(common, err == -ENOENT ? NULL : kernel);
	if (err == -ENOENT)
		kernel_unload(kernel);
	return -ETIMEDOUT;
}

/* Before anything is settled. */
static bool lagged(const struct common *common)
{
	_cleanup_(kernel_close) struct kernel kernel = KERNEL_CLOSED;
	struct lag lag;

	return kernel_peek(common->pin_dir, &kernel) && lag_find(common, &kernel, &lag);
}

/* No trial runs; but an earlier confirm or apply may not have got into the history. */
static int confirm_again(const struct common *common, const struct kernel *kernel,
			 struct trial_end *end)
{
	end->generation = end->in_force;
	if (lag_tell(common, kernel))
		return ERR_PARTLY;
	end->written = true;
	return 0;
}

int trial_confirm(const struct common *common, struct trial_end *end)
{
	_cleanup_(kernel_close) struct kernel kernel = KERNEL_CLOSED;
	bool again = lagged(common);
	int history, err = open_trial(common, &kernel, end, &history);

	if (err == -ENOENT && again && end->in_force)
		return confirm_again(common, &kernel, end);
	if (err)
		return err;
	if (kernel_confirm(&kernel))
		return too_late(common, &kernel, history);
	common_changed(common);
	if (!history)
		record_settle(common, &kernel);
	end->lags = lag_tell(common, &kernel);
	return settle_interfaces(&kernel);
}

int trial_undo(const struct common *common, struct trial_end *end)
{
	_cleanup_(kernel_close) struct kernel kernel = KERNEL_CLOSED;
	int history, err = open_trial(common, &kernel, end, &history);

	if (err)
		return err;
	if (kernel_return(&kernel))
		return too_late(common, &kernel, history);
	common_changed(common);
	end->in_force = generation_in_force(&kernel);
	if (history || record_outcome(common, end->generation, STATE_ROLLED_BACK)) {
		end->lags = true;
		fprintf(stderr,
			"rolewall: the history does not say yet that generation %u was rolled back: a reboot does not bring it back, and the next command writes it\n",
			end->generation);
	}
	err = settle(&kernel);
	if (err == -ENOENT)
		err = kernel_unload(&kernel);
	return err;
}
