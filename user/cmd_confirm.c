/* SPDX-License-Identifier: MIT */
/* rolewall confirm: a trial is kept. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>

#include "listing.h"
#include "trial.h"

int trial_print_end(const struct trial_end *end, enum format format)
{
	static const struct column columns[] = {{"GENERATION", true, false},
						{"IN-FORCE", true, false}};
	struct listing listing = {.columns = columns, .n_columns = 2};
	char numbers[2][24];
	int err;

	if (format == FORMAT_JSON)
		return json_print(json_pack("{s:I, s:I}", "generation", (json_int_t)end->generation,
					    "in_force", (json_int_t)end->in_force));
	snprintf(numbers[0], sizeof(numbers[0]), "%u", end->generation);
	snprintf(numbers[1], sizeof(numbers[1]), "%u", end->in_force);
	err = listing_add(&listing, (const char *const[]){numbers[0], numbers[1]});
	if (!err)
		err = listing_print(&listing, format);
	listing_free(&listing);
	return err;
}

static int run_confirm(const struct arguments *arguments)
{
	struct trial_end end = {0};
	int err = trial_confirm(&arguments->common, &end);

	if (err == -ENOENT)
		fprintf(stderr, "rolewall: nothing is on trial\n");
	if (err && !common_has_changed(&arguments->common))
		return err;
	fprintf(stderr, "rolewall: generation %u is %s\n", end.generation,
		end.written ? "in the history now: a reboot brings it back" : "confirmed");
	err = err ? err : trial_print_end(&end, arguments->common.format);
	return err || !end.lags ? err : ERR_PARTLY;
}

const struct command command_confirm = {
	.name = "confirm",
	.summary = "Keep the policy that is on trial",
	.help = "Ends the trial that \"rolewall apply --confirm-within\" began: the policy stays.\n"
		"Interfaces that its site does not name are let go, and hooks that it changes are\n"
		"changed, only now.",
	.run = run_confirm,
};
