/* SPDX-License-Identifier: MIT */
/* Interfaces as they come, go and change their names: rtnetlink, in this network namespace. */
#ifndef ROLEWALL_LINK_EVENTS_H
#define ROLEWALL_LINK_EVENTS_H

#include <stdbool.h>

struct link_events; /* a socket */

struct link_event {
	char name[16];
	unsigned int ifindex;
	bool gone;
};

/* Returns 0 or -errno, message on stderr. */
int link_events_open(struct link_events **events);
void link_events_close(struct link_events *events);
int link_events_fd(const struct link_events *events);

typedef void link_event_fn(const struct link_event *event, void *context);

/*
 * Takes what has come so far. Returns 0; -ENOBUFS: some were lost, whoever watches has to look at
 * everything anew; or another -errno.
 */
int link_events_read(struct link_events *events, link_event_fn *call, void *context);

#endif
