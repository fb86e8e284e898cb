/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>

#include "script.h"

#define LONG_AGO 100000 /* seconds: nothing that was recorded before lives still */

static bool through_tc(enum path path, size_t step)
{
	return path == PATH_TC || (path == PATH_BOTH_IN_TURN && step % 2);
}

static void take_step(const struct task *task, const struct step *step,
		      const struct serving *serving, bool tc)
{
	struct recipe recipe = step->recipe;
	struct frame frame;
	struct expectation e = {
		.frame = &frame,
		.device = step->device,
		.tc = tc,
		.flows = step->flows,
		.fragments = step->fragments,
		.reason = task->family == FAMILY_IPV6 && step->ip6 ? step->ip6 : step->reason,
	};

	if (recipe.fragment)
		recipe.id += serving->variation * 16;
	if (step->wait)
		world_wait(task->bench->world, step->wait);
	make_frame(&recipe, serving, &frame);
	expect(task->bench, &e);
}

static void run_script(void **state)
{
	const struct task *task = *state;
	const struct script *script = task->row;
	const struct serving serving = {
		.family = task->family,
		.tagging = task->tagging,
		.variation = next_variation(task->bench),
	};
	enum path path = (enum path)task->choice;

	/* What earlier scripts left must not age into this one. */
	world_wait(task->bench->world, LONG_AGO);
	for (size_t i = 0; i < STEPS_MAX && script->steps[i].reason; i++)
		take_step(task, &script->steps[i], &serving, through_tc(path, i));
}

static void add_script(struct suite *suite, const struct script *script, enum family family,
		       enum path path)
{
	static const char *const paths[N_PATHS] = {"XDP", "TC", "XDP and TC in turn"};
	struct task task = {
		.row = script,
		.family = family,
		.choice = path,
		.tagging = path == PATH_BOTH_IN_TURN ? TAG_8100 : UNTAGGED,
	};
	char *name;

	if (asprintf(&name, "%s, %s, %s", script->name, family_name(family), paths[path]) < 0)
		abort();
	add_task(suite, name, run_script, &task);
}

void add_scripts(struct suite *suite, const struct script *scripts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		for (int path = 0; path < N_PATHS; path++) {
			if (!scripts[i].ip6_only)
				add_script(suite, &scripts[i], FAMILY_IPV4, (enum path)path);
			if (!scripts[i].ip4_only)
				add_script(suite, &scripts[i], FAMILY_IPV6, (enum path)path);
		}
	}
}
