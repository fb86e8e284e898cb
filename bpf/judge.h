/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The four steps put together: the fast way (fast.h), and the full one. An entry (xdp.h, tc.h)
 * tries the first and goes on to the other, a program of its own, by a tail call: a function call
 * would cost as much as half a verdict (docs/performance.md).
 */
#ifndef ROLEWALL_JUDGE_H
#define ROLEWALL_JUDGE_H

#include "account.h"
#include "shadow_tables.h"
#include "events.h"
#include "fast.h"
#include "parse.h"

static __always_inline __u32 frame_ifindex(const struct frame *frame)
{
	return frame->home == FRAME_XDP ? ((struct xdp_md *)frame->context)->ingress_ifindex
					: ((struct __sk_buff *)frame->context)->ifindex;
}

static __always_inline struct frame frame_again(const struct frame *frame)
{
	struct frame again = *frame;
	struct __sk_buff *skb;
	struct xdp_md *xdp;

	/* Hidden from the compiler, or it would keep the pointers instead. */
	if (frame->home == FRAME_XDP) {
		xdp = frame->context;
		keep(xdp);
		again.data = (void *)(long)xdp->data;
		again.end = (void *)(long)xdp->data_end;
	} else {
		skb = frame->context;
		keep(skb);
		again.data = (void *)(long)skb->data;
		again.end = (void *)(long)skb->data_end;
	}
	return again;
}

/* The port of a packet that was read to the end of its transport header, as detail.h counts it. */
static __always_inline __u32 port_of(const struct packet *packet)
{
	if (!has_ports(packet))
		return PORT_NONE;
	return packet->destination_port | (packet->protocol == PROTOCOL_UDP ? PORT_UDP : 0);
}

/* Notes who asked, for a drop that is looked at. */
static __always_inline void note_packet(const struct packet *packet, struct drop_gate *gate)
{
	int i;

	gate->family = packet->family;
	for (i = 0; i < 4; i++)
		gate->address[i] = packet->source.word[i];
	gate->opens = gate->port != PORT_NONE &&
		      (packet->protocol == PROTOCOL_UDP || is_first_segment(packet->tcp_flags));
}

/*
 * The same of a packet that the fast way dropped, from its bytes at DATA, and its port: what is
 * kept for a drop from the parser on costs every packet that passes a register.
 */
static __always_inline void note_bytes(const void *data, const void *end, struct drop_gate *gate)
{
	/* Its last two bytes are an EtherType, as they are a tag's. */
	const struct vlan_tag *link = (const void *)((const struct ethernet_header *)data + 1);
	const struct udp_header *ports;
	const struct tcp_header *tcp;
	const struct ip4_header *ip4;
	const struct ip6_header *ip6;
	bool udp;
	int i;

	if (gate->port != PORT_IN_PACKET)
		return;
	gate->port = PORT_NONE;
	/* What the fast way dropped has at least two tags' bytes behind its first EtherType. */
	if ((const void *)(link + 2) > end)
		return;
	if (is_tag(link[-1].type))
		link++;
	if (is_tag(link[-1].type))
		link++;
	ip4 = (const void *)link;
	ip6 = (const void *)link;
	ports = (const void *)(ip4 + 1);
	tcp = (const void *)(ip4 + 1);
	if ((const void *)(ports + 1) > end)
		return;
	udp = ip4->protocol == PROTOCOL_UDP;
	gate->family = FAMILY_IPV4;
	gate->address[0] = ip4->source;
	if (link[-1].type == net16(ETHERTYPE_IPV6)) {
		ports = (const void *)(ip6 + 1);
		tcp = (const void *)(ip6 + 1);
		gate->family = 0;
		if ((const void *)(ports + 1) > end)
			return;
		udp = ip6->next_header == PROTOCOL_UDP;
		gate->family = FAMILY_IPV6;
		for (i = 0; i < 4; i++)
			gate->address[i] = ip6->source.word[i];
	}
	gate->port = host16(ports->destination) | (udp ? PORT_UDP : 0);
	gate->opens = udp || ((const void *)(tcp + 1) <= end && is_first_segment(tcp->flags));
}

static __always_inline void close_court(const struct court *court, struct verdict found,
					__u32 length, struct outcome *outcome)
{
	*outcome = (struct outcome){
		.reason = found.reason,
		.row = found.row,
		.length = length,
		.port = PORT_NONE,
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
	if (!parsed)
		outcome->port = port_of(packet);
}

/* Where the entries go on to, by tail calls: by enum more (control.h), filled by kern_load.c. */
struct more_programs {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, N_MORE);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
};

/* What happens to a packet. */
struct fate {
	bool passes;
	enum more
		more; /* the program that goes on with it, and ends as PASSES says; or MORE_NONE */
};

/*
 * Of a packet that passes, whose image is there: whether it is sent on here as well. At TC there is no
 * such program, so the kernel has the packet.
 */
static __always_inline struct fate let_pass(const struct book *book)
{
	bool forward = book->cells && unlikely(book->cells[HEADER_OPTIONS] & OPTION_FORWARD);

	return (struct fate){.passes = true, .more = forward ? MORE_FORWARD : MORE_NONE};
}

/* The one exit: counts. PACKET: NULL behind the fast way. */
static __always_inline struct fate account(const struct outcome *outcome,
					   const struct packet *packet)
{
	struct dropped dropped;

	if (likely(is_pass(outcome->reason))) {
		account_pass(outcome);
		return let_pass(&outcome->book);
	}
	dropped = account_drop(outcome);
	if (likely(!dropped.due))
		return (struct fate){.passes = dropped.goes_on, .more = MORE_NONE};
	if (packet)
		note_packet(packet, dropped.due);
	return (struct fate){
		.passes = dropped.goes_on,
		.more = dropped.goes_on ? MORE_LOOK_AUDIT : MORE_LOOK,
	};
}

/* The same for the fast way: each of its answers by itself, so that none pays for another's. */
static __always_inline struct fate account_fast(enum fast way, const struct verdict *found,
						const struct frame *frame,
						const struct court *court)
{
	struct outcome outcome;

	if (likely(way == FAST_ROW)) {
		count_row(found->row, frame->length);
		return let_pass(&court->book);
	}
	if (likely(way == FAST_PASS)) {
		count_pass(found->reason, frame->length);
		return let_pass(&court->book);
	}
	/* What is shut is a guarded destination's: spares the tests of whose pool it counts for. */
	if (!is_guarded(&court->destination))
		__builtin_unreachable();
	close_court(court, verdict(REASON_port_not_in_matrix), frame->length, &outcome);
	outcome.port = PORT_IN_PACKET;
	return account(&outcome, NULL);
}

/* The fast way. False: not for it. */
static __always_inline bool judge_if_fast(const struct frame *frame, struct court *court,
					  struct outcome *outcome)
{
	struct verdict found = {};

	if (judge_fast_fully(frame, court, &found) == FAST_NO)
		return false;
	close_court(court, found, frame->length, outcome);
	outcome->port = PORT_IN_PACKET;
	return true;
}

#endif
