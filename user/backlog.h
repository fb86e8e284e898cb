/* SPDX-License-Identifier: MIT */
#ifndef ROLEWALL_BACKLOG_H
#define ROLEWALL_BACKLOG_H

struct kernel;

/*
 * Waits until every packet is through that is in a CPU's queue now, a second at most. Native XDP looks
 * at packets before that queue: one that came in before the program was attached is in there
 * unseen, or on its way into it until a kernel_wait(), and must be through before its interface
 * counts as attached. Returns 0 or -errno.
 */
int backlog_wait(const struct kernel *kernel);

#endif
