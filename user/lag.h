/* SPDX-License-Identifier: MIT */
/*
 * What is in force for good is not what the history has as the last good one, as it is where the disk
 * was full or read-only when it should have been written: a reboot would bring back another.
 */
#ifndef ROLEWALL_LAG_H
#define ROLEWALL_LAG_H

#include "command.h"
#include "kernel.h"

bool lag_is_there(const struct common *common, const struct kernel *kernel);
/* The same, and says what a reboot would do. */
bool lag_tell(const struct common *common, const struct kernel *kernel);

#endif
