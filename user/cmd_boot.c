/* SPDX-License-Identifier: MIT */
/* rolewall boot: what was last known to be good is in force again (docs/boot.md). */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "apply.h"
#include "backstop.h"
#include "cleanup.h"
#include "settle.h"
#include "state.h"
#include "steady.h"

enum { OPTION_BACKSTOP };

/* What there is to boot from. */
enum source {
	SOURCE_NONE, /* nothing, and nothing is wrong with that */
	SOURCE_HISTORY,
	SOURCE_SITE, /* the site file: there is no history, or none of it can be used */
};

struct boot {
	const struct common *common;
	bool backstop;
	enum source source;
	__u32 generation; /* of the history, or 0 */
	struct input input;
};

/* --- the history */

static void tell_trials(const struct state_entry *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!list[i].damaged && list[i].outcome == STATE_TRIAL)
			fprintf(stderr, "rolewall: generation %u was on trial: it was not kept\n",
				list[i].generation);
}

static enum source judge_history(const struct state *state, const struct state_entry *list,
				 size_t count)
{
	if (!count)
		return SOURCE_SITE;
	for (size_t i = 0; i < count; i++)
		if (list[i].damaged || list[i].outcome == STATE_KEPT)
			return SOURCE_HISTORY;
	fprintf(stderr,
		"rolewall: none of the generations in %s was ever kept: nothing is loaded; \"rolewall apply\" loads a site\n",
		state_path(state));
	return SOURCE_NONE;
}

/* No apply comes that would write down how the trials ended; their end is no reason to fail. */
static void end_trials(const struct common *common)
{
	_cleanup_(steady_end) struct steady steady;
	_cleanup_(kernel_close) struct kernel kernel = KERNEL_CLOSED;
	int history;

	steady_begin(&steady);
	if (settle_open(common, &kernel, &history) == -ENOENT)
		kernel_unload(&kernel);
}

/* -ENOENT: there is a history, but none of it can be used. */
static int read_history(struct boot *boot, const struct state *state)
{
	struct state_entry *list;
	size_t count;
	int err = state_list(state, &list, &count);

	if (err)
		return err;
	tell_trials(list, count);
	boot->source = judge_history(state, list, count);
	if (boot->source == SOURCE_HISTORY)
		err = state_load_good(state, &boot->generation, &boot->input);
	else if (boot->source == SOURCE_NONE)
		end_trials(boot->common);
	state_list_free(list, count);
	return err;
}

/* --- the site file */

static int load_site(struct boot *boot)
{
	struct diagnostics diags = {0};
	int err = input_load(boot->common->site, &boot->input, &diags);

	diag_print(&diags, stderr);
	diag_free(&diags);
	return err;
}

/* Where a history was lost, the last thing the administrator wrote is better than nothing. */
static int choose_site(struct boot *boot, bool lost)
{
	bool missing = access(boot->common->site, F_OK) && errno == ENOENT;

	if (missing && !lost) {
		fprintf(stderr,
			"rolewall: there is neither a history nor %s: nothing is loaded; \"rolewall apply\" loads a site\n",
			boot->common->site);
		boot->source = SOURCE_NONE;
		return 0;
	}
	if (lost)
		fprintf(stderr, "rolewall: the history cannot be used; taking %s\n",
			boot->common->site);
	boot->source = SOURCE_SITE;
	boot->generation = 0;
	return load_site(boot);
}

static int choose(struct boot *boot)
{
	struct state *state;
	int err = state_open(boot->common, false, &state);

	if (!err) {
		err = read_history(boot, state);
		state_close(state);
	}
	if (err == -ENOMEM || (!err && boot->source != SOURCE_SITE))
		return err;
	return choose_site(boot, err != 0);
}

/* --- into force */

/* From before the first program on: what the site names forwards nothing without one. */
static int hold_back(const struct boot *boot)
{
	const struct site *site = &boot->input.site;
	_cleanup_(backstop_sets_free) struct backstop_sets sets = {
		.names = calloc(site->n_interfaces + 1, sizeof(*sets.names)),
	};

	if (!sets.names)
		return -ENOMEM;
	for (; sets.n_names < site->n_interfaces; sets.n_names++)
		strncpy(sets.names[sets.n_names], site->interfaces[sets.n_names].name,
			sizeof(*sets.names) - 1);
	backstop_explain(backstop_on(boot->common->pin_dir, NULL, &sets));
	return 0;
}

/* Generations of the history are in it already; and a disk may be read-only. */
static bool can_record(const struct boot *boot)
{
	struct state *state;

	if (boot->source == SOURCE_HISTORY)
		return false;
	if (state_open(boot->common, true, &state)) {
		fprintf(stderr, "rolewall: this generation is not in the history\n");
		return false;
	}
	state_close(state);
	return true;
}

static int put_into_force(const struct boot *boot)
{
	const struct apply_request request = {
		.common = boot->common,
		.input = &boot->input,
		.comment = "boot, without a history",
		.generation = boot->generation,
		.unrecorded = !can_record(boot),
		.at_boot = true,
	};
	struct diagnostics diags = {0};
	struct applied applied;
	int err = policy_apply(&request, &applied, &diags);

	diag_print(&diags, stderr);
	diag_free(&diags);
	if (!err)
		fprintf(stderr, "rolewall: generation %u is in force%s%s\n", applied.generation,
			boot->source == SOURCE_HISTORY ? " again" : ", from ",
			boot->source == SOURCE_HISTORY ? "" : boot->common->site);
	return err;
}

/* 0: it runs, and was left alone; -ENOENT: nothing does. */
static int leave_alone(const struct boot *boot)
{
	_cleanup_(kernel_close) struct kernel kernel = KERNEL_CLOSED;
	int err = kernel_open(boot->common->pin_dir, &kernel);

	if (!err && kernel_nothing_in_force(&kernel))
		err = -ENOENT;
	if (err)
		return err;
	fprintf(stderr, "rolewall: generation %u is in force already: left alone\n",
		generation_in_force(&kernel));
	if (boot->backstop)
		backstop_start(boot->common->pin_dir);
	return 0;
}

static int start(struct boot *boot)
{
	int err = leave_alone(boot);

	if (err != -ENOENT)
		return err;
	err = choose(boot);
	if (err || boot->source == SOURCE_NONE)
		return err;
	if (boot->backstop)
		err = hold_back(boot);
	if (!err)
		err = put_into_force(boot);
	/* Somebody was faster. */
	return err == -EEXIST ? leave_alone(boot) : err;
}

static int run(const struct arguments *arguments)
{
	struct boot boot = {
		.common = &arguments->common,
		.backstop = arguments->values[OPTION_BACKSTOP],
	};
	int err;

	err = start(&boot);
	if (err)
		fprintf(stderr, "rolewall: nothing was loaded\n");
	input_free(&boot.input);
	return err;
}

const struct command command_boot = {
	.name = "boot",
	.summary = "Bring the last good policy back into force, for rolewall.service",
	.help = "Takes the last good generation of the history, else the newest whole one that was\n"
		"kept, else the site file. Interfaces that are not there yet are left to the agent.\n"
		"What runs already is left alone. With nothing to load it says so and succeeds.",
	.no_json = PRINTS_NO_DATA,
	.no_csv = PRINTS_NO_DATA,
	.options = {[OPTION_BACKSTOP] = {"backstop", NULL,
					 "first of all: interfaces of the site without a program "
					 "forward nothing"}},
	.run = run,
};
