/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Events (include/event.h), written by the program that looks at drops. It gets to see every drop
 * as long as this second's budget of its CPU lasts, and none of them costs anything otherwise.
 */
#ifndef ROLEWALL_EVENTS_H
#define ROLEWALL_EVENTS_H

#include "drop_detail.h"
#include "event.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, EVENT_RING_BYTES);
} events SEC(".maps");

static __always_inline void count_event(bool full)
{
	__u32 key = 0;
	struct table_counters *counters = bpf_map_lookup_elem(&tables, &key);

	if (!counters)
		return;
	counters->events_sent += !full;
	counters->events_full += full;
}

/* What is known of a drop but its bytes; NULL if nobody watches, or no more this second. */
static __always_inline struct drop_event *open_event(struct drop_gate *gate)
{
	struct drop_event *event;

	if (likely(!gate->events))
		return NULL;
	gate->events--;
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event) {
		count_event(true);
		return NULL;
	}
	*event = (struct drop_event){
		.time = bpf_ktime_get_boot_ns(),
		.reason = gate->reason,
		.source = gate->source,
		.destination = gate->destination,
		.generation = gate->generation,
	};
	return event;
}

/* Counts it only now: a test of the pointer after the first one is a lost event to Linux 6.1. */
static __always_inline void send_event(struct drop_event *event)
{
	bpf_ringbuf_submit(event, 0);
	count_event(false);
}

#define EVENT_BYTES_LEAST 14U /* an Ethernet header, which every frame has */

/*
 * How many bytes of a frame are captured: EVENT_BYTES_LEAST to EVENT_BYTES, or 0. The caller tests
 * the lower bound again: Linux 6.1 learns each from a comparison of its own, none from "not 0".
 */
static __always_inline __u32 captured_bytes(__u32 length)
{
	if (length > EVENT_BYTES)
		length = EVENT_BYTES;
	keep(length);
	if (length > EVENT_BYTES)
		return 0;
	keep(length);
	return length;
}

#endif
