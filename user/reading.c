/* SPDX-License-Identifier: MIT */
#include "reading.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"

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

static int take_interfaces(struct reading *reading)
{
	const struct kernel *kernel = &reading->running.kernel;
	_cleanup_(wanted_free) struct wanted wanted = {0};
	int err = wanted_read(kernel, &wanted);

	if (!err)
		err = conditions_read(kernel, &wanted, &reading->interfaces);
	if (err && err != -ENOMEM)
		fprintf(stderr, "rolewall: cannot tell what is attached: %s\n", strerror(-err));
	return err;
}

int reading_take(const char *pin_dir, struct reading *reading)
{
	int err;

	*reading = (struct reading){.running.kernel = KERNEL_CLOSED};
	err = running_open(pin_dir, &reading->running);
	if (!err)
		err = take_interfaces(reading);
	/* Who may not ask nf_tables sees it as off. */
	if (!err)
		backstop_read(pin_dir, &reading->backstop);
	return err ? err : take_counters(reading);
}

void reading_free(struct reading *reading)
{
	conditions_free(&reading->interfaces);
	free(reading->rows);
	free(reading->pools);
	running_close(&reading->running);
}

bool reading_option(const struct reading *reading, enum image_option option)
{
	return running_header(&reading->running, HEADER_OPTIONS) & option;
}

__u64 reading_time(const struct reading *reading)
{
	return (__u64)running_header(&reading->running, HEADER_TIME_HIGH) << 32 |
	       running_header(&reading->running, HEADER_TIME);
}

__u32 reading_trial(const struct reading *reading)
{
	const struct control *control = reading->running.kernel.control;
	__u32 deadline = control->deadline, now = control->epoch;

	if (!deadline || deadline == DEADLINE_PASSED || deadline <= now)
		return 0;
	return deadline - now;
}

const char *reading_mode(const struct reading *reading)
{
	return mode_name(reading_option(reading, OPTION_AUDIT) ? MODE_AUDIT : MODE_ENFORCE);
}
