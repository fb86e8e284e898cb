/* SPDX-License-Identifier: MIT */
/*
 * The backstop: a table of nf_tables that forwards nothing from an interface which a policy names
 * while no program of ours is on it. It holds between an interface's creation and its attachment,
 * with or without an agent (docs/agent.md).
 */
#ifndef ROLEWALL_BACKSTOP_H
#define ROLEWALL_BACKSTOP_H

#include "wanted.h"

#define BACKSTOP_NAME 256

/* For messages. */
#define CLOSING_NEEDS "that takes Linux 6.4, CONFIG_NETFILTER_BPF_LINK and CAP_PERFMON"

/* Names that may forward only through a program, and the interfaces that have one. */
struct backstop_sets {
	char (*names)[16];
	size_t n_names;
	__u32 *ifindexes;
	size_t n_ifindexes;
};

struct backstop_state {
	char table[BACKSTOP_NAME]; /* of family inet */
	bool on;
	bool closing; /* and what an interface lets through that goes down */
	__u64 packets, bytes; /* held back by the table so far */
};

/* All return 0 or -errno; no messages but where it says so. */

/*
 * Puts the table in place, or its sets where it is there already, in one step. KERNEL: NULL if
 * nothing is loaded, and no interface is in the sets; those that are, have been attached since before
 * a kernel_wait().
 */
int backstop_on(const char *pin_dir, const struct kernel *kernel, const struct backstop_sets *sets);
/* Changes the sets in one step, likewise. -ENOENT: it is off. */
int backstop_update(const char *pin_dir, const struct kernel *kernel,
		    const struct backstop_sets *sets);
/* Takes it away with all that is with it; nothing is wrong if it is off. */
int backstop_off(const char *pin_dir);
int backstop_read(const char *pin_dir, struct backstop_state *state);

/* What WANTED names, and what our links are on; to be freed. */
int backstop_sets_read(const struct kernel *kernel, const struct wanted *wanted,
		       struct backstop_sets *sets);
bool backstop_sets_equal(const struct backstop_sets *a, const struct backstop_sets *b);
void backstop_sets_free(struct backstop_sets *sets);
/*
 * After any change of links or of what is in force, locked: brings the sets up to date. Nothing to
 * do while it is off. Message on stderr.
 */
int backstop_sync(const struct kernel *kernel);

/* cmd_backstop.c: `backstop on`, for what is loaded or will be. Messages on stderr. */
int backstop_start(const char *pin_dir);
/* Says what nf_tables refuses, if it does; returns err. */
int backstop_explain(int err);

#endif
