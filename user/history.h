/* SPDX-License-Identifier: MIT */
/* The generations of the state directory, for people and scripts. */
#ifndef ROLEWALL_HISTORY_H
#define ROLEWALL_HISTORY_H

#include "kernel.h"
#include "state.h"

/*
 * On stdout; all return 0 or -errno with a message on stderr. KERNEL: what is loaded knows the end of
 * a trial before the directory does; NULL: nothing is, or it cannot be read.
 */
int history_list(const struct state *state, const struct kernel *kernel, enum format format);
/* One of them, with the text of its site. */
int history_show(const struct state *state, const struct kernel *kernel, __u32 generation,
		 enum format format);
/* What changes from one to the other; ERR_CHANGES if anything does. */
int history_diff(const struct state *state, const __u32 generations[2], enum format format);

#endif
