/* SPDX-License-Identifier: MIT */
/* Everything that can be read of what runs at a pin directory, at one moment: status and metrics. */
#ifndef ROLEWALL_READING_H
#define ROLEWALL_READING_H

#include "backstop.h"
#include "condition.h"
#include "counters.h"
#include "running.h"

enum table { TABLE_FLOWS4, TABLE_FLOWS6, TABLE_FRAGMENTS, N_TABLES };

struct reading {
	struct running running;
	struct interface_states interfaces;
	struct backstop_state backstop;
	struct table_fill fill[N_TABLES];
	struct counters counters;
	struct row_counter *rows; /* by id, from 1 */
	size_t n_rows;
	struct pool_counter *pools; /* by id, from 1 */
	size_t n_pools;
};

/* As running_open(); to be freed in any case. */
int reading_take(const char *pin_dir, struct reading *reading);
void reading_free(struct reading *reading);

/* True if an option of the image is set. */
bool reading_option(const struct reading *reading, enum image_option option);
/* When the generation in force got its number: seconds since 1970, 0 = unknown. */
__u64 reading_time(const struct reading *reading);
/* Seconds that a trial still has; 0 = none. */
__u32 reading_trial(const struct reading *reading);
/* "enforce" or "audit" */
const char *reading_mode(const struct reading *reading);

#endif
