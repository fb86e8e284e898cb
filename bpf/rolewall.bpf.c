/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The entries: one program for XDP, one for TC, and the clock. Both packet programs do the same
 * four steps: parse -> classify -> decide -> account.
 *
 * Most packets are plain: untagged TCP or UDP, whole, without extension headers. They are parsed
 * and judged in line. What is not plain goes on to a second program by a tail call, which takes
 * the same steps in full; a function call would cost as much as half a verdict
 * (docs/performance.md).
 */
#include "account.h"
#include "fast.h"
#include "parse.h"

#define PARSE_COPY ((enum reason)(N_REASONS + 1)) /* the first buffer is too short */
#define TC_PASS (-1) /* TC_ACT_UNSPEC, TCX_NEXT: on to whatever else is attached */
#define TC_DROP 2 /* TC_ACT_SHOT */
#define CLOCK_BOOT 7 /* CLOCK_BOOTTIME: sleeping does not stop it */
#define SECOND 1000000000ULL

static __always_inline __u32 frame_whole_length(const struct frame *frame)
{
	return (__u32)bpf_xdp_get_buff_len(frame->context);
}

static __always_inline void close_court(const struct court *court, struct verdict found,
					__u32 length, struct outcome *outcome)
{
	*outcome = (struct outcome){
		.reason = found.reason,
		.row = found.row,
		.length = length,
		.source = court->source,
		.destination = court->destination,
		.book = court->book,
	};
}

/* Classify and decide, behind the parser, which said PARSED. */
static __always_inline void judge(struct court *court, const struct packet *packet,
				  enum reason parsed, struct outcome *outcome)
{
	struct verdict found = verdict(REASON_image_fault);

	if (court->book.cells && parsed)
		found = verdict(parsed);
	else if (court->book.cells && classify_ends(court, packet))
		found = decide(court, packet);
	close_court(court, found, packet->length, outcome);
}

/*
 * The way of most packets: one family at a time, so that the compiler sees which, and nothing of
 * the packet goes through memory; the addresses are looked up before the transport header is
 * parsed, since those reads depend on each other and the rest can go on meanwhile. False: this one
 * is not plain.
 */
static __always_inline bool judge_plain(struct frame *frame, struct span span, __u32 facts,
					enum family family, struct court *court,
					struct outcome *outcome)
{
	struct packet packet = {.facts = facts, .span = span};

	if (unlikely(!court->book.cells))
		return false;
	if (unlikely(family == FAMILY_IPV4 ? parse_ip4(frame, &packet, &packet.span)
					   : parse_ip6(frame, &packet, &packet.span)))
		return false;
	if (unlikely(!classify_ends(court, &packet)))
		return false;
	if (unlikely(parse_transport(frame, &packet, &packet.span)))
		return false;
	court->plain = true;
	close_court(court, decide(court, &packet), frame->length, outcome);
	return true;
}

/* Untagged frames, by constant offsets. */
static __always_inline bool judge_if_plain(struct frame *frame, struct court *court,
					   struct outcome *outcome)
{
	const struct ethernet_header *ethernet = frame_at(frame, 0, sizeof(*ethernet));
	struct span span = {.offset = sizeof(*ethernet)};
	__u32 group;

	if (unlikely(!ethernet || frame->tag_stripped))
		return false;
	group = ethernet->destination[0] & FACT_GROUP_FRAME;
	if (ethernet->type == net16(ETHERTYPE_IPV4))
		return judge_plain(frame, span, group, FAMILY_IPV4, court, outcome);
	if (ethernet->type == net16(ETHERTYPE_IPV6))
		return judge_plain(frame, span, group, FAMILY_IPV6, court, outcome);
	return false;
}

/* Where the entries go on to, by tail calls: what is not for the fast way, and what is not plain. */
enum more {
	MORE_PLAIN,
	MORE_ODD,
	N_MORE,
};

struct more_programs {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, N_MORE);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
	__array(values, int(void *));
};

/* --- XDP */

int rolewall_xdp_plain(struct xdp_md *ctx);
int rolewall_xdp_odd(struct xdp_md *ctx);

struct more_programs more_xdp SEC(".maps") = {
	.values = {[MORE_PLAIN] = (void *)&rolewall_xdp_plain,
		   [MORE_ODD] = (void *)&rolewall_xdp_odd},
};

enum reason parse_xdp(struct xdp_md *ctx, struct packet *packet);
enum reason parse_copy(struct xdp_md *ctx, struct packet *packet);

static __always_inline struct frame xdp_frame(struct xdp_md *ctx, bool plain)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;

	return (struct frame){
		.data = data,
		.end = end,
		.context = ctx,
		.length = (__u32)(end - data),
		.home = FRAME_XDP,
		.plain = plain,
	};
}

