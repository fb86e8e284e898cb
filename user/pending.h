/* SPDX-License-Identifier: MIT */
/*
 * A change by `pool` that is in force, while its site file does not have it: whoever was killed
 * between the flip and the file's replacement left it so. The next command finishes it.
 */
#ifndef ROLEWALL_PENDING_H
#define ROLEWALL_PENDING_H

#include "command.h"
#include "state.h"

/*
 * For who has the locks of instance and history: gives the file the text of the generation in force
 * (0: none), if it holds what it held before the change; else says what is where.
 */
void pending_settle(struct state *state, __u32 in_force);
/*
 * For who is about to read the site to apply it: the same, before that, and what a killed `pool` has
 * left beside the site goes. 0 or -errno, messages on stderr.
 */
int pending_finish(const struct common *common);
/* For who changes nothing: says it. */
void pending_tell(const struct common *common);

#endif
