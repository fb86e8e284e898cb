/* SPDX-License-Identifier: GPL-2.0-only */
/* Where a packet is judged, and the verdict: what steps 2 and 3 hand on. */
#ifndef ROLEWALL_COURT_H
#define ROLEWALL_COURT_H

#include "classify.h"
#include "reason.h"

/* Whose flow a packet belongs to: its destination's, or its source's. */
enum by_flow { NOT_BY_FLOW, BY_FLOW_TO, BY_FLOW_FROM };

struct verdict {
	enum reason reason; /* at FIRST_PASS_REASON and above the packet passes */
	__u32 row; /* counter id of the row that passed it, 0 = none */
	enum by_flow by_flow; /* of the fast way's alone */
};

/* Where and how a packet is judged. */
struct court {
	struct book book; /* the policy */
	struct end source, destination;
	__u32 ifindex; /* of the interface it came in by */
	bool probe; /* judge, but leave no trace */
	bool shadow; /* the shadow's, with a memory of its own (docs/shadow.md) */
	bool starts; /* the fast way may start flows: nobody asks again */
};

/* The environment's: which side of the gateway an interface is on, as the slot's site says. */
static __always_inline enum side side_of(__u32 ifindex, __u32 slot);

static __always_inline bool is_pass(enum reason reason)
{
	return reason >= FIRST_PASS_REASON;
}

static __always_inline struct verdict verdict(enum reason reason)
{
	return (struct verdict){.reason = reason};
}

#endif
