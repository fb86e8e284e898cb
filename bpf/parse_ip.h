/* SPDX-License-Identifier: GPL-2.0-only */
/* IPv4 and IPv6 headers, extension headers and fragments. Case numbers: docs/packets.md. */
#ifndef ROLEWALL_PARSE_IP_H
#define ROLEWALL_PARSE_IP_H

#include "frame.h"
#include "packet.h"
#include "reason.h"

#define GO_ON REASON_undecided /* what a parser returns when it found nothing to stop for */

enum protocol {
	PROTOCOL_HOP_BY_HOP = 0,
	PROTOCOL_ICMP = 1,
	PROTOCOL_TCP = 6,
	PROTOCOL_UDP = 17,
	PROTOCOL_DCCP = 33,
	PROTOCOL_ROUTING = 43,
	PROTOCOL_FRAGMENT = 44,
	PROTOCOL_ESP = 50,
	PROTOCOL_AH = 51,
	PROTOCOL_ICMP6 = 58,
	PROTOCOL_NONE = 59,
	PROTOCOL_OPTIONS = 60,
	PROTOCOL_SCTP = 132,
	PROTOCOL_RESERVED = 255,
};

/* Extension headers that are followed (RFC 8504 section 5.3 lets a node set such limits). */
#define EXTENSIONS_MAX 8
#define EXTENSION_BYTES_MAX 256U

struct ip4_header {
	__u8 version_ihl, tos;
	__u16 length, id, fragment;
	__u8 ttl, protocol;
	__u16 checksum;
	__u32 source, destination;
};

struct ip6_header {
	__u32 version_class_label;
	__u16 payload_length;
	__u8 next_header, hop_limit;
	union address source, destination;
};

struct extension_header {
	__u8 next_header, length; /* length: 8-byte units behind the first */
};

struct fragment_header {
	__u8 next_header, reserved;
	__u16 offset_flags;
	__u32 id;
};

#define IP4_PLAIN 0x45 /* version 4, no options */

/* Of the fragment word; "don't fragment" and the reserved bit say nothing about fragments (29). */
#define IP4_MORE 0x2000U
#define IP4_OFFSET 0x1fffU
#define IP6_MORE 0x0001U
#define IP_LENGTH_MAX 65535U

/* Why a header that its packet does not hold drops: a first fragment must hold them all (RFC 7112). */
static __always_inline enum reason header_cut(const struct packet *packet, enum reason otherwise)
{
	return packet->facts & FACT_FIRST_FRAGMENT ? REASON_fragment_tiny : otherwise;
}

/* Bytes of the transport header that no later fragment may touch (RFC 1858, RFC 3128; case 22). */
static __always_inline __u32 protected_bytes(__u8 protocol)
{
	switch (protocol) {
	case PROTOCOL_TCP:
		return 20;
	case PROTOCOL_SCTP:
	case PROTOCOL_DCCP:
		return 12;
	default:
		return 8;
	}
}

/*
 * The common rules for both families (21-28, 40, 41): SPAN is the fragment's payload, OFFSET its
 * place in the packet, HEADER what the reassembled packet has in front of it.
 */
static __always_inline enum reason parse_fragment(struct packet *packet, const struct span *span,
						  __u32 offset, bool more, __u32 header)
{
	if (!more && !offset)
		return GO_ON; /* atomic: a whole packet */
	if (!span->left || (more && span->left % 8) || header + offset + span->left > IP_LENGTH_MAX)
		return REASON_fragment_length;
	if (!offset) {
		packet->facts |= FACT_FIRST_FRAGMENT;
		packet->fragment_offset = span->offset; /* until the headers' end is known */
		return GO_ON;
	}
	packet->fragment_offset = offset;
	if (offset < protected_bytes(packet->fragment_protocol))
		return REASON_fragment_offset;
	packet->facts |= FACT_LATER_FRAGMENT;
	return GO_ON;
}

static __always_inline enum reason parse_ip4(struct frame *frame, struct packet *packet,
					     struct span *span)
{
	const struct ip4_header *ip = frame_at(frame, span->offset, sizeof(*ip));
	__u32 header, length, fragment;

	if (!ip)
		return REASON_ip_cut;
	if (ip->version_ihl >> 4 != 4)
		return REASON_ip_version;
	header = (ip->version_ihl & 0xfU) * 4;
	if (header < sizeof(*ip))
		return REASON_ip_header_length;
	length = host16(ip->length);
	if (frame->super_packet && !length)
		length = frame->length - span->offset;
	if (length < header || !frame_holds(frame, span->offset + length))
		return header > length && length >= sizeof(*ip) ? REASON_ip_header_length
								: REASON_ip_length;
	if (header > sizeof(*ip))
		packet->facts |= FACT_IP_OPTIONS;
	packet->family = FAMILY_IPV4;
	packet->source.word[0] = ip->source;
	packet->destination.word[0] = ip->destination;
	packet->protocol = packet->fragment_protocol = ip->protocol;
	packet->hop_limit = ip->ttl;
	if (ip->protocol == PROTOCOL_HOP_BY_HOP || ip->protocol == PROTOCOL_RESERVED)
		return REASON_ip_protocol;
	span->offset += header;
	span->left = length - header;
	fragment = host16(ip->fragment);
	if (likely(!(fragment & (IP4_MORE | IP4_OFFSET))))
		return GO_ON;
	packet->fragment_id = ip->id;
	return parse_fragment(packet, span, (fragment & IP4_OFFSET) * 8, fragment & IP4_MORE,
			      header);
}

