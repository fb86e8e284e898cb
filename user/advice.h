/* SPDX-License-Identifier: MIT */
/*
 * What a site could change to let pass what it drops: overlays to turn on, features to name, and,
 * where neither helps, the profile, the load balancing or a moved media range.
 */
#ifndef ROLEWALL_ADVICE_H
#define ROLEWALL_ADVICE_H

#include "policy.h"

/* Drops of one service, by the roles of both ends. */
struct drop_seen {
	/* Roles of a pool joined by "+", as policy_pool.roles has them; NULL = no pool has the address. */
	const char *source, *destination;
	enum transport transport; /* exactly one bit */
	uint16_t port; /* of the destination */
	uint64_t packets;
};

enum advice_kind {
	ADVICE_OVERLAY,
	ADVICE_FEATURE,
	ADVICE_BALANCING,
	ADVICE_MEDIA,
	ADVICE_PROFILE,
};

/* One change, and the drops between two kinds of hosts that it explains. */
struct advice {
	enum advice_kind kind;
	char *name; /* "windows-fabric", "call-park", "literal" */
	char *feature; /* that least-privilege needs beside the overlay; NULL = none */
	enum transport transport;
	struct port_range *ports; /* what was seen, sorted; of a wide row, the row's range */
	size_t n_ports;
	char *from, *to; /* words of the rows: roles, groups, or "any" */
	struct strings rows; /* ids of the rows that would let it pass, sorted */
	bool guess; /* the source of one of them does not say all of it */
	uint64_t packets;
};

struct advice_list {
	struct advice *items; /* most packets first */
	size_t count;
	uint64_t explained, open, unexplained; /* packets; open: the site lets such pass by now */
};

/*
 * POLICY is the site as it is. A change counts as advice if with it, and not without it, the policy
 * lets the packet pass. Returns 0 or -ENOMEM; the list is to be freed.
 */
int advise(const struct policy *policy, const struct drop_seen *seen, size_t count,
	   struct advice_list *list);
void advice_free(struct advice_list *list);

/* "overlay", "feature" ... */
const char *advice_kind_name(enum advice_kind kind);
/* "TCP 5090-5094 between front ends: overlay windows-fabric"; to be freed, NULL = no memory. */
char *advice_text(const struct advice *advice);

#endif
