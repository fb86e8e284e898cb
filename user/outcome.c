/* SPDX-License-Identifier: MIT */
#include "outcome.h"

#include "settle.h"

enum state_outcome outcome_settled(const struct state_entry *entry, const struct kernel *kernel)
{
	struct trial trial = {0};
	bool was_in_force = entry->outcome == STATE_TRIAL;

	if (entry->is_current)
		return STATE_KEPT; /* killed between the two writes that say so */
	if (kernel) {
		kernel_trial(kernel, &trial);
		if (entry->generation == generation_in_force(kernel))
			return trial.running ? STATE_TRIAL : STATE_KEPT;
		was_in_force |= trial.generation == entry->generation;
	}
	return was_in_force ? STATE_RETURNED : STATE_FAILED;
}

/* True if a slot has its image: not one of another state directory. */
static bool holds(const struct kernel *kernel, const struct state_entry *entry)
{
	for (__u32 slot = 0; slot < kernel_slots(kernel->pages); slot++) {
		struct image_page header;

		if (!kernel_get_header(kernel, slot, &header) &&
		    header.cell[HEADER_GENERATION] == entry->generation &&
		    header.cell[HEADER_CHECKSUM] == entry->policy)
			return true;
	}
	return false;
}

/* One that is prepared may be on its way to the flip just now: only what it got to is known. */
enum state_outcome outcome_look(const struct state_entry *entry, const struct kernel *kernel)
{
	enum state_outcome outcome;

	if ((entry->outcome != STATE_PREPARED && entry->outcome != STATE_TRIAL) ||
	    !holds(kernel, entry))
		return entry->outcome;
	outcome = outcome_settled(entry, kernel);
	return outcome == STATE_FAILED ? STATE_PREPARED : outcome;
}
