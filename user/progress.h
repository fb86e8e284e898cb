/* SPDX-License-Identifier: MIT */
/* Where something is that takes longer than a second: a line on stderr for each. */
#ifndef ROLEWALL_PROGRESS_H
#define ROLEWALL_PROGRESS_H

#include <stddef.h>

struct progress {
	const char *what; /* "self-test" */
	const char *unit; /* "pools" */
	long long next; /* milliseconds of CLOCK_MONOTONIC at which the next line is due */
};

/* The first line is due a second from now. */
void progress_begin(struct progress *progress, const char *what, const char *unit);
/* DONE of TOTAL: says so if it is time. */
void progress_step(struct progress *progress, size_t done, size_t total);

#endif
