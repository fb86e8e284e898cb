/* SPDX-License-Identifier: MIT */
/*
 * What is in force for good is not what the history has as the last good one, as it is where the disk
 * was full or read-only when it should have been written: a reboot would bring back another.
 */
#ifndef ROLEWALL_LAG_H
#define ROLEWALL_LAG_H

#include "command.h"
#include "kernel.h"

struct lag {
	__u32 generation; /* in force */
	__u32 reboot; /* what a reboot would bring; 0 = nothing, or not known */
};

bool lag_find(const struct common *common, const struct kernel *kernel, struct lag *lag);
/* The same, and says on stderr what a reboot would do. */
bool lag_tell(const struct common *common, const struct kernel *kernel);

#endif