verified_once enum reason parse_xdp(struct xdp_md *ctx, struct packet *packet)
{
	struct frame frame = xdp_frame(ctx, false);
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

/* The exit of both XDP programs. */
static __always_inline int leave_xdp(struct xdp_md *ctx, const struct outcome *outcome,
				     bool is_probe)
{
	struct probe *probe;

	if (likely(!is_probe))
		return account(outcome) ? XDP_PASS : XDP_DROP;
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
int rolewall_xdp_odd(struct xdp_md *ctx)
{
	struct court court = xdp_court(ctx);
	struct packet packet = {};
	struct outcome outcome;
	enum reason parsed = parse_xdp(ctx, &packet);

	if (unlikely(parsed == PARSE_COPY))
		parsed = parse_copy(ctx, &packet);
	judge(&court, &packet, parsed, &outcome);
	return leave_xdp(ctx, &outcome, court.probe);
}

SEC("xdp.frags")
int rolewall_xdp_plain(struct xdp_md *ctx)
{
	struct court court = xdp_court(ctx);
	struct frame frame = xdp_frame(ctx, true);
	struct outcome outcome = {.reason = REASON_image_fault};

	if (unlikely(!judge_if_plain(&frame, &court, &outcome)))
		bpf_tail_call(ctx, &more_xdp, MORE_ODD);
	return leave_xdp(ctx, &outcome, court.probe);
}

SEC("xdp.frags")
int rolewall_xdp(struct xdp_md *ctx)
{
	struct court court = {.book.slot = read_once(control.active)};
	struct frame frame = xdp_frame(ctx, true);
	struct verdict found = {};
	struct outcome outcome;

	/* A probe leaves its answer in front of the frame: not here. */
	if (unlikely(ctx->data_meta != ctx->data))
		goto no;
	court.book.cells = image_cells(court.book.slot);
	court.book.mask = image_mask();
	switch (judge_fast(&frame, &court, &found)) {
	case FAST_ROW:
		count_row(found.row, frame.length);
		return XDP_PASS;
	case FAST_REASON:
		close_court(&court, found, frame.length, &outcome);
		return account(&outcome) ? XDP_PASS : XDP_DROP;
	case FAST_NO:
		break;
	}
no:
	bpf_tail_call(ctx, &more_xdp, MORE_PLAIN);
	return XDP_DROP;
}

/* --- TC */

int rolewall_tc_plain(struct __sk_buff *skb);
int rolewall_tc_odd(struct __sk_buff *skb);

struct more_programs more_tc SEC(".maps") = {
	.values =
		{[MORE_PLAIN] = (void *)&rolewall_tc_plain, [MORE_ODD] = (void *)&rolewall_tc_odd},
};

enum reason parse_skb(struct __sk_buff *skb, struct packet *packet);

static __always_inline struct frame skb_frame(struct __sk_buff *skb, bool plain)
{
	return (struct frame){
		.data = (void *)(long)skb->data,
		.end = (void *)(long)skb->data_end,
		.length = skb->len,
		.home = FRAME_SKB,
		.super_packet = skb->gso_size != 0,
		.tag_stripped = skb->vlan_present,
		.plain = plain,
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
	struct frame frame = skb_frame(skb, false);

	if (!packet)
		return REASON_undecided;
	packet->length = frame.length;
	return parse(&frame, packet);
}

static __always_inline bool is_probe(const struct __sk_buff *skb)
{
	return skb->cb[0] == control.probe_key[0] && skb->cb[1] == control.probe_key[1];
}

/* The exit of both TC programs. */
static __always_inline int leave_tc(struct __sk_buff *skb, const struct outcome *outcome)
{
	if (likely(!is_probe(skb)))
		return account(outcome) ? TC_PASS : TC_DROP;
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
int rolewall_tc_odd(struct __sk_buff *skb)
{
	struct court court = tc_court(skb);
	struct packet packet = {};
	struct outcome outcome;
	enum reason parsed;

	pull_headers(skb);
	parsed = parse_skb(skb, &packet);
	judge(&court, &packet, parsed, &outcome);
	return leave_tc(skb, &outcome);
}

SEC("tc")
int rolewall_tc_plain(struct __sk_buff *skb)
{
	struct court court = tc_court(skb);
	struct outcome outcome = {.reason = REASON_image_fault};
	struct frame frame = skb_frame(skb, true);

	if (unlikely(!judge_if_plain(&frame, &court, &outcome)))
		bpf_tail_call(skb, &more_tc, MORE_ODD);
	return leave_tc(skb, &outcome);
}

SEC("tc")
int rolewall_tc(struct __sk_buff *skb)
{
	struct court court = {.book.slot = read_once(control.active)};
	struct frame frame = skb_frame(skb, true);
	struct verdict found = {};
	struct outcome outcome;

	if (unlikely(is_probe(skb)))
		goto no;
	court.book.cells = image_cells(court.book.slot);
	court.book.mask = image_mask();
	switch (judge_fast(&frame, &court, &found)) {
	case FAST_ROW:
		count_row(found.row, frame.length);
		return TC_PASS;
	case FAST_REASON:
		close_court(&court, found, frame.length, &outcome);
		return account(&outcome) ? TC_PASS : TC_DROP;
	case FAST_NO:
		break;
	}
no:
	bpf_tail_call(skb, &more_tc, MORE_PLAIN);
	return TC_DROP;
}

/* --- the clock */

static int tick(void *map, __u32 *key, struct clock *value)
{
	(void)map;
	(void)key;
	write_once(control.epoch, control.epoch + 1);
	bpf_timer_start(&value->timer, SECOND, 0);
	return 0;
}

/* Run once by the controller after load; again after an upgrade, to hand the timer over. */
SEC("syscall")
int start_clock(void *unused)
{
	__u32 key = 0;
	struct clock *value = bpf_map_lookup_elem(&clock, &key);

	(void)unused;
	if (!value)
		return 1;
	bpf_timer_init(&value->timer, &clock, CLOCK_BOOT); /* -EBUSY: it is there already */
	if (bpf_timer_set_callback(&value->timer, tick))
		return 2;
	return bpf_timer_start(&value->timer, SECOND, 0) ? 3 : 0;
}

const char program_license[] SEC("license") = "GPL";
