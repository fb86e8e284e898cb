/* SPDX-License-Identifier: MIT */
/*
 * Being the watcher of a loaded instance: the lease that makes the programs send events, and the
 * ring they arrive in (kern_events.c). A ring has one reader, so there is one watcher at a time.
 */
#ifndef ROLEWALL_WATCHING_H
#define ROLEWALL_WATCHING_H

#include "event.h"
#include "kernel.h"

struct watching; /* opaque */

/* Returns 0 to go on, or anything else to stop. */
typedef int take_event(void *context, const struct drop_event *event);

/*
 * Becomes the watcher: when this returns, drops are seen, RATE a CPU and second. Returns 0, -EBUSY
 * if there is one (*watcher is its process id), or -errno.
 */
int watching_begin(const struct kernel *kernel, __u32 rate, __u32 *watcher,
		   struct watching **watching);
/* Waits up to MILLISECONDS, and renews the lease. Returns 0, -EINTR, -errno, or what TAKE returned. */
int watching_wait(struct watching *watching, int milliseconds, take_event *take, void *context);
void watching_end(struct watching *watching);

#endif
