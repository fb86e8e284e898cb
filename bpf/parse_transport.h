/* SPDX-License-Identifier: GPL-2.0-only */
/* TCP, UDP, ICMP and ICMPv6, and the packet that an ICMP error quotes. */
#ifndef ROLEWALL_PARSE_TRANSPORT_H
#define ROLEWALL_PARSE_TRANSPORT_H

#include "parse_ip.h"

enum icmp4_type {
	ICMP4_ECHO_REPLY = 0,
	ICMP4_UNREACHABLE = 3,
	ICMP4_ECHO_REQUEST = 8,
	ICMP4_TIME_EXCEEDED = 11,
	ICMP4_PARAMETER = 12,
	ICMP4_CODE_TOO_BIG = 4, /* of unreachable */
};

enum icmp6_type {
	ICMP6_UNREACHABLE = 1,
	ICMP6_TOO_BIG = 2,
	ICMP6_TIME_EXCEEDED = 3,
	ICMP6_PARAMETER = 4,
	ICMP6_ECHO_REQUEST = 128,
	ICMP6_ECHO_REPLY = 129,
	ICMP6_MLD_QUERY = 130,
	ICMP6_MLD_REPORT = 131,
	ICMP6_MLD_DONE = 132,
	ICMP6_ROUTER_SOLICITATION = 133,
	ICMP6_ROUTER_ADVERTISEMENT = 134,
	ICMP6_NEIGHBOUR_SOLICITATION = 135,
	ICMP6_NEIGHBOUR_ADVERTISEMENT = 136,
	ICMP6_MLD2_REPORT = 143,
};

#define MTU_MIN_IPV4 68U /* RFC 791 section 3.2 */
#define MTU_MIN_IPV6 1280U /* RFC 8200 section 5 */

struct tcp_header {
	__u16 source, destination;
	__u32 sequence, acknowledgement;
	__u8 data_offset, flags;
	__u16 window, checksum, urgent;
};

struct udp_header {
	__u16 source, destination, length, checksum;
};

struct icmp_header {
	__u8 type, code;
	__u16 checksum;
	__u16 id, sequence_or_mtu;
};

