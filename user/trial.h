/* SPDX-License-Identifier: MIT */
/* The end of a trial by hand. The other end is the clock's (bpf/rolewall.bpf.c). */
#ifndef ROLEWALL_TRIAL_H
#define ROLEWALL_TRIAL_H

#include "command.h"
#include "kernel.h"

struct trial_end {
	__u32 generation; /* that was on trial */
	__u32 in_force; /* from now on; 0 = none */
	bool lags; /* the history could not be written: a message said so */
	bool written; /* confirm: it was kept before, and the history has it only now */
};

/* Both return 0 or -errno, messages on stderr; -ENOENT: no trial runs, said by the caller. */
int trial_confirm(const struct common *common, struct trial_end *end);
/* Back to what was in force before. */
int trial_undo(const struct common *common, struct trial_end *end);

/* cmd_confirm.c: as a listing or JSON on stdout. 0 or -errno. */
int trial_print_end(const struct trial_end *end, enum format format);

#endif
