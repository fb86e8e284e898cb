/* SPDX-License-Identifier: MIT */
/* rolewall apply: load a site, or replace what runs. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <time.h>

#include "apply.h"
#include "apply_options.h"
#include "applying.h"
#include "cleanup.h"
#include "describe.h"
#include "forward_warn.h"
#include "input.h"
#include "listing.h"
#include "pending.h"
#include "plan.h"
#include "steady.h"

enum { OPTION_SHADOW, OPTION_CONFIRM_WITHIN, OPTION_COMMENT, OPTION_REPLACE };

static int print_json(const struct applied *applied)
{
	json_t *answer = json_pack("{s:I, s:I, s:I, s:I, s:b, s:b, s:I}", "generation",
				   (json_int_t)applied->generation, "image_pages",
				   (json_int_t)applied->pages, "room_pages",
				   (json_int_t)applied->room, "selftest_probes",
				   (json_int_t)applied->probes, "programs_loaded", applied->loaded,
				   "programs_replaced", applied->reloaded, "confirm_within",
				   (json_int_t)applied->trial_seconds);

	return json_print(answer);
}

static int print_listing(const struct applied *applied, const struct policy *policy,
			 enum format format)
{
	static const struct column columns[] = {
		{"GENERATION", true, false}, {"POOLS", true, false},     {"PREFIXES", true, false},
		{"IMAGE-KIB", true, false},  {"SELF-TEST", true, false}, {"PROGRAMS", false, false},
	};
	struct listing listing = {.columns = columns, .n_columns = 6};
	char numbers[5][24];
	int err;

	snprintf(numbers[0], sizeof(numbers[0]), "%u", applied->generation);
	snprintf(numbers[1], sizeof(numbers[1]), "%zu", policy->n_pools);
	snprintf(numbers[2], sizeof(numbers[2]), "%zu", policy->n_prefixes);
	snprintf(numbers[3], sizeof(numbers[3]), "%zu", applied->pages);
	snprintf(numbers[4], sizeof(numbers[4]), "%zu probes", applied->probes);
	err = listing_add(&listing, (const char *const[]){numbers[0], numbers[1], numbers[2],
							  numbers[3], numbers[4],
							  applied->loaded     ? "loaded"
							  : applied->reloaded ? "replaced"
									      : "kept"});
	if (!err)
		err = listing_print(&listing, format);
	listing_free(&listing);
	return err;
}

/* On stderr, so that what scripts read stays as it is. */
static void tell_trial(const struct applied *applied)
{
	time_t until = time(NULL) + (time_t)applied->trial_seconds;
	struct tm utc;
	char text[24];

	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&until, &utc));
	fprintf(stderr,
		"rolewall: generation %u is on trial for %u s, until %s: then what was in force before returns, unless \"rolewall confirm\" keeps it; \"rolewall rollback\" ends it at once\n",
		applied->generation, applied->trial_seconds, text);
}

int apply_input(const struct apply_request *request, struct diagnostics *diags)
{
	enum format format = request->common->format;
	_cleanup_(steady_end) struct steady steady;
	struct applied applied;
	int err;

	steady_begin(&steady);
	plan_tell(request->common->pin_dir, &request->input->policy);
	err = policy_apply(request, &applied, diags);
	diag_print(diags, stderr);
	if (err)
		return err;
	if (request->input->site.forward_xdp)
		forward_warn(request->common->pin_dir);
	if (applied.trial_seconds)
		tell_trial(&applied);
	if (applied.file_error)
		fprintf(stderr,
			"rolewall: the policy that runs has the change, %s has not: \"rolewall history %u\" shows its text\n",
			request->common->site, applied.generation);
	err = format == FORMAT_JSON ? print_json(&applied)
				    : print_listing(&applied, &request->input->policy, format);
	fflush(stdout); /* before a signal that waited ends it */
	return err ? err : applied.file_error || applied.lags ? ERR_PARTLY : 0;
}

static int shadow_instead(const struct arguments *arguments)
{
	if (!arguments->values[OPTION_CONFIRM_WITHIN] && !arguments->values[OPTION_COMMENT] &&
	    !arguments->values[OPTION_REPLACE])
		return apply_shadow(arguments);
	fprintf(stderr,
		"rolewall apply: --shadow changes nothing that would be confirmed, recorded or replaced; \"shadow commit\" takes --confirm-within and --comment\n");
	return ERR_USAGE;
}

static int run(const struct arguments *arguments)
{
	struct diagnostics diags = {0};
	struct input input = {0};
	struct apply_request request = {.common = &arguments->common, .input = &input};
	int err = apply_options("apply", arguments->values[OPTION_CONFIRM_WITHIN],
				arguments->values[OPTION_COMMENT], &request);

	if (err)
		return err;
	request.replace = arguments->values[OPTION_REPLACE];
	if (request.replace && request.trial_seconds) {
		fprintf(stderr,
			"rolewall apply: --replace cannot be on trial: nobody could bring the other program back\n");
		return ERR_USAGE;
	}
	if (arguments->values[OPTION_SHADOW])
		return shadow_instead(arguments);
	err = pending_finish(&arguments->common);
	if (!err)
		err = input_load(arguments->common.site, &input, &diags);
	if (err)
		diag_print(&diags, stderr);
	else
		err = apply_input(&request, &diags);
	if (err && !common_has_changed(&arguments->common))
		fprintf(stderr, "rolewall: nothing was changed\n");
	diag_free(&diags);
	input_free(&input);
	return err;
}

const struct command command_apply = {
	.name = "apply",
	.summary = "Load a site, or replace the running policy by it in one flip",
	.help = "Reads the site, compiles it, writes it beside the policy that runs, sends the\n"
		"self-test's packets through the loaded program, and flips: every interface and CPU\n"
		"changes with the same packet. Counters and flows stay. Where anything is wrong,\n"
		"nothing changes, the exit status is 1 and the messages say what it is.\n\n"
		"With --confirm-within the policy is on trial: unless \"rolewall confirm\" comes in\n"
		"time, the kernel itself returns to what was in force before, to the second and\n"
		"whether or not any rolewall still runs.",
	.options =
		{[OPTION_SHADOW] =
			 {"shadow", NULL,
			  "load it beside the running policy and only compare: see `rolewall shadow`"},
		 [OPTION_CONFIRM_WITHIN] = OPTION_SPEC_CONFIRM_WITHIN,
		 [OPTION_COMMENT] = OPTION_SPEC_COMMENT,
		 [OPTION_REPLACE] = {"replace", NULL,
				     "take XDP programs of others off the site's interfaces"}},
	.run = run,
};
