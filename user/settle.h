/* SPDX-License-Identifier: MIT */
/* What whoever takes the lock does first: goes on where the last controller ended. */
#ifndef ROLEWALL_SETTLE_H
#define ROLEWALL_SETTLE_H

#include "command.h"
#include "kernel.h"

/* The generation in force; 0 = none. */
__u32 generation_in_force(const struct kernel *kernel);
/* The highest generation that any slot holds; 0 = none. */
__u32 generation_newest(const struct kernel *kernel);

/* The number above it. -EOVERFLOW, with a message: there is none. */
int generation_next(__u32 newest, __u32 *next);

/*
 * Takes the lock of an instance, opens what is loaded, and sees to what a controller that was killed,
 * or a trial that nobody confirmed, has left, in the kernel and in the history. Returns 0; -ENOENT:
 * nothing is in force, and nothing is left, but the lock is held; or another -errno. *history: what
 * record_settle() said. Messages on stderr.
 */
int settle_open(const struct common *common, struct kernel *kernel, int *history);
/* The same for a kernel that is open; then not open any more where it returns -ENOENT. */
int settle(struct kernel *kernel);
/* Hooks, links and entries as the image in force wants them. */
int settle_interfaces(const struct kernel *kernel);
/* -EBUSY, with a message, while a trial runs. */
int settle_refuse_trial(const struct kernel *kernel);

#endif
