/* SPDX-License-Identifier: MIT */
#include "lag.h"

#include <stdio.h>

#include "settle.h"
#include "state.h"

bool lag_find(const struct common *common, const struct kernel *kernel, struct lag *lag)
{
	struct state *state = NULL;
	struct trial trial;
	bool lags;

	kernel_trial(kernel, &trial);
	*lag = (struct lag){.generation = generation_in_force(kernel)};
	if (state_open(common, false, &state))
		return lag->generation && !trial.running;
	lags = state_exists(state);
	if (lags && !state_current(state, &lag->reboot) && lag->reboot == lag->generation)
		lags = !state_is_kept(state, lag->generation);
	state_close(state);
	return lags && lag->generation && !trial.running;
}

bool lag_tell(const struct common *common, const struct kernel *kernel)
{
	struct lag lag;

	if (!lag_find(common, kernel, &lag))
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
