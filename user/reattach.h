/* SPDX-License-Identifier: MIT */
#ifndef ROLEWALL_REATTACH_H
#define ROLEWALL_REATTACH_H

#include "wanted.h"

/*
 * Gives an interface that an image names its sides, and the pinned program if no link of ours is on
 * it, in the place of the empty link it had. A link that is on an interface of another name by now
 * stays there. Locked. 0 or -errno, messages on stderr.
 */
int reattach(const struct kernel *kernel, const struct wanted_interface *interface);

#endif
