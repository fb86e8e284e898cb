/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fast way: a whole, untagged TCP or UDP packet whose verdict needs the image alone. Judges
 * those and leaves every other packet, whatever it is, to the full programs, so it may be as
 * narrow as it likes, but must never say anything else than they would: the packet tests and the
 * model run all their packets through both.
 *
 * Nothing here calls a function and nothing of the packet goes through memory; docs/performance.md
 * says what each part costs.
 */
#ifndef ROLEWALL_FAST_H
#define ROLEWALL_FAST_H

#include "decide.h"
#include "parse.h"

enum fast {
	FAST_NO, /* not for this way */
	FAST_ROW, /* passes by a row */
	FAST_REASON, /* any other verdict */
};

/* What the transport header is seen to be. */
struct glance {
	__u16 source_port, destination_port; /* as they lie in the packet */
	enum image_record table; /* of its protocol */
	__u8 flags; /* TCP's; UDP: none */
};

/* One bit for each combination of the five low flags: those that is_bad_flags() refuses are 0. */
#define USUAL_FLAGS                                                                                \
	(0xffffffffU & ~(1U << 0 | 1U << 1 * TCP_FIN | 1U << 8 | 1U << (8 | TCP_FIN)) &            \
	 ~USUAL_FLAGS_SYN(0) & ~USUAL_FLAGS_SYN(8) & ~USUAL_FLAGS_SYN(TCP_ACK) &                   \
	 ~USUAL_FLAGS_SYN(TCP_ACK | 8))
/* SYN with FIN, RST or both, beside OTHERS. */
#define USUAL_FLAGS_SYN(others)                                                                    \
	(1U << (TCP_SYN | TCP_FIN | (others)) | 1U << (TCP_SYN | TCP_RST | (others)) |             \
	 1U << (TCP_SYN | TCP_FIN | TCP_RST | (others)))

/* LENGTH is the IP packet's, of which HEADER bytes are not transport. */
static __always_inline bool glance_tcp(const struct tcp_header *tcp, __u32 length, __u32 header,
				       struct glance *glance)
{
	__u32 tcp_bytes = (tcp->data_offset & 0xf0U) >> 2;

	if (unlikely(tcp_bytes < sizeof(*tcp) || header + tcp_bytes > length))
		return false;
	glance->source_port = tcp->source;
	glance->destination_port = tcp->destination;
	glance->table = RECORD_TCP;
	glance->flags = tcp->flags;
	return USUAL_FLAGS >> (tcp->flags & 31U) & 1U;
}

static __always_inline bool glance_udp(const struct udp_header *udp, __u32 length, __u32 header,
				       struct glance *glance)
{
	__u32 udp_bytes = host16(udp->length);

	if (unlikely(udp_bytes < sizeof(*udp) || header + udp_bytes > length))
		return false;
	glance->source_port = udp->source;
	glance->destination_port = udp->destination;
	glance->table = RECORD_UDP;
	return true;
}

/* TRANSPORT has the bytes of a TCP header, whatever the protocol. */
static __always_inline bool glance_transport(const void *transport, __u8 protocol, __u32 length,
					     __u32 header, struct glance *glance)
{
	if (likely(protocol == PROTOCOL_TCP))
		return glance_tcp(transport, length, header, glance);
	return protocol == PROTOCOL_UDP && glance_udp(transport, length, header, glance);
}

/* As find_row(), for a port as it lies in the packet, up to the choice by source. */
static __always_inline __u32 fast_row(const struct court *court, const struct glance *glance)
{
	__u32 entry = cell(&court->book, court->destination.cell + (__u32)glance->table +
						 high_byte(glance->destination_port));

	if ((entry & CELL_KIND) == CELL_POINTER)
		entry = cell(&court->book, entry + low_byte(glance->destination_port));
	return entry;
}

/* No row, or one for some sources only. */
static __always_inline enum fast fast_shut(const struct court *court, const struct glance *glance,
					   struct verdict *found)
{
	if ((found->row & CELL_KIND) == CELL_BY_SOURCE) {
		found->row = cell(&court->book, found->row + record_id(court->source.cell));
		return is_row(found->row) ? FAST_ROW : FAST_NO;
	}
	/* A SYN is never a reply; anything else may belong to a flow. */
	if (found->row || (glance->flags & (TCP_SYN | TCP_ACK)) != TCP_SYN ||
	    !glance->destination_port)
		return FAST_NO;
	*found = verdict(REASON_port_not_in_matrix);
	return FAST_REASON;
}

