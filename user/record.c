/* SPDX-License-Identifier: MIT */
#include "record.h"

#include <errno.h>
#include <stdio.h>

#include "cleanup.h"
#include "outcome.h"
#include "pending.h"
#include "settle.h"

int record_open(const struct apply_request *request, struct record *record)
{
	return request->unrecorded ? 0 : state_open(request->common, true, &record->state);
}

int record_next(const struct record *record, __u32 newest, __u32 *generation)
{
	return record->state ? state_next(record->state, newest, generation)
			     : generation_next(newest, generation);
}

static int announce_edit(const struct apply_request *request, struct record *record)
{
	struct state_edit edit;

	if (!request->file || !record->state)
		return 0;
	edit = (struct state_edit){record->generation, state_text_crc(&request->file->text),
				   request->file->path};
	record->edits = true;
	return state_edit_begin(record->state, &edit);
}

int record_prepare(const struct apply_request *request, struct record *record, __u32 generation,
		   __u32 policy)
{
	const struct state_entry entry = {
		.generation = generation,
		.policy = policy,
		.based_on = request->based_on,
		.comment = (char *)request->comment,
		.input = request->input,
	};
	int err = record->state ? state_prepare(record->state, &entry) : 0;

	if (!err)
		record->generation = generation;
	return err ? err : announce_edit(request, record);
}

void record_edited(struct record *record)
{
	if (record->edits)
		state_edit_end(record->state);
	record->edits = false;
}

int record_end(struct record *record, enum state_outcome outcome)
{
	if (!record->state || !record->generation)
		return 0;
	return state_commit(record->state, record->generation, outcome);
}

void record_close(struct record *record)
{
	state_close(record->state);
	record->state = NULL;
}

/* --- afterwards */

/* Returns how many entries have to change; for WRITE they do. */
static size_t settle_entries(struct state *state, const struct kernel *kernel, bool write)
{
	struct state_entry *list;
	size_t count, changes = 0;

	if (state_open_ends(state, &list, &count))
		return 0;
	for (size_t i = 0; i < count; i++) {
		enum state_outcome outcome = outcome_settled(&list[i], kernel);

		if (outcome == list[i].outcome)
			continue;
		changes++;
		if (write && state_settle(state, list[i].generation, outcome))
			break;
	}
	state_list_free(list, count);
	return changes;
}

/* What is in force, or would be after a reboot. */
static __u32 stands(const struct state *state, const struct kernel *kernel)
{
	__u32 current = 0;

	if (kernel)
		return generation_in_force(kernel);
	state_current(state, &current); /* says what is wrong with it */
	return current;
}

/* Nearly always there is nothing to do, and then nothing is made, locked or written. */
int record_settle(const struct common *common, const struct kernel *kernel)
{
	struct state *state = NULL;
	size_t changes;
	int err = state_open(common, false, &state);

	if (err)
		return err;
	changes = settle_entries(state, kernel, false) + state_edit_exists(common);
	state_close(state);
	state = NULL;
	if (changes)
		err = state_open(common, true, &state);
	if (changes && !err) {
		settle_entries(state, kernel, true);
		pending_settle(state, stands(state, kernel));
	}
	state_close(state);
	return err;
}

int record_outcome(const struct common *common, __u32 generation, enum state_outcome outcome)
{
	struct state *state = NULL;
	int err = state_open(common, true, &state);

	if (!err)
		err = state_settle(state, generation, outcome);
	state_close(state);
	return err;
}

int record_detached(const struct common *common, __u32 generation)
{
	struct state *state = NULL;
	int err = state_open(common, false, &state);
	bool known = !err && state_has(state, generation);

	state_close(state);
	state = NULL;
	if (err || !known)
		return err;
	err = state_open(common, true, &state);
	if (!err)
		err = state_detach(state, generation);
	state_close(state);
	return err;
}