/*
 * The walk along the extension headers keeps what it has met in packet->facts and the header to
 * come in packet->protocol: the verifier does not follow values there, so it sees one state where
 * there would be one for each combination of headers. START is the offset of the first.
 *
 * The fragment header, always 8 bytes whatever its second byte says (42, 43).
 */
static __always_inline enum reason parse_fragment_header(struct frame *frame, struct packet *packet,
							 struct span *span, __u32 start)
{
	const struct fragment_header *header = frame_at(frame, span->offset, sizeof(*header));
	__u32 word;

	if (packet->facts & FACT_FRAGMENT_HEADER)
		return REASON_fragment_nested;
	if (!header || span->left < sizeof(*header))
		return REASON_ip6_extension_cut;
	packet->facts |= FACT_FRAGMENT_HEADER;
	packet->protocol = packet->fragment_protocol = header->next_header;
	packet->fragment_id = header->id;
	word = host16(header->offset_flags);
	span->offset += sizeof(*header);
	span->left -= sizeof(*header);
	return parse_fragment(packet, span, word & ~7U, word & IP6_MORE,
			      span->offset - start - (__u32)sizeof(*header));
}

/* Hop-by-hop first and once, routing once, options twice (38, RFC 8200 section 4.1). */
static __always_inline bool is_repeated(struct packet *packet, bool first)
{
	__u32 facts = packet->facts;

	switch (packet->protocol) {
	case PROTOCOL_HOP_BY_HOP:
		return !first;
	case PROTOCOL_ROUTING:
		packet->facts = facts | FACT_ROUTING_HEADER;
		return facts & FACT_ROUTING_HEADER;
	default:
		packet->facts = facts | (facts & FACT_OPTIONS_HEADER ? FACT_OPTIONS_TWICE
								     : FACT_OPTIONS_HEADER);
		return facts & FACT_OPTIONS_TWICE;
	}
}

static __always_inline enum reason parse_extension(struct frame *frame, struct packet *packet,
						   struct span *span, __u32 start)
{
	const struct extension_header *header = frame_at(frame, span->offset, 8);
	__u32 length;

	if (is_repeated(packet, span->offset == start))
		return REASON_ip6_extension_order;
	if (!header || span->left < 8)
		return header_cut(packet, REASON_ip6_extension_cut);
	length = (header->length + 1U) * 8;
	if (length > span->left)
		return header_cut(packet, REASON_ip6_extension_cut);
	packet->protocol = header->next_header;
	span->offset += length;
	span->left -= length;
	return span->offset - start > EXTENSION_BYTES_MAX ? REASON_ip6_extension_limit : GO_ON;
}

static __always_inline bool is_extension(__u8 next_header)
{
	return next_header == PROTOCOL_HOP_BY_HOP || next_header == PROTOCOL_ROUTING ||
	       next_header == PROTOCOL_FRAGMENT || next_header == PROTOCOL_OPTIONS;
}

/* AH (51) and ESP (50) end the walk: they are protocols of their own for the matrix (47). */
static __always_inline enum reason parse_extensions(struct frame *frame, struct packet *packet,
						    struct span *span)
{
	__u32 start = span->offset;
	enum reason reason;
	int i;

	for (i = 0; i < EXTENSIONS_MAX && is_extension(packet->protocol); i++) {
		if (packet->protocol == PROTOCOL_FRAGMENT)
			reason = parse_fragment_header(frame, packet, span, start);
		else
			reason = parse_extension(frame, packet, span, start);
		if (reason || packet->facts & FACT_LATER_FRAGMENT)
			return reason;
	}
	return is_extension(packet->protocol) ? REASON_ip6_extension_limit : GO_ON;
}

static __always_inline enum reason parse_ip6(struct frame *frame, struct packet *packet,
					     struct span *span)
{
	const struct ip6_header *ip = frame_at(frame, span->offset, sizeof(*ip));
	__u8 next_header;
	__u32 length;

	if (!ip)
		return REASON_ip_cut;
	if (host32(ip->version_class_label) >> 28 != 6)
		return REASON_ip_version;
	length = host16(ip->payload_length);
	if (!length) {
		if (!frame->super_packet)
			return REASON_ip6_jumbogram;
		length = frame->length - span->offset - (__u32)sizeof(*ip);
	}
	if (!frame_holds(frame, span->offset + (__u32)sizeof(*ip) + length))
		return REASON_ip_length;
	packet->family = FAMILY_IPV6;
	packet->source = ip->source;
	packet->destination = ip->destination;
	packet->hop_limit = ip->hop_limit;
	next_header = ip->next_header;
	packet->protocol = packet->fragment_protocol = next_header;
	span->offset += sizeof(*ip);
	span->left = length;
	if (likely(!is_extension(next_header)))
		return GO_ON;
	return parse_extensions(frame, packet, span);
}

#endif
