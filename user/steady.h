/* SPDX-License-Identifier: MIT */
/* What must not end a command in the midst of a change: a signal, or a reader that has gone. */
#ifndef ROLEWALL_STEADY_H
#define ROLEWALL_STEADY_H

#include <signal.h>
#include <stdbool.h>

struct steady {
	sigset_t before;
};

/* From here on a closed pipe is a write that fails, as a full disk is. */
void steady_pipes(void);
/* The same; and HUP, INT and TERM wait until steady_end(). One may stand within another. */
void steady_begin(struct steady *steady);
void steady_end(struct steady *steady);
/* True if one of them waits: while nothing has changed yet that is a reason to stop. Says so. */
bool steady_interrupted(void);

#endif
