/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Step 4, account: the one exit. Counts the packet once, a pass by a row under that row, any other
 * under its reason (a drop for its pool as well), and turns the verdict into what happens to it.
 */
#ifndef ROLEWALL_ACCOUNT_H
#define ROLEWALL_ACCOUNT_H

#include "drop_detail.h"
#include "maps.h"

/* NULL if it cannot be counted; no map lookup of one element fails. */
static __always_inline struct drop_gate *count_drop(enum reason reason, __u32 bytes, bool audited)
{
	__u32 key = 0;
	struct drop_counters *all = bpf_map_lookup_elem(&drops, &key);
	struct drop_counter *counter;
	__u64 index = reason;

	/* The copy that is tested has to be the one that is used (Linux 6.1). A constant has no copies. */
	if (!__builtin_constant_p(reason))
		keep(index);
	if (!all || index >= N_DROP_REASONS)
		return NULL;
	if (!__builtin_constant_p(reason))
		keep(index);
	counter = (struct drop_counter *)all + index;
	counter->packets++;
	counter->bytes += bytes;
	if (unlikely(audited))
		counter->audited++;
	return &all->gate;
}

static __always_inline void count_pass(enum reason reason, __u32 bytes)
{
	__u32 key = 0;
	struct pass_counters *all = bpf_map_lookup_elem(&passes, &key);
	__u64 index = (__u32)reason - FIRST_PASS_REASON;
	struct counter *counter;

	keep(index);
	if (!all || index >= N_PASS_REASONS)
		return;
	keep(index);
	counter = (struct counter *)all + index;
	counter->packets++;
	counter->bytes += bytes;
}

static __always_inline void count_row(__u32 row, __u32 bytes)
{
	struct row_counter *counter = bpf_map_lookup_elem(&rows, &row);

	if (!counter)
		return;
	counter->packets++;
	counter->bytes += bytes;
	counter->last = epoch();
}

static __always_inline void count_pool(__u32 pool, __u32 bytes)
{
	struct pool_counter *counter = bpf_map_lookup_elem(&pools, &pool);

	if (!counter)
		return;
	counter->dropped_packets++;
	counter->dropped_bytes += bytes;
}

/* What the three steps before found out about a packet. */
struct outcome {
	enum reason reason;
	__u32 row; /* counter id, 0 = none */
	__u32 length; /* of the frame */
	__u32 port; /* as detail.h counts it, for a drop */
	struct end source, destination;
	struct book book; /* the image it was judged by; cells may be NULL */
};

/* A row counts for reason `matrix`: the sum of the rows is its counter. */
static __always_inline void account_pass(const struct outcome *outcome)
{
	if (likely(outcome->row))
		count_row(outcome->row, outcome->length);
	else
		count_pass(outcome->reason, outcome->length);
}

/* What comes of a drop. */
struct dropped {
	bool goes_on; /* audited: passes all the same */
	struct drop_gate *due; /* the drop is to be looked at; what is known of it is noted there */
};

/* Counts a drop for the pool that the packet goes to, else the one it is from. */
static __always_inline void count_end(const struct outcome *outcome)
{
	__u32 pool = 0;

	if (likely(is_guarded(&outcome->destination)))
		pool = POOL_OF(record_cell(&outcome->book, &outcome->destination, RECORD_POOL));
	else if (is_guarded(&outcome->source))
		pool = POOL_OF(record_cell(&outcome->book, &outcome->source, RECORD_POOL));
	if (pool)
		count_pool(pool, outcome->length);
}

/* What the program that looks at a drop has to know of it. */
static __always_inline void note_outcome(const struct outcome *outcome, struct drop_gate *gate)
{
	const struct book *book = &outcome->book;

	gate->reason = outcome->reason;
	gate->port = outcome->port;
	gate->length = outcome->length;
	gate->source = gate->destination = POOL_CELL(0, ROLES_UNREAD);
	gate->generation = 0;
	gate->family = 0;
	if (!book->cells)
		return;
	gate->source = record_cell(book, &outcome->source, RECORD_POOL);
	gate->destination = record_cell(book, &outcome->destination, RECORD_POOL);
	gate->generation = book->cells[HEADER_GENERATION];
}

static __always_inline struct dropped account_drop(const struct outcome *outcome)
{
	struct dropped dropped = {};
	struct drop_gate *gate;

	count_end(outcome);
	dropped.goes_on = outcome->book.cells && outcome->book.cells[HEADER_OPTIONS] & OPTION_AUDIT;
	gate = count_drop(outcome->reason, outcome->length, dropped.goes_on);
	if (!gate || likely(!is_due(gate)))
		return dropped;
	note_outcome(outcome, gate);
	dropped.due = gate;
	return dropped;
}

#endif
