/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The entries: one program for XDP, one for TC, and the clock. Both packet programs do the same
 * four steps: parse -> classify -> decide -> account.
 */
#include "account.h"
#include "parse.h"

#define PARSE_COPY N_REASONS /* what parse_xdp() says where the first buffer is too short */
#define TC_PASS (-1) /* TC_ACT_UNSPEC, TCX_NEXT: on to whatever else is attached */
#define TC_DROP 2 /* TC_ACT_SHOT */
#define CLOCK_BOOT 7 /* CLOCK_BOOTTIME: sleeping does not stop it */
#define SECOND 1000000000ULL

static __always_inline __u32 frame_whole_length(const struct frame *frame)
{
	return (__u32)bpf_xdp_get_buff_len(frame->context);
}

/* Opens the court with the image of SLOT. False: there is none, or none of this layout. */
static __always_inline bool open_court(struct court *court, __u32 slot)
{
	struct book *book = &court->book;

	book->slot = slot;
	book->image = image_in(slot);
	if (!book->image)
		return false;
	book->header = (const __u32 *)image_page(book->image, 0);
	return book->header && book->header[HEADER_MAGIC] == IMAGE_MAGIC;
}

static __always_inline enum side side_of(__u32 ifindex)
{
	__u32 *side = bpf_map_lookup_elem(&sides, &ifindex);

	return side ? *side : SIDE_ANY;
}

/* Steps 1 to 3 behind the parser, in one court. PARSED is what parse() said. */
static __always_inline struct verdict judge(struct court *court, const struct packet *packet,
					    enum reason parsed, __u32 slot)
{
	if (unlikely(!open_court(court, slot))) {
		court->book.header = NULL;
		return verdict(REASON_image_fault);
	}
	if (unlikely(parsed))
		return verdict(parsed);
	return decide(court, packet);
}

enum reason parse_copy(struct xdp_md *ctx, struct packet *packet);

/* Parses a copy of the first bytes: the headers do not lie in the first buffer alone. */
verified_once enum reason parse_copy(struct xdp_md *ctx, struct packet *packet)
{
	__u32 key = 0, length = (__u32)bpf_xdp_get_buff_len(ctx);
	struct scratch *copy = bpf_map_lookup_elem(&scratch, &key);
	struct frame frame = {.home = FRAME_COPY, .length = length};

	if (!copy || !packet)
		return REASON_image_fault;
	if (length > FRAME_HEADERS)
		length = FRAME_HEADERS;
	keep(length);
	if (!length || length > FRAME_HEADERS || bpf_xdp_load_bytes(ctx, 0, copy->bytes, length))
		return REASON_frame_cut;
	frame.data = copy->bytes;
	frame.readable = length;
	*packet = (struct packet){.length = frame.length};
	return parse(&frame, packet);
}

enum reason parse_xdp(struct xdp_md *ctx, struct packet *packet);

verified_once enum reason parse_xdp(struct xdp_md *ctx, struct packet *packet)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 linear = (__u32)(end - data);
	struct frame frame = {
		.data = data,
		.end = end,
		.context = ctx,
		.length = linear,
		.home = FRAME_XDP,
	};
	enum reason reason;

	if (!packet)
		return REASON_undecided;
	reason = parse(&frame, packet);
	if (unlikely(linear < FRAME_HEADERS && (reason || frame.length != linear)) &&
	    bpf_xdp_get_buff_len(ctx) > linear)
		return PARSE_COPY;
	packet->length = frame.length;
	return reason;
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

SEC("xdp.frags")
int rolewall_xdp(struct xdp_md *ctx)
{
	struct court court = {.side = SIDE_ANY};
	__u32 slot = read_once(control.active);
	struct packet packet = {};
	struct probe *probe = find_probe(ctx);
	enum reason parsed;
	struct verdict found;

	if (unlikely(probe)) {
		court.probe = true;
		if (probe->slot != PROBE_ACTIVE)
			slot = probe->slot;
	}
	court.side = side_of(ctx->ingress_ifindex);
	parsed = parse_xdp(ctx, &packet);
	if (unlikely(parsed == PARSE_COPY))
		parsed = parse_copy(ctx, &packet);
	found = judge(&court, &packet, parsed, slot);
	if (unlikely(court.probe)) {
		probe = find_probe(ctx);
		if (probe) {
			probe->reason = found.reason;
			probe->row = found.row;
			probe->source_record = court.source.record;
			probe->destination_record = court.destination.record;
			probe->generation = court.book.header ? court.book.header[HEADER_GENERATION]
							      : 0;
		}
		return is_pass(found.reason) ? XDP_PASS : XDP_DROP;
	}
	return account(&court, &found, packet.length) ? XDP_PASS : XDP_DROP;
}

/* The headers into the linear part; a driver may have left all but a few bytes in fragments (77). */
static __always_inline void pull_headers(struct __sk_buff *skb)
{
	__u32 linear = skb->data_end - skb->data;
	__u32 wanted = skb->len < FRAME_HEADERS ? skb->len : FRAME_HEADERS;

	if (unlikely(linear < wanted))
		bpf_skb_pull_data(skb, wanted);
}

enum reason parse_skb(struct __sk_buff *skb, struct packet *packet);

verified_once enum reason parse_skb(struct __sk_buff *skb, struct packet *packet)
{
	struct frame frame = {
		.data = (void *)(long)skb->data,
		.end = (void *)(long)skb->data_end,
		.length = skb->len,
		.home = FRAME_SKB,
		.super_packet = skb->gso_size != 0,
		.tag_stripped = skb->vlan_present,
	};

	if (!packet)
		return REASON_undecided;
	packet->length = frame.length;
	return parse(&frame, packet);
}

SEC("tc")
int rolewall_tc(struct __sk_buff *skb)
{
	struct court court = {.side = side_of(skb->ifindex)};
	__u32 slot = read_once(control.active);
	struct packet packet = {};
	struct verdict found;
	enum reason parsed;

	if (unlikely(skb->cb[0] == control.probe_key[0] && skb->cb[1] == control.probe_key[1])) {
		court.probe = true;
		if (skb->cb[2] != PROBE_ACTIVE)
			slot = skb->cb[2];
	}
	pull_headers(skb);
	parsed = parse_skb(skb, &packet);
	found = judge(&court, &packet, parsed, slot);
	if (unlikely(court.probe)) {
		skb->cb[0] = found.reason;
		skb->cb[1] = found.row;
		skb->cb[2] = court.source.record;
		skb->cb[3] = court.destination.record;
		skb->cb[4] = court.book.header ? court.book.header[HEADER_GENERATION] : 0;
		return is_pass(found.reason) ? TC_PASS : TC_DROP;
	}
	return account(&court, &found, packet.length) ? TC_PASS : TC_DROP;
}

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
