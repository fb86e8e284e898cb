/* SPDX-License-Identifier: MIT */
/* What became of a generation whose end is not in the history yet: the kernel knows. */
#ifndef ROLEWALL_OUTCOME_H
#define ROLEWALL_OUTCOME_H

#include "kernel.h"
#include "state.h"

/* Of an entry that is prepared or on trial. KERNEL: what is loaded, settled; NULL: nothing is. */
enum state_outcome outcome_settled(const struct state_entry *entry, const struct kernel *kernel);
/*
 * Of any, for one who has no lock: KERNEL need not be settled, and what it does not know of stays as
 * the entry says.
 */
enum state_outcome outcome_look(const struct state_entry *entry, const struct kernel *kernel);

#endif