/* Ends and ports are known, nothing odd was found. */
static __always_inline enum fast fast_decide(const struct court *court, const struct glance *glance,
					     struct verdict *found)
{
	const __u32 known = CELL_KIND | CELL_GUARDED;

	if (unlikely(court->source.cell & known))
		return FAST_NO;
	if (unlikely((court->destination.cell & known) != CELL_GUARDED)) {
		if (court->destination.cell & CELL_KIND)
			return FAST_NO;
		*found = verdict(court->book.cells[HEADER_OPTIONS] & OPTION_UNLISTED_DROP
					 ? REASON_unlisted
					 : REASON_transit);
		return FAST_REASON;
	}
	if (unlikely(!glance->source_port))
		return FAST_NO;
	found->row = fast_row(court, glance);
	return likely(is_row(found->row)) ? FAST_ROW : fast_shut(court, glance, found);
}

/* 0/8, 127/8, multicast and above are for the full programs. */
static __always_inline bool is_usual4(__u32 address)
{
	__u32 first = first_byte(address);

	return first - 1 < 223 && first != 127;
}

/*
 * One look for all headers of an untagged frame. A UDP datagram that is shorter than a TCP header
 * takes the longer way.
 */
#define IP_OFFSET ((__u32)sizeof(struct ethernet_header))
#define HEADERS4 (IP_OFFSET + sizeof(struct ip4_header) + sizeof(struct tcp_header))
#define HEADERS6 (IP_OFFSET + sizeof(struct ip6_header) + sizeof(struct tcp_header))

static __always_inline enum fast fast4(const struct frame *frame, struct court *court,
				       struct verdict *found)
{
	const __u8 *bytes = frame_at(frame, 0, HEADERS4);
	const struct ip4_header *ip = (const void *)(bytes + IP_OFFSET);
	struct glance glance = {};
	__u32 length;

	if (unlikely(!bytes || ip->version_ihl != IP4_PLAIN ||
		     ip->fragment & net16(IP4_MORE | IP4_OFFSET)))
		return FAST_NO;
	length = host16(ip->length);
	if (unlikely(IP_OFFSET + length > frame->length))
		return FAST_NO;
	if (unlikely(!is_usual4(ip->source)))
		return FAST_NO;
	court->destination.cell = trie4(&court->book, ip->destination);
	court->source.cell = trie4(&court->book, ip->source);
	if (unlikely(!glance_transport(ip + 1, ip->protocol, length, sizeof(*ip), &glance)))
		return FAST_NO;
	return fast_decide(court, &glance, found);
}

/* Global unicast and unique local: the rest, good or bad, is for the full programs. */
static __always_inline bool is_usual6(const union address *address)
{
	__u32 first = address->byte[0];

	return first >> 5 == 1 || first >> 1 == 0x7e;
}

static __always_inline enum fast fast6(const struct frame *frame, struct court *court,
				       struct verdict *found)
{
	const __u8 *bytes = frame_at(frame, 0, HEADERS6);
	const struct ip6_header *ip = (const void *)(bytes + IP_OFFSET);
	struct glance glance = {};
	__u32 length;

	if (unlikely(!bytes ||
		     (ip->version_class_label & net32(0xf0000000U)) != net32(0x60000000U)))
		return FAST_NO;
	length = host16(ip->payload_length);
	if (unlikely(!length || IP_OFFSET + sizeof(*ip) + length > frame->length))
		return FAST_NO;
	if (unlikely(!is_usual6(&ip->source) || !is_usual6(&ip->destination)))
		return FAST_NO;
	court->destination.cell = trie6(&court->book, &ip->destination);
	court->source.cell = trie6(&court->book, &ip->source);
	if (unlikely(!glance_transport(ip + 1, ip->next_header, length, 0, &glance)))
		return FAST_NO;
	return fast_decide(court, &glance, found);
}

/* The frame has its Ethernet header, and no tag in its metadata. */
static __always_inline enum fast judge_fast(const struct frame *frame, struct court *court,
					    struct verdict *found)
{
	const struct ethernet_header *ethernet = frame_at(frame, 0, sizeof(*ethernet));

	if (unlikely(!ethernet || !court->book.cells || frame->tag_stripped ||
		     frame->super_packet || ethernet->destination[0] & FACT_GROUP_FRAME))
		return FAST_NO;
	if (ethernet->type == net16(ETHERTYPE_IPV4))
		return fast4(frame, court, found);
	if (ethernet->type == net16(ETHERTYPE_IPV6))
		return fast6(frame, court, found);
	return FAST_NO;
}

#endif
