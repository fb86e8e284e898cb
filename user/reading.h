/* SPDX-License-Identifier: MIT */
/* Everything that can be read of what runs at a pin directory, at one moment: status and metrics. */
#ifndef ROLEWALL_READING_H
#define ROLEWALL_READING_H

#include "counters.h"
#include "running.h"

enum table { TABLE_FLOWS4, TABLE_FLOWS6, TABLE_FRAGMENTS, N_TABLES };

struct reading {
	struct running running;
	struct attachment *attachments;
	size_t n_attachments;
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
/* "enforce" or "audit" */
const char *reading_mode(const struct reading *reading);

#endif
