/* SPDX-License-Identifier: MIT */
/* rolewall rollback: ends a trial, or applies what an earlier generation was made of. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "apply_options.h"
#include "applying.h"
#include "cleanup.h"
#include "kernel.h"
#include "settle.h"
#include "state.h"
#include "trial.h"

enum { OPTION_CONFIRM_WITHIN, OPTION_COMMENT };

/* What runs; 0 generation = nothing. 0 or -errno with a message. */
static int look(const char *pin_dir, struct trial *trial, __u32 *generation)
{
	_cleanup_(kernel_close) struct kernel kernel = KERNEL_CLOSED;
	int err = kernel_open(pin_dir, &kernel);

	*trial = (struct trial){0};
	*generation = 0;
	if (err)
		return err == -ENOENT ? 0 : err;
	kernel_trial(&kernel, trial);
	*generation = generation_in_force(&kernel);
	return 0;
}

static int end_trial(const struct arguments *arguments)
{
	struct trial_end end = {0};
	int err = trial_undo(&arguments->common, &end);

	if (err == -ENOENT)
		fprintf(stderr, "rolewall: nothing is on trial any more\n");
	if (err && !common_has_changed(&arguments->common))
		return err;
	fprintf(stderr, "rolewall: generation %u was rolled back\n", end.generation);
	err = err ? err : trial_print_end(&end, arguments->common.format);
	return err || !end.lags ? err : ERR_PARTLY;
}

static int read_generation(const char *text, __u32 *generation)
{
	unsigned long number;
	char *end;

	errno = 0;
	number = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || !number || number > UINT32_MAX) {
		fprintf(stderr,
			"rolewall rollback: \"%s\" is no generation; \"rolewall history\" lists them\n",
			text);
		return ERR_USAGE;
	}
	*generation = (__u32)number;
	return 0;
}

/* Which one: as asked for, or the one before what is in force. */
static int choose(const struct arguments *arguments, const struct state *state, __u32 in_force,
		  __u32 *generation)
{
	if (arguments->n_operands)
		return read_generation(arguments->operands[0], generation);
	if (in_force)
		return state_before(state, in_force, generation);
	fprintf(stderr,
		"rolewall: nothing is in force that could be rolled back; \"rollback N\" applies generation N\n");
	return -ENOENT;
}

static int apply_generation(const struct state *state, struct apply_request *request)
{
	struct diagnostics diags = {0};
	struct input input = {0};
	int err = state_load(state, request->based_on, &input);

	request->input = &input;
	if (!err) {
		fprintf(stderr, "rolewall: back to what generation %u was made of\n",
			request->based_on);
		err = apply_input(request, &diags);
	}
	if (err && !common_has_changed(request->common))
		fprintf(stderr, "rolewall: nothing was changed\n");
	diag_free(&diags);
	input_free(&input);
	return err;
}

static int go_back(const struct arguments *arguments, __u32 in_force, struct apply_request *request)
{
	struct state *state = NULL;
	int err = state_open(&arguments->common, false, &state);

	if (!err)
		err = choose(arguments, state, in_force, &request->based_on);
	if (!err)
		err = apply_generation(state, request);
	state_close(state);
	return err;
}

static int run(const struct arguments *arguments)
{
	struct apply_request request = {.common = &arguments->common};
	struct trial trial;
	__u32 in_force;
	int err = apply_options("rollback", arguments->values[OPTION_CONFIRM_WITHIN],
				arguments->values[OPTION_COMMENT], &request);

	if (!err)
		err = look(arguments->common.pin_dir, &trial, &in_force);
	if (err)
		return err;
	if (trial.running && !arguments->n_operands)
		return end_trial(arguments);
	return go_back(arguments, in_force, &request);
}

const struct command command_rollback = {
	.name = "rollback",
	.summary = "Return to the policy before, or to generation N of the history",
	.help = "While a policy is on trial: ends the trial at once; what was in force before is so\n"
		"again. Else applies the site and the matrix of the generation before that was different,\n"
		"or of generation N, as they were then, as a new generation (\"rolewall history\" lists\n"
		"them). The site file itself stays as it is.",
	.operands = "[N]",
	.operands_min = 0,
	.operands_max = 1,
	.options = {[OPTION_CONFIRM_WITHIN] = OPTION_SPEC_CONFIRM_WITHIN,
		    [OPTION_COMMENT] = OPTION_SPEC_COMMENT},
	.run = run,
};
