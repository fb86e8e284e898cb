/* SPDX-License-Identifier: GPL-2.0-only */
/* The entry at XDP, and the programs it goes on to. */
#ifndef ROLEWALL_XDP_H
#define ROLEWALL_XDP_H

#include "judge.h"

#define PARSE_COPY ((enum reason)(N_REASONS + 1)) /* the first buffer is too short */

static __always_inline __u32 frame_whole_length(const struct frame *frame)
{
	return (__u32)bpf_xdp_get_buff_len(frame->context);
}

struct more_programs more_xdp SEC(".maps");

enum reason parse_xdp(struct xdp_md *ctx, struct packet *packet);
enum reason parse_copy(struct xdp_md *ctx, struct packet *packet);

static __always_inline struct frame xdp_frame(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;

	return (struct frame){
		.data = data,
		.end = end,
		.context = ctx,
		.length = (__u32)(end - data),
		.home = FRAME_XDP,
	};
}

verified_once enum reason parse_xdp(struct xdp_md *ctx, struct packet *packet)
{
	struct frame frame = xdp_frame(ctx);
	__u32 linear = frame.length;
	enum reason reason;

	if (!packet)
		return REASON_undecided;
	reason = parse(&frame, packet);
	packet->length = (__u32)bpf_xdp_get_buff_len(ctx);
	return packet->length > linear && linear < FRAME_HEADERS ? PARSE_COPY : reason;
}

/* Parses a copy of the first bytes: the headers do not lie in the first buffer alone. */
verified_once enum reason parse_copy(struct xdp_md *ctx, struct packet *packet)
{
	__u32 key = 0, length = (__u32)bpf_xdp_get_buff_len(ctx);
	struct scratch *copy = bpf_map_lookup_elem(&scratch, &key);
	struct frame frame = {.home = FRAME_COPY, .length = length};

	if (!copy || !packet)
		return REASON_image_fault;
	/* Each bound by itself, or clang makes one test of both, from which Linux 6.1 learns neither. */
	if (length > FRAME_HEADERS)
		length = FRAME_HEADERS;
	keep(length);
	if (length > FRAME_HEADERS)
		return REASON_frame_cut;
	keep(length);
	if (length < sizeof(struct ethernet_header))
		return REASON_frame_cut;
	keep(length);
	if (bpf_xdp_load_bytes(ctx, 0, copy->bytes, length))
		return REASON_frame_cut;
	frame.data = copy->bytes;
	frame.readable = length;
	*packet = (struct packet){.length = frame.length};
	return parse(&frame, packet);
}

/* The probe in front of the frame, or NULL: live traffic has none (include/control.h). */
static __always_inline struct probe *find_probe(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	struct probe *probe = (void *)(long)ctx->data_meta;

	if (likely((void *)(probe + 1) > data))
		return NULL;
	if (probe->key[0] != control.probe_key[0] || probe->key[1] != control.probe_key[1])
		return NULL;
	return probe;
}

static __always_inline void answer_probe(struct probe *probe, const struct outcome *outcome)
{
	probe->reason = outcome->reason;
	probe->row = outcome->row;
	probe->source_record = record_id(outcome->source.cell);
	probe->destination_record = record_id(outcome->destination.cell);
	probe->generation = outcome->book.cells ? outcome->book.cells[HEADER_GENERATION] : 0;
}

/* What account() said. */
static __always_inline int go_xdp(struct xdp_md *ctx, struct fate fate)
{
	if (unlikely(fate.more != MORE_NONE))
		bpf_tail_call(ctx, &more_xdp, fate.more);
	return fate.passes ? XDP_PASS : XDP_DROP;
}

static __always_inline void send_xdp(struct xdp_md *ctx, struct drop_gate *gate, bool audited)
{
	struct drop_event *event = open_event(gate);
	__u32 bytes;

	if (!event)
		return;
	event->ifindex = ctx->ingress_ifindex;
	event->audited = audited;
	event->length = (__u32)bpf_xdp_get_buff_len(ctx);
	bytes = captured_bytes(event->length);
	if (bytes >= EVENT_BYTES_LEAST && !bpf_xdp_load_bytes(ctx, 0, event->bytes, bytes))
		event->captured = bytes;
	send_event(event);
}

