/* SPDX-License-Identifier: MIT */
#include "lag.h"

#include <stdio.h>

#include "settle.h"
#include "state.h"

struct lag {
	__u32 generation; /* in force */
	__u32 reboot; /* the last good one; 0 = not known, or none */
};

static bool find_lag(const struct common *common, const struct kernel *kernel, struct lag *lag)
{
	struct state *state = NULL;
	struct trial trial;
	bool lags;

	kernel_trial(kernel, &trial);
	*lag = (struct lag){.generation = generation_in_force(kernel)};
	if (trial.running || !lag->generation)
		return false;
	if (state_open(common, false, &state))
		return true;
	lags = state_exists(state);
	if (lags && !state_current(state, &lag->reboot) && lag->reboot == lag->generation)
		lags = !state_is_kept(state, lag->generation);
	state_close(state);
	return lags;
}

bool lag_is_there(const struct common *common, const struct kernel *kernel)
{
	struct lag lag;

	return find_lag(common, kernel, &lag);
}

bool lag_tell(const struct common *common, const struct kernel *kernel)
{
	struct lag lag;

	if (!find_lag(common, kernel, &lag))
		return false;
	fprintf(stderr, "rolewall: generation %u is in force, but the history does not say so: ",
		lag.generation);
	if (lag.reboot == lag.generation)
		fprintf(stderr, "a reboot brings it back all the same");
	else if (lag.reboot)
		fprintf(stderr, "a reboot would bring back generation %u", lag.reboot);
	else
		fprintf(stderr, "a reboot would not bring it back");
	fprintf(stderr, "; \"rolewall confirm\" writes it when the directory can be written\n");
	return true;
}
