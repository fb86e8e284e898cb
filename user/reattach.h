/* SPDX-License-Identifier: MIT */
#ifndef ROLEWALL_REATTACH_H
#define ROLEWALL_REATTACH_H

#include "wanted.h"

/*
 * Attaches the pinned program to an interface that an image names and that no link of ours is on,
 * in the place of the empty link it had. Locked. 0 or -errno, messages on stderr.
 */
int reattach(const struct kernel *kernel, const struct wanted_interface *interface);

#endif