/* A drop that is to be looked at, as its note says. */
static __always_inline void look_xdp(struct xdp_md *ctx, bool audited)
{
	struct drop_gate *gate = drop_gate();

	if (!gate)
		return;
	note_bytes((void *)(long)ctx->data, (void *)(long)ctx->data_end, gate);
	look_at(gate);
	send_xdp(ctx, gate, audited);
}

SEC("xdp.frags")
int rolewall_xdp_look(struct xdp_md *ctx)
{
	look_xdp(ctx, false);
	return XDP_DROP;
}

SEC("xdp.frags")
int rolewall_xdp_look_audit(struct xdp_md *ctx)
{
	look_xdp(ctx, true);
	return XDP_PASS;
}

/* The exit of all programs but the entry. */
static __always_inline int leave_xdp(struct xdp_md *ctx, const struct outcome *outcome,
				     bool is_probe, const struct packet *packet)
{
	struct probe *probe;
	struct fate fate;

	if (likely(!is_probe)) {
		fate = account(outcome, packet);
		/* Put together once, or it takes stack that Linux 6.1 does not have: 512 bytes with calls. */
		keep(fate.more);
		return go_xdp(ctx, fate);
	}
	probe = find_probe(ctx);
	if (probe)
		answer_probe(probe, outcome);
	return is_pass(outcome->reason) ? XDP_PASS : XDP_DROP;
}

static __always_inline struct court xdp_court(struct xdp_md *ctx)
{
	const struct probe *probe = find_probe(ctx);
	struct court court = {
		.book.slot = read_once(control.active),
		.ifindex = ctx->ingress_ifindex,
	};

	if (unlikely(probe)) {
		court.probe = true;
		if (probe->slot != PROBE_ACTIVE)
			court.book.slot = probe->slot;
	}
	court.book.cells = image_cells(court.book.slot);
	court.book.mask = image_mask();
	return court;
}

SEC("xdp.frags")
int rolewall_xdp_full(struct xdp_md *ctx)
{
	struct court court = xdp_court(ctx);
	struct packet packet = {};
	struct outcome outcome;
	enum reason parsed = parse_xdp(ctx, &packet);

	if (unlikely(parsed == PARSE_COPY))
		parsed = parse_copy(ctx, &packet);
	judge(&court, &packet, parsed, &outcome);
	return leave_xdp(ctx, &outcome, court.probe, &packet);
}

SEC("xdp.frags")
int rolewall_xdp_probe(struct xdp_md *ctx)
{
	struct court court = xdp_court(ctx);
	struct frame frame = xdp_frame(ctx);
	struct outcome outcome;

	if (!court.probe || !judge_if_fast(&frame, &court, &outcome)) {
		bpf_tail_call(ctx, &more_xdp, MORE_FULL);
		return XDP_DROP;
	}
	return leave_xdp(ctx, &outcome, true, NULL);
}

SEC("xdp.frags")
int rolewall_xdp(struct xdp_md *ctx)
{
	struct court court = {.book = active_book(), .starts = true};
	struct frame frame = xdp_frame(ctx);
	struct verdict found = {};
	enum fast way;

	if (unlikely(ctx->data_meta != ctx->data)) {
		bpf_tail_call(ctx, &more_xdp, MORE_PROBE);
		return XDP_DROP;
	}
	way = judge_fast(&frame, &court, &found);
	if (likely(way))
		return go_xdp(ctx, account_fast(way, &found, &frame, &court));
	frame = frame_again(&frame);
	bpf_tail_call(ctx, &more_xdp, has_tag(&frame) ? MORE_TAGGED : MORE_FULL);
	return XDP_DROP;
}

/* The fast way of tagged frames: a program by itself, so that others do not pay for a place that varies. */
SEC("xdp.frags")
int rolewall_xdp_tagged(struct xdp_md *ctx)
{
	struct court court = {.book = active_book(), .starts = true};
	struct frame frame = xdp_frame(ctx);
	struct verdict found = {};
	enum fast way = judge_fast_tagged(&frame, &court, &found);

	if (likely(way))
		return go_xdp(ctx, account_fast(way, &found, &frame, &court));
	bpf_tail_call(ctx, &more_xdp, MORE_FULL);
	return XDP_DROP;
}

#endif