/* A SYN without ACK: it starts a connection, so it is never a reply. Other protocols have no flags. */
static __always_inline bool is_first_segment(__u8 tcp_flags)
{
	return (tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
}

/* The first bytes of a quoted transport header: ports, or type and id of an echo. */
struct quoted_transport {
	__u16 first, second, third, fourth;
};

static __always_inline enum reason parse_tcp(struct frame *frame, struct packet *packet,
					     const struct span *span)
{
	const struct tcp_header *tcp = frame_at(frame, span->offset, sizeof(*tcp));
	__u32 header;

	if (!tcp || span->left < sizeof(*tcp))
		return header_cut(packet, REASON_l4_cut);
	header = (tcp->data_offset >> 4) * 4U;
	if (header < sizeof(*tcp))
		return REASON_tcp_header_length;
	if (header > span->left)
		return header_cut(packet, REASON_tcp_header_length);
	packet->source_port = host16(tcp->source);
	packet->destination_port = host16(tcp->destination);
	packet->tcp_flags = tcp->flags;
	return GO_ON;
}

static __always_inline enum reason parse_udp(struct frame *frame, struct packet *packet,
					     const struct span *span)
{
	const struct udp_header *udp = frame_at(frame, span->offset, sizeof(*udp));
	__u32 length;

	if (!udp || span->left < sizeof(*udp))
		return header_cut(packet, REASON_l4_cut);
	packet->source_port = host16(udp->source);
	packet->destination_port = host16(udp->destination);
	if (!udp->checksum && packet->family == FAMILY_IPV6)
		packet->facts |= FACT_NO_CHECKSUM;
	length = host16(udp->length);
	if (frame->super_packet && !length)
		return GO_ON;
	if (length < sizeof(*udp))
		return REASON_udp_length;
	/* Of a super packet it may be that of one segment, of a first fragment it is the whole's. */
	if (frame->super_packet || packet->facts & FACT_FIRST_FRAGMENT)
		return GO_ON;
	return length > span->left ? REASON_udp_length : GO_ON;
}

static __always_inline bool is_echo_request(__u8 family, __u8 protocol, __u32 type)
{
	return family == FAMILY_IPV4 ? protocol == PROTOCOL_ICMP && type == ICMP4_ECHO_REQUEST
				     : protocol == PROTOCOL_ICMP6 && type == ICMP6_ECHO_REQUEST;
}

static __always_inline void parse_quoted_transport(struct frame *frame, struct packet *packet,
						   __u32 offset)
{
	const struct quoted_transport *quoted = frame_at(frame, offset, sizeof(*quoted));
	struct quote *quote = &packet->quote;

	if (!quoted)
		return;
	if (quote->protocol == PROTOCOL_TCP || quote->protocol == PROTOCOL_UDP) {
		quote->source_port = host16(quoted->first);
		quote->destination_port = host16(quoted->second);
		packet->facts |= FACT_QUOTE;
	} else if (is_echo_request(packet->family, quote->protocol, host16(quoted->first) >> 8)) {
		quote->source_port = quote->destination_port = host16(quoted->third);
		packet->facts |= FACT_QUOTE;
	}
}

/* Only what can be matched becomes a quote: a later fragment has no ports (RFC 5927). */
static __always_inline void parse_quote4(struct frame *frame, struct packet *packet,
					 const struct span *span)
{
	const struct ip4_header *ip = frame_at(frame, span->offset + 8, sizeof(*ip));
	__u32 header;

	if (!ip || ip->version_ihl >> 4 != 4)
		return;
	header = (ip->version_ihl & 0xfU) * 4;
	if (header < sizeof(*ip) || span->left < 8 + header + 8 ||
	    host16(ip->fragment) & IP4_OFFSET)
		return;
	packet->quote.source.word[0] = ip->source;
	packet->quote.destination.word[0] = ip->destination;
	packet->quote.protocol = ip->protocol;
	parse_quoted_transport(frame, packet, span->offset + 8 + header);
}

/* Extension headers in the quote: a fragment header is followed, others end the match. */
static __always_inline void parse_quote6(struct frame *frame, struct packet *packet,
					 const struct span *span)
{
	const struct ip6_header *ip = frame_at(frame, span->offset + 8, sizeof(*ip));
	const struct fragment_header *fragment;
	__u32 offset = span->offset + 8 + (__u32)sizeof(*ip);

	if (!ip || host32(ip->version_class_label) >> 28 != 6)
		return;
	packet->quote.source = ip->source;
	packet->quote.destination = ip->destination;
	packet->quote.protocol = ip->next_header;
	if (ip->next_header == PROTOCOL_FRAGMENT) {
		fragment = frame_at(frame, offset, sizeof(*fragment));
		if (!fragment || host16(fragment->offset_flags) & ~7U)
			return;
		packet->quote.protocol = fragment->next_header;
		offset += (__u32)sizeof(*fragment);
	}
	if (offset + 8 <= span->offset + span->left)
		parse_quoted_transport(frame, packet, offset);
}

static __always_inline enum reason parse_icmp4(struct frame *frame, struct packet *packet,
					       const struct span *span)
{
	const struct icmp_header *icmp = frame_at(frame, span->offset, sizeof(*icmp));

	if (!icmp || span->left < sizeof(*icmp))
		return header_cut(packet, REASON_l4_cut);
	packet->icmp_type = icmp->type;
	packet->icmp_code = icmp->code;
	switch (icmp->type) {
	case ICMP4_ECHO_REQUEST:
	case ICMP4_ECHO_REPLY:
		packet->source_port = packet->destination_port = host16(icmp->id);
		break;
	case ICMP4_UNREACHABLE:
		if (icmp->code == ICMP4_CODE_TOO_BIG &&
		    host16(icmp->sequence_or_mtu) < MTU_MIN_IPV4)
			packet->facts |= FACT_TINY_MTU;
		parse_quote4(frame, packet, span);
		break;
	case ICMP4_TIME_EXCEEDED:
	case ICMP4_PARAMETER:
		parse_quote4(frame, packet, span);
		break;
	}
	return GO_ON;
}

/* RFC 4861 sections 4.1-4.4, 6.1 and 7.1; RFC 6980 for fragments (case 51). */
static __always_inline enum reason parse_neighbour_discovery(const struct packet *packet,
							     const struct span *span)
{
	__u32 least = 24;

	if (packet->icmp_type == ICMP6_ROUTER_SOLICITATION)
		least = 8;
	else if (packet->icmp_type == ICMP6_ROUTER_ADVERTISEMENT)
		least = 16;
	if (packet->hop_limit != 255 || packet->icmp_code || span->left < least ||
	    packet->facts & FACT_FRAGMENT_HEADER)
		return REASON_nd_invalid;
	return REASON_neighbour_discovery;
}

/* On the link only: hop limit 1 from a link-local or no address (RFC 2710, RFC 3810; case 53). */
static __always_inline enum reason parse_listener(const struct packet *packet)
{
	const union address *source = &packet->source;
	bool link_local = (host32(source->word[0]) & 0xffc00000U) == 0xfe800000U;
	bool none = !(source->word[0] | source->word[1] | source->word[2] | source->word[3]);

	return packet->hop_limit == 1 && (link_local || none) ? REASON_multicast_listener : GO_ON;
}

static __always_inline enum reason parse_icmp6(struct frame *frame, struct packet *packet,
					       const struct span *span)
{
	const struct icmp_header *icmp = frame_at(frame, span->offset, sizeof(*icmp));

	if (!icmp || span->left < sizeof(*icmp))
		return header_cut(packet, REASON_l4_cut);
	packet->icmp_type = icmp->type;
	packet->icmp_code = icmp->code;
	switch (icmp->type) {
	case ICMP6_ECHO_REQUEST:
	case ICMP6_ECHO_REPLY:
		packet->source_port = packet->destination_port = host16(icmp->id);
		return GO_ON;
	case ICMP6_TOO_BIG:
		if (!icmp->id && host16(icmp->sequence_or_mtu) < MTU_MIN_IPV6)
			packet->facts |= FACT_TINY_MTU;
		parse_quote6(frame, packet, span);
		return GO_ON;
	case ICMP6_UNREACHABLE:
	case ICMP6_TIME_EXCEEDED:
	case ICMP6_PARAMETER:
		parse_quote6(frame, packet, span);
		return GO_ON;
	case ICMP6_ROUTER_SOLICITATION ... ICMP6_NEIGHBOUR_ADVERTISEMENT:
		return parse_neighbour_discovery(packet, span);
	case ICMP6_MLD_QUERY ... ICMP6_MLD_DONE:
	case ICMP6_MLD2_REPORT:
		return parse_listener(packet);
	default:
		return GO_ON;
	}
}

/* Protocols without ports for the matrix go on as they are: decide.h knows what to do with them. */
static __always_inline enum reason parse_transport(struct frame *frame, struct packet *packet,
						   const struct span *span)
{
	if (likely(packet->protocol == PROTOCOL_TCP))
		return parse_tcp(frame, packet, span);
	if (packet->protocol == PROTOCOL_UDP)
		return parse_udp(frame, packet, span);
	switch (packet->protocol) {
	case PROTOCOL_ICMP:
		return packet->family == FAMILY_IPV4 ? parse_icmp4(frame, packet, span) : GO_ON;
	case PROTOCOL_ICMP6:
		return packet->family == FAMILY_IPV6 ? parse_icmp6(frame, packet, span) : GO_ON;
	case PROTOCOL_NONE:
		return packet->family == FAMILY_IPV6 ? REASON_ip6_no_next_header : GO_ON;
	default:
		return GO_ON;
	}
}

/* What an ICMP message is for whom it reaches. */
enum icmp_class {
	ICMP_CLASS_OTHER,
	ICMP_CLASS_REQUEST,
	ICMP_CLASS_REPLY,
	ICMP_CLASS_ERROR,
};

static __always_inline enum icmp_class classify_icmp(const struct packet *packet)
{
	if (packet->family == FAMILY_IPV4) {
		switch (packet->icmp_type) {
		case ICMP4_ECHO_REQUEST:
			return ICMP_CLASS_REQUEST;
		case ICMP4_ECHO_REPLY:
			return ICMP_CLASS_REPLY;
		case ICMP4_UNREACHABLE:
		case ICMP4_TIME_EXCEEDED:
		case ICMP4_PARAMETER:
			return ICMP_CLASS_ERROR;
		}
		return ICMP_CLASS_OTHER;
	}
	switch (packet->icmp_type) {
	case ICMP6_ECHO_REQUEST:
		return ICMP_CLASS_REQUEST;
	case ICMP6_ECHO_REPLY:
		return ICMP_CLASS_REPLY;
	case ICMP6_UNREACHABLE ... ICMP6_PARAMETER:
		return ICMP_CLASS_ERROR;
	}
	return ICMP_CLASS_OTHER;
}

static __always_inline bool is_icmp(const struct packet *packet)
{
	return packet->protocol == (packet->family == FAMILY_IPV4 ? PROTOCOL_ICMP : PROTOCOL_ICMP6);
}

#endif
