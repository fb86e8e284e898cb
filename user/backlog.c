/* SPDX-License-Identifier: MIT */
#include "backlog.h"

#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#include "cleanup.h"
#include "kernel.h"

#define LENGTH_COLUMN 11 /* of softnet_stat: packets that wait on that CPU */
#define CPUS_MAX 4096
#define TRIES 2000
#define PAUSE_NS 500000L

static bool read_length(char *line, unsigned int *length)
{
	char *column = strtok_r(line, " ", &line);

	for (int i = 0; i < LENGTH_COLUMN && column; i++)
		column = strtok_r(NULL, " ", &line);
	return column && sscanf(column, "%x", length) == 1;
}

/* Marks the CPUs whose queue is empty; true: all of them have been at one time or another. */
static bool look(bool seen_empty[CPUS_MAX])
{
	/* not of /proc itself, of which a service may not see the rest */
	FILE *file = fopen("/proc/self/net/softnet_stat", "re");
	bool all = true;
	char line[512];

	for (size_t cpu = 0; file && cpu < CPUS_MAX && fgets(line, sizeof(line), file); cpu++) {
		unsigned int length;

		if (!read_length(line, &length) || !length)
			seen_empty[cpu] = true;
		all &= seen_empty[cpu];
	}
	if (file)
		fclose(file);
	return all;
}

int backlog_wait(const struct kernel *kernel)
{
	const struct timespec pause = {.tv_nsec = PAUSE_NS};
	bool seen_empty[CPUS_MAX] = {0};

	for (int i = 0; i < TRIES && !look(seen_empty); i++)
		nanosleep(&pause, NULL);
	/* Whoever took the last one out of it is done with it then, even if that CPU stood still. */
	return kernel_wait(kernel);
}
