/* SPDX-License-Identifier: MIT */
/*
 * Which generations go when there are many. Of those that were kept the first to go are repeats:
 * the same site and matrix as a newer one, whose files are whole; those that nobody commented on
 * before those that somebody did. So STATE_KEEP different ones stay, however often one is applied.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "cleanup.h"
#include "disk.h"
#include "state_internal.h"

struct pruning {
	const struct state *state;
	struct state_entry *list; /* oldest first */
	size_t count;
	bool *repeat, *gone; /* for each */
	__u32 newest; /* that can be read */
	__u32 current,
		fallback; /* never go: the last good one, and what the boot takes without it */
};

static bool was_kept(const struct state_entry *entry)
{
	return !entry->damaged && entry->outcome == STATE_KEPT;
}

/* Not the newest, either, nor the newest that can be read: numbers are not used twice. */
static bool may_go(const struct pruning *pruning, size_t i)
{
	const struct state_entry *entry = &pruning->list[i];

	return !pruning->gone[i] && entry->generation != pruning->current &&
	       entry->generation != pruning->fallback && i != pruning->count - 1 &&
	       entry->generation != pruning->newest &&
	       (entry->damaged || entry->outcome != STATE_TRIAL);
}

/* First under another name, so that half a generation never looks like one. */
static int remove_generation(const struct state *state, __u32 generation)
{
	char name[GENERATION_NAME], old[GENERATION_NAME + 8];

	snprintf(old, sizeof(old), ".%s.old", generation_name(generation, name));
	if (renameat(state->generations, name, state->generations, old))
		return -errno;
	if (fsync(state->generations))
		return -errno;
	return disk_remove(state->generations, old);
}

static int let_go(struct pruning *pruning, size_t i)
{
	__u32 generation = pruning->list[i].generation;
	int err = remove_generation(pruning->state, generation);

	pruning->gone[i] = !err;
	return err ? state_complain(pruning->state, generation, NULL, "remove", err) : 0;
}

/* --- what there is */

/* By their meta.json alone: that is all most of them are asked for. */
static int read_all(struct pruning *pruning)
{
	_cleanup_free_ __u32 *numbers = NULL;
	int err = state_numbers(pruning->state, &numbers, &pruning->count);
	size_t count = err ? 0 : pruning->count;

	if (err)
		return state_complain(pruning->state, 0, DIR_GENERATIONS, "read", err);
	pruning->list = calloc(count + 1, sizeof(*pruning->list));
	pruning->repeat = calloc(count + 1, sizeof(*pruning->repeat));
	pruning->gone = calloc(count + 1, sizeof(*pruning->gone));
	if (!pruning->list || !pruning->repeat || !pruning->gone)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		_cleanup_close_ int dir = -1;
		struct state_entry *entry = &pruning->list[i];

		entry->damaged = state_open_entry(pruning->state, numbers[i], entry, &dir);
		entry->generation = numbers[i];
		if (!entry->damaged)
			pruning->newest = numbers[i];
		if (was_kept(entry) && entry->generation != pruning->current)
			pruning->fallback = entry->generation;
	}
	return 0;
}

static void free_all(struct pruning *pruning)
{
	for (size_t i = 0; i < pruning->count && pruning->list; i++)
		state_entry_free(&pruning->list[i]);
	free(pruning->list);
	free(pruning->repeat);
	free(pruning->gone);
}

static bool is_whole(const struct pruning *pruning, size_t i)
{
	_cleanup_(state_entry_free) struct state_entry entry = {0};

	return !state_read(pruning->state, pruning->list[i].generation, &entry);
}

/* Finds the repeats of one, if that one can stand for them. */
static void mark_repeats(struct pruning *pruning, size_t newest)
{
	bool checked = false;

	for (size_t i = 0; i < newest; i++) {
		if (!was_kept(&pruning->list[i]) || pruning->repeat[i] ||
		    !state_same(&pruning->list[i], &pruning->list[newest]))
			continue;
		if (!checked && !is_whole(pruning, newest))
			return;
		checked = pruning->repeat[i] = true;
	}
}

/* How many there are of a kind that are still there. */
static size_t count_them(const struct pruning *pruning, bool kept, bool repeats)
{
	size_t found = 0;

	for (size_t i = 0; i < pruning->count; i++)
		found += !pruning->gone[i] && was_kept(&pruning->list[i]) == kept &&
			 (repeats || !pruning->repeat[i]);
	return found;
}

/* --- what goes, oldest first */

static int drop_repeats(struct pruning *pruning, bool commented)
{
	size_t keep = pruning->state->keep, left = count_them(pruning, true, true);
	int err = 0;

	for (size_t i = 0; i < pruning->count && left > keep && !err; i++) {
		if (!pruning->repeat[i] || !pruning->list[i].comment == commented ||
		    !may_go(pruning, i))
			continue;
		err = let_go(pruning, i);
		left--;
	}
	return err;
}

static int drop_oldest(struct pruning *pruning, bool kept)
{
	size_t keep = pruning->state->keep, left = count_them(pruning, kept, false);
	int err = 0;

	for (size_t i = 0; i < pruning->count && left > keep && !err; i++) {
		if (was_kept(&pruning->list[i]) != kept || pruning->repeat[i] ||
		    !may_go(pruning, i))
			continue;
		err = let_go(pruning, i);
		left--;
	}
	return err;
}

void state_prune(const struct state *state, __u32 current)
{
	_cleanup_(free_all) struct pruning pruning = {.state = state, .current = current};
	int err = read_all(&pruning);

	if (err)
		return;
	if (count_them(&pruning, true, true) > state->keep)
		for (size_t i = pruning.count; i-- > 0;)
			if (was_kept(&pruning.list[i]) && !pruning.repeat[i])
				mark_repeats(&pruning, i);
	err = drop_repeats(&pruning, false);
	err = err ? err : drop_repeats(&pruning, true);
	err = err ? err : drop_oldest(&pruning, true);
	err = err ? err : drop_oldest(&pruning, false);
	if (!err && pruning.count)
		fsync(state->generations);
}
