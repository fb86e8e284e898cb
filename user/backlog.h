/* SPDX-License-Identifier: MIT */
#ifndef ROLEWALL_BACKLOG_H
#define ROLEWALL_BACKLOG_H

/*
 * Waits until every packet is through that waits in a CPU's queue now, a second at most. Native XDP
 * looks at packets before that queue: one that came in before the program was attached is in there
 * unseen, and must be through before its interface counts as attached.
 */
void backlog_wait(void);

#endif
