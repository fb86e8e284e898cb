/* SPDX-License-Identifier: MIT */
/*
 * What changes from one policy to another, in the administrator's words: settings, pools, addresses,
 * and for all addresses that have the same pool before and the same after, which ports open and
 * shut, to whom, and by which rows. Ports and addresses are compared as sets, not as they are
 * written.
 */
#ifndef ROLEWALL_POLICY_DIFF_H
#define ROLEWALL_POLICY_DIFF_H

#include "policy_cells.h"
#include "space.h"

enum diff_kind {
	DIFF_OPENS,
	DIFF_SHUTS,
	DIFF_COUNTS, /* what is open stays so, but other rows stand behind it */
};

enum diff_way {
	WAY_IN, /* the others connect to these hosts */
	WAY_OUT, /* these hosts connect to the others: `outbound: matrix` */
	/* Guarded hosts that could be let in already may start it now: `outbound: matrix` again. */
	WAY_START,
	N_WAYS,
};

/* Who is at the other end. */
struct diff_peers {
	struct strings words; /* "any", names of pools, prefixes; owned */
	struct strings except; /* of "any": all but these; owned */
};

struct diff_change {
	enum diff_kind kind;
	enum diff_way way;
	enum transport transport;
	struct port_range ports;
	size_t peers; /* index into policy_diff.peers */
	/* Indexes into the rows of the policy after; DIFF_SHUTS: before. Ascending. */
	size_t *rows;
	size_t n_rows;
};

/* The addresses that one pool (or none) has before, and one (or none) after. */
struct diff_area {
	size_t pool[N_WHENS]; /* or NO_POOL */
	bool stays; /* it is the same pool, renamed or not */
	__u64 ipv4; /* how many addresses */
	size_t prefixes6;
	struct space addresses; /* of areas that do not stay; at most DIFF_ADDRESSES */
	bool cut; /* there are more, or parts of them are elsewhere */
	struct diff_change *changes; /* by way, transport, port */
	size_t n_changes;
};

#define DIFF_ADDRESSES 1000U

/* NULL: it was not there, or is no longer. */
struct diff_setting {
	char *name; /* "mode", "interface eth0" */
	char *value[N_WHENS];
};

struct policy_diff {
	const struct policy *policies[N_WHENS]; /* borrowed; NULL: nothing runs */
	struct diff_setting *settings;
	size_t n_settings;
	/* For each pool of one policy, which one of the other it is: the name or all addresses are alike. */
	size_t *same[N_WHENS];
	struct diff_area *areas; /* by pool after, then before */
	size_t n_areas;
	struct diff_peers *peers;
	size_t n_peers;
};

/* Returns 0 or -ENOMEM. The policies must outlive the diff. */
int policy_diff(const struct policy *before, const struct policy *after, struct policy_diff *diff);
void policy_diff_free(struct policy_diff *diff);

/* True if anything is different. */
bool policy_diff_any(const struct policy_diff *diff);
/* The pool's roles are others, or whether it is guarded or exempt from IPsec. */
bool policy_diff_pool(const struct policy_diff *diff, size_t before, size_t after);

/* Nothing is held against its packets: nobody guards it, and what is not listed passes. */
bool policy_diff_unfiltered(const struct policy_diff *diff, const struct diff_area *area,
			    enum when when);

/* diff_settings.c: fills settings. 0 or -ENOMEM. */
int diff_settings(struct policy_diff *diff);

#endif
