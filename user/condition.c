/* SPDX-License-Identifier: MIT */
#include "condition.h"

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"

/* What conditions are read from, at one moment. */
struct scene {
	const struct attachment *attachments;
	size_t n_attachments;
	__u32 programs[OWN_PROGRAMS_MAX];
	size_t n_programs;
	bool gates_open; /* the trial entries pass every packet */
};

const char *condition_name(enum condition condition)
{
	static const char *const names[] = {
#define X(name, text) [CONDITION_##name] = #name,
		CONDITIONS(X)
#undef X
	};

	return condition < N_CONDITIONS ? names[condition] : "?";
}

const char *condition_text(enum condition condition)
{
	static const char *const texts[] = {
#define X(name, text) [CONDITION_##name] = text,
		CONDITIONS(X)
#undef X
	};

	return condition < N_CONDITIONS ? texts[condition] : "?";
}

bool is_filtered(enum condition condition)
{
	return condition == CONDITION_filtered || condition == CONDITION_renamed ||
	       condition == CONDITION_wrong_side || condition == CONDITION_other_hook;
}

const char *hook_taken(const struct interface_state *state)
{
	return state->hook == HOOK_AUTO ? "none" : hook_name(state->hook);
}

/* The live link of that name, else an empty one, else NULL. */
static const struct attachment *find(const struct scene *scene, const char *name)
{
	const struct attachment *empty = NULL;

	for (size_t i = 0; i < scene->n_attachments; i++) {
		const struct attachment *attachment = &scene->attachments[i];

		if (strcmp(attachment->name, name) != 0)
			continue;
		if (attachment->ifindex)
			return attachment;
		empty = attachment;
	}
	return empty;
}

/* The link on an interface, whatever its pin is called; NULL: none. */
static const struct attachment *find_on(const struct scene *scene, unsigned int ifindex)
{
	for (size_t i = 0; i < scene->n_attachments && ifindex; i++)
		if (scene->attachments[i].ifindex == ifindex && !scene->attachments[i].away)
			return &scene->attachments[i];
	return NULL;
}

static bool is_own_program(const struct scene *scene, __u32 program)
{
	for (size_t i = 0; i < scene->n_programs; i++)
		if (scene->programs[i] == program)
			return true;
	return false;
}

/* Of an interface with a live link. */
static enum condition judge_attached(const struct scene *scene, const struct attachment *attachment,
				     enum hook asked, struct interface_state *state)
{
	if (!is_own_program(scene, attachment->program))
		return CONDITION_other_program;
	if (scene->gates_open && attachment->entry == ENTRY_TRIAL)
		return CONDITION_let_go;
	if (!if_indextoname(attachment->ifindex, state->now))
		return CONDITION_missing; /* it has just gone */
	if (strcmp(state->now, state->name) != 0)
		return CONDITION_renamed;
	if (attachment->side != state->side)
		return CONDITION_wrong_side;
	if (asked != HOOK_AUTO && asked != attachment->hook)
		return CONDITION_other_hook;
	return CONDITION_filtered;
}

static void judge(const struct scene *scene, enum hook asked, struct interface_state *state)
{
	unsigned int ifindex = if_nametoindex(state->name);
	/* The name may have gone to another interface: that one counts. */
	const struct attachment *attachment = ifindex ? find_on(scene, ifindex)
						      : find(scene, state->name);

	state->ifindex = ifindex;
	state->condition = ifindex ? CONDITION_unfiltered : CONDITION_missing;
	if (!attachment || !attachment->ifindex || attachment->away)
		return;
	state->ifindex = attachment->ifindex;
	state->hook = attachment->hook;
	state->condition = judge_attached(scene, attachment, asked, state);
}

static int add(struct interface_states *states, const struct interface_state *state)
{
	struct interface_state *items =
		array_grow(states->items, states->count, sizeof(*states->items));

	if (!items)
		return -ENOMEM;
	states->items = items;
	items[states->count++] = *state;
	return 0;
}

static int add_wanted(const struct scene *scene, const struct wanted *wanted, __u32 active,
		      struct interface_states *states)
{
	int err = 0;

	for (size_t i = 0; i < wanted->count && !err; i++) {
		const struct wanted_interface *item = &wanted->items[i];
		struct interface_state state = {.side = item->sides[active]};

		memcpy(state.name, item->name, sizeof(state.name));
		judge(scene, item->hook, &state);
		err = add(states, &state);
	}
	return err;
}

/* What is attached beyond that: a trial's interfaces after its return, say. */
static int add_others(const struct scene *scene, const struct wanted *wanted,
		      struct interface_states *states)
{
	int err = 0;

	for (size_t i = 0; i < scene->n_attachments && !err; i++) {
		const struct attachment *attachment = &scene->attachments[i];
		struct interface_state state = {.side = attachment->side};

		if (wanted_find(wanted, attachment->name))
			continue;
		memcpy(state.name, attachment->name, sizeof(state.name));
		judge(scene, HOOK_AUTO, &state);
		err = add(states, &state);
	}
	return err;
}

int conditions_read(const struct kernel *kernel, const struct wanted *wanted,
		    struct interface_states *states)
{
	_cleanup_free_ struct attachment *attachments = NULL;
	struct interface_states found = {0};
	struct scene scene = {0};
	struct trial trial;
	int err = kernel_attachments(kernel, &attachments, &scene.n_attachments);

	kernel_trial(kernel, &trial);
	scene.gates_open = trial.open;
	scene.attachments = attachments;
	if (!err)
		err = kernel_programs(kernel, scene.programs, &scene.n_programs);
	if (!err)
		err = add_wanted(&scene, wanted, kernel->control->active, &found);
	if (!err)
		err = add_others(&scene, wanted, &found);
	if (err)
		conditions_free(&found);
	else
		*states = found;
	return err;
}

void conditions_free(struct interface_states *states)
{
	free(states->items);
	*states = (struct interface_states){0};
}
