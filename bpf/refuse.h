/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is said before any row is asked: of a packet between hosts that nobody guards, and of one that
 * neither reaches nor leaves a guarded host, whatever its roles. docs/packets.md states each rule.
 */
#ifndef ROLEWALL_REFUSE_H
#define ROLEWALL_REFUSE_H

#include "court.h"
#include "parse_transport.h"

/* RFC 1812 section 5.3.7, RFC 6890 (case 32): 0/8, 127/8, multicast and above. */
static __always_inline bool is_bad_source4(__u32 network_address)
{
	__u32 first = host32(network_address) >> 24;

	return first == 0 || first == 127 || first >= 224;
}

/* ::/96 (unspecified, loopback, compatible) and ::ffff:0:0/96 (mapped). */
static __always_inline bool is_bad_either6(const union address *address)
{
	return !(address->word[0] | address->word[1]) &&
	       (!address->word[2] || address->word[2] == net32(0xffff));
}

/* Multicast, or link-local, which no gateway forwards (case 50). */
static __always_inline bool is_bad_source6(const union address *address)
{
	return address->byte[0] == 0xff ||
	       (host32(address->word[0]) & 0xffc00000U) == 0xfe800000U || is_bad_either6(address);
}

static __always_inline bool is_bad_destination(const struct packet *packet)
{
	__u32 first;

	if (packet->family == FAMILY_IPV6)
		return is_bad_either6(&packet->destination);
	first = host32(packet->destination.word[0]) >> 24;
	return first == 0 || first == 127;
}

static __always_inline bool has_ports(const struct packet *packet)
{
	return (packet->protocol == PROTOCOL_TCP || packet->protocol == PROTOCOL_UDP) &&
	       !(packet->facts & FACT_LATER_FRAGMENT);
}

/* VU#464113 (case 56): no connection has these. A segment has SYN, ACK or RST, and SYN stands alone. */
static __always_inline bool is_bad_flags(__u8 flags)
{
	if (!(flags & (TCP_SYN | TCP_ACK | TCP_RST)))
		return true;
	return flags & TCP_SYN && flags & (TCP_FIN | TCP_RST);
}

static __always_inline enum image_record port_table(__u8 protocol)
{
	return protocol == PROTOCOL_TCP ? RECORD_TCP : RECORD_UDP;
}

static __always_inline bool is_failsafe(const struct court *court, const struct packet *packet)
{
	return has_ports(packet) && find_row(&court->book, &court->destination,
					     port_table(packet->protocol), packet->destination_port,
					     court->source.cell) == REASON_CELL(REASON_failsafe);
}

/* The other direction: answers from such a port. */
static __always_inline bool is_failsafe_answer(const struct court *court,
					       const struct packet *packet)
{
	return has_ports(packet) && !is_first_segment(packet->tcp_flags) &&
	       find_row(&court->book, &court->source, port_table(packet->protocol),
			packet->source_port,
			court->destination.cell) == REASON_CELL(REASON_failsafe);
}

/* Neither end is guarded. */
static __always_inline enum reason decide_unguarded(const struct court *court,
						    const struct packet *packet)
{
	if (!(court->book.cells[HEADER_OPTIONS] & OPTION_UNLISTED_DROP))
		return REASON_transit;
	return is_failsafe(court, packet) || is_failsafe_answer(court, packet) ? REASON_failsafe
									       : REASON_unlisted;
}

/* What neither reaches nor leaves a guarded host, whatever its roles. */
static __always_inline enum reason refuse_odd(const struct court *court,
					      const struct packet *packet)
{
	if (packet->facts & FACT_IP_OPTIONS)
		return REASON_ip_options;
	if (packet->facts & FACT_ROUTING_HEADER)
		return REASON_ip6_routing;
	if (packet->family == FAMILY_IPV4 ? is_bad_source4(packet->source.word[0])
					  : is_bad_source6(&packet->source))
		return REASON_ip_source;
	/* A pool holds no such address (site.c), so a guarded destination is none. */
	if (!(is_guarded(&court->destination)) && is_bad_destination(packet))
		return REASON_ip_destination;
	if (same_address(&packet->source, &packet->destination))
		return REASON_land;
	if (packet->facts & FACT_GROUP_FRAME && is_guarded(&court->destination))
		return REASON_mac_group;
	if (has_ports(packet) && (!packet->source_port || !packet->destination_port))
		return REASON_port_zero;
	if (unlikely(is_guarded(&court->source)) &&
	    side_of(court->ifindex, court->book.slot) == SIDE_OUTSIDE &&
	    !(is_guarded(&court->destination) && is_failsafe(court, packet)))
		return REASON_spoofed;
	if (packet->protocol == PROTOCOL_TCP && !(packet->facts & FACT_LATER_FRAGMENT) &&
	    unlikely(is_bad_flags(packet->tcp_flags)))
		return REASON_tcp_flags;
	return GO_ON;
}

#endif
