/* SPDX-License-Identifier: MIT */
#include "steady.h"

#include <stddef.h>
#include <stdio.h>

static const int waiting[] = {SIGHUP, SIGINT, SIGTERM};

#define N_WAITING (sizeof(waiting) / sizeof(waiting[0]))

void steady_pipes(void)
{
	signal(SIGPIPE, SIG_IGN);
}

void steady_begin(struct steady *steady)
{
	sigset_t set;

	steady_pipes();
	sigemptyset(&set);
	for (size_t i = 0; i < N_WAITING; i++)
		sigaddset(&set, waiting[i]);
	sigprocmask(SIG_BLOCK, &set, &steady->before);
}

void steady_end(struct steady *steady)
{
	sigprocmask(SIG_SETMASK, &steady->before, NULL);
}

bool steady_interrupted(void)
{
	sigset_t set;

	if (sigpending(&set))
		return false;
	for (size_t i = 0; i < N_WAITING; i++) {
		if (sigismember(&set, waiting[i]) == 1) {
			fprintf(stderr, "rolewall: interrupted\n");
			return true;
		}
	}
	return false;
}
