/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Step 4, account: the one exit. Counts the packet once, a pass by a row under that row, any other
 * under its reason (a drop for its pool as well), and turns the verdict into what happens to it.
 */
#ifndef ROLEWALL_ACCOUNT_H
#define ROLEWALL_ACCOUNT_H

#include "maps.h"

static __always_inline void count_drop(enum reason reason, __u32 bytes, bool audited)
{
	__u32 key = 0, index = reason;
	struct drop_counters *all = bpf_map_lookup_elem(&drops, &key);
	struct drop_counter *counter;

	if (!all || index >= N_DROP_REASONS)
		return;
	keep(index);
	counter = (struct drop_counter *)all + index;
	counter->packets++;
	counter->bytes += bytes;
	if (unlikely(audited))
		counter->audited++;
}

static __always_inline void count_pass(enum reason reason, __u32 bytes)
{
	__u32 key = 0, index = reason - FIRST_PASS_REASON;
	struct pass_counters *all = bpf_map_lookup_elem(&passes, &key);
	struct counter *counter;

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
	struct end source, destination;
	struct book book; /* the image it was judged by; cells may be NULL */
};

/* The pool a packet goes to, else the one it is from: a counter id, 0 = none. */
static __always_inline __u32 pool_of(const struct outcome *outcome)
{
	if (is_guarded(&outcome->destination))
		return record_cell(&outcome->book, &outcome->destination, RECORD_POOL);
	if (is_guarded(&outcome->source))
		return record_cell(&outcome->book, &outcome->source, RECORD_POOL);
	return 0;
}

/* Returns true if the packet goes on. */
static __always_inline bool account(const struct outcome *outcome)
{
	__u32 pool;
	bool audit;

	/* A row counts for reason `matrix`: the sum of the rows is its counter. */
	if (likely(is_pass(outcome->reason))) {
		if (outcome->row)
			count_row(outcome->row, outcome->length);
		else
			count_pass(outcome->reason, outcome->length);
		return true;
	}
	pool = pool_of(outcome);
	if (pool)
		count_pool(pool, outcome->length);
	audit = outcome->book.cells && outcome->book.cells[HEADER_OPTIONS] & OPTION_AUDIT;
	count_drop(outcome->reason, outcome->length, audit);
	return audit;
}

#endif
