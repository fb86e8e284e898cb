/* SPDX-License-Identifier: MIT */
#include "progress.h"

#include <stdio.h>
#include <time.h>

#define SECOND_MS 1000

static long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (long long)now.tv_sec * SECOND_MS + now.tv_nsec / 1000000;
}

void progress_begin(struct progress *progress, const char *what, const char *unit)
{
	*progress = (struct progress){what, unit, now_ms() + SECOND_MS};
}

void progress_step(struct progress *progress, size_t done, size_t total)
{
	long long now = now_ms();

	if (now < progress->next)
		return;
	progress->next = now + SECOND_MS;
	fprintf(stderr, "rolewall: %s: %zu of %zu %s\n", progress->what, done, total,
		progress->unit);
}
