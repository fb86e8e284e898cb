/* SPDX-License-Identifier: MIT */
#include "reading.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int take_counters(struct reading *reading)
{
	static const enum pinned_map maps[N_TABLES] = {MAP_flows4, MAP_flows6, MAP_fragments};
	const struct kernel *kernel = &reading->running.kernel;
	int err = counters_read(kernel, &reading->counters);

	if (!err)
		err = counters_rows(kernel, &reading->rows, &reading->n_rows);
	if (!err)
		err = counters_pools(kernel, &reading->pools, &reading->n_pools);
	for (int i = 0; i < N_TABLES && !err; i++)
		err = counters_fill(kernel, maps[i], &reading->fill[i]);
	if (err && err != -ENOMEM)
		fprintf(stderr, "rolewall: cannot read the counters: %s\n", strerror(-err));
	return err;
}

int reading_take(const char *pin_dir, struct reading *reading)
{
	int err;

	*reading = (struct reading){.running.kernel = KERNEL_CLOSED};
	err = running_open(pin_dir, &reading->running);
	if (!err)
		err = kernel_attachments(&reading->running.kernel, &reading->attachments,
					 &reading->n_attachments);
	return err ? err : take_counters(reading);
}

void reading_free(struct reading *reading)
{
	free(reading->attachments);
	free(reading->rows);
	free(reading->pools);
	running_close(&reading->running);
}

bool reading_option(const struct reading *reading, enum image_option option)
{
	return running_header(&reading->running, HEADER_OPTIONS) & option;
}

const char *reading_mode(const struct reading *reading)
{
	return mode_name(reading_option(reading, OPTION_AUDIT) ? MODE_AUDIT : MODE_ENFORCE);
}
