/* SPDX-License-Identifier: GPL-2.0-only */
/* The entry at TC, and the programs it goes on to. */
#ifndef ROLEWALL_TC_H
#define ROLEWALL_TC_H

#include "judge.h"

#define TC_PASS (-1) /* TC_ACT_UNSPEC, TCX_NEXT: on to whatever else is attached */
#define TC_DROP 2 /* TC_ACT_SHOT */

struct more_programs more_tc SEC(".maps");

enum reason parse_skb(struct __sk_buff *skb, struct packet *packet);

static __always_inline struct frame skb_frame(struct __sk_buff *skb)
{
	return (struct frame){
		.data = (void *)(long)skb->data,
		.end = (void *)(long)skb->data_end,
		.context = skb,
		.length = skb->len,
		.home = FRAME_SKB,
		.super_packet = skb->gso_size != 0,
		.tag_stripped = skb->vlan_present,
	};
}

/* The headers into the linear part; a driver may have left all but a few bytes in fragments (77). */
static __always_inline void pull_headers(struct __sk_buff *skb)
{
	__u32 linear = skb->data_end - skb->data;
	__u32 wanted = skb->len < FRAME_HEADERS ? skb->len : FRAME_HEADERS;

	if (unlikely(linear < wanted))
		bpf_skb_pull_data(skb, wanted);
}

verified_once enum reason parse_skb(struct __sk_buff *skb, struct packet *packet)
{
	struct frame frame = skb_frame(skb);

	if (!packet)
		return REASON_undecided;
	packet->length = frame.length;
	return parse(&frame, packet);
}

static __always_inline bool is_probe(const struct __sk_buff *skb)
{
	return skb->cb[0] == control.probe_key[0] && skb->cb[1] == control.probe_key[1];
}

/* What account() said. */
static __always_inline int go_tc(struct __sk_buff *skb, struct fate fate)
{
	if (unlikely(fate.more != MORE_NONE))
		bpf_tail_call(skb, &more_tc, fate.more);
	return fate.passes ? TC_PASS : TC_DROP;
}

static __always_inline void send_tc(struct __sk_buff *skb, struct drop_gate *gate, bool audited)
{
	struct drop_event *event = open_event(gate);
	__u32 bytes;

	if (!event)
		return;
	event->ifindex = skb->ifindex;
	event->audited = audited;
	event->tc = true;
	event->length = skb->len;
	if (skb->vlan_present) {
		event->tag_protocol = host16((__u16)skb->vlan_proto);
		event->tag = (__u16)skb->vlan_tci;
	}
	bytes = captured_bytes(event->length);
	if (bytes >= EVENT_BYTES_LEAST && !bpf_skb_load_bytes(skb, 0, event->bytes, bytes))
		event->captured = bytes;
	send_event(event);
}

/* A drop that is to be looked at, as its note says. */
static __always_inline void look_tc(struct __sk_buff *skb, bool audited)
{
	struct drop_gate *gate = drop_gate();

	if (!gate)
		return;
	note_bytes((void *)(long)skb->data, (void *)(long)skb->data_end, gate);
	look_at(gate);
	send_tc(skb, gate, audited);
}

SEC("tc")
int rolewall_tc_look(struct __sk_buff *skb)
{
	look_tc(skb, false);
	return TC_DROP;
}

SEC("tc")
int rolewall_tc_look_audit(struct __sk_buff *skb)
{
	look_tc(skb, true);
	return TC_PASS;
}

/* The exit of all programs but the entry. */
static __always_inline int leave_tc(struct __sk_buff *skb, const struct outcome *outcome,
				    const struct packet *packet)
{
	if (likely(!is_probe(skb)))
		return go_tc(skb, account(outcome, packet));
	skb->cb[0] = outcome->reason;
	skb->cb[1] = outcome->row;
	skb->cb[2] = record_id(outcome->source.cell);
	skb->cb[3] = record_id(outcome->destination.cell);
	skb->cb[4] = outcome->book.cells ? outcome->book.cells[HEADER_GENERATION] : 0;
	return is_pass(outcome->reason) ? TC_PASS : TC_DROP;
}

static __always_inline struct court tc_court(const struct __sk_buff *skb)
{
	struct court court = {
		.book.slot = read_once(control.active),
		.ifindex = skb->ifindex,
	};

	if (unlikely(is_probe(skb))) {
		court.probe = true;
		if (skb->cb[2] != PROBE_ACTIVE)
			court.book.slot = skb->cb[2];
	}
	court.book.cells = image_cells(court.book.slot);
	court.book.mask = image_mask();
	return court;
}

SEC("tc")
int rolewall_tc_full(struct __sk_buff *skb)
{
	struct court court = tc_court(skb);
	struct packet packet = {};
	struct outcome outcome;
	enum reason parsed;

	pull_headers(skb);
	parsed = parse_skb(skb, &packet);
	judge(&court, &packet, parsed, &outcome);
	return leave_tc(skb, &outcome, &packet);
}

SEC("tc")
int rolewall_tc_probe(struct __sk_buff *skb)
{
	struct court court = tc_court(skb);
	struct frame frame = skb_frame(skb);
	struct outcome outcome;

	if (!court.probe || !judge_if_fast(&frame, &court, &outcome)) {
		bpf_tail_call(skb, &more_tc, MORE_FULL);
		return TC_DROP;
	}
	return leave_tc(skb, &outcome, NULL);
}

SEC("tc")
int rolewall_tc(struct __sk_buff *skb)
{
	struct court court = {.book = active_book(), .starts = true};
	struct frame frame = skb_frame(skb);
	struct verdict found = {};
	enum fast way;

	if (unlikely(is_probe(skb))) {
		bpf_tail_call(skb, &more_tc, MORE_PROBE);
		return TC_DROP;
	}
	way = judge_fast(&frame, &court, &found);
	if (likely(way))
		return go_tc(skb, account_fast(way, &found, &frame, &court));
	bpf_tail_call(skb, &more_tc, MORE_FULL);
	return TC_DROP;
}

#endif
