/* SPDX-License-Identifier: MIT */
/*
 * What an apply does to interfaces, in two steps with the flip between them: before it nothing of
 * what it does changes a verdict, and all can be undone; behind it nothing is left to decide.
 */
#ifndef ROLEWALL_INTERFACES_H
#define ROLEWALL_INTERFACES_H

#include "kernel.h"

/* Interfaces as a site names them. */
struct roster {
	const struct site_interface *items;
	size_t count;
	bool early; /* what is not there yet, or refuses, is left to the agent */
};

struct interface_change {
	const struct kernel *kernel;
	struct roster wanted;
	__u32 slot; /* of the candidate */
	bool replace; /* XDP programs of others make room: behind the flip */
	bool forwards; /* the site says `forwarding: xdp` */
	bool trial; /* what takes something off an interface has to wait until it is confirmed */
	struct attachment *before;
	size_t n_before;
	bool touched; /* interfaces may have been changed */
};

/* Checks every interface; nothing is changed. Messages on stderr. */
int interfaces_check(const struct kernel *kernel, struct roster wanted, bool replace);
/*
 * The first step: sides of the slot, links with trial entries for new interfaces (the gates are
 * open until the flip), and, if it is no trial, other hooks. 0 or -errno, messages on stderr.
 */
int interfaces_prepare(struct interface_change *change);
/* Puts back what the first step took off, then takes off what it attached. */
void interfaces_undo(struct interface_change *change);
void interfaces_free(struct interface_change *change);

/*
 * The second step: every link has the plain entry, hooks are as wanted, and what is not wanted is
 * let go. Also sees to whatever a controller that was killed left behind.
 */
int interfaces_finish(const struct kernel *kernel, struct roster wanted);
/*
 * Behind that: takes XDP programs of others off what we hold by TC meanwhile, and goes there. What
 * cannot be had stays at TC. Messages on stderr.
 */
void interfaces_replace(const struct kernel *kernel, struct roster wanted);
/* Lets go what was attached for a trial. */
int interfaces_drop_trial(const struct kernel *kernel);

/* What the image in force names; to be freed. 0 or -errno. */
int roster_read(const struct kernel *kernel, struct roster *roster);
void roster_free(struct roster *roster);

#endif
