/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Step 1, parse: from bytes to facts. Reads every header to its end before anybody decides, and
 * refuses what it cannot read or what contradicts itself. The cases are numbered in
 * docs/packets.md. A parser returns GO_ON, a drop reason, or the pass reason of a frame that the
 * link itself needs.
 */
#ifndef ROLEWALL_PARSE_H
#define ROLEWALL_PARSE_H

#include "packet.h"
#include "reason.h"
#include "parse_ip.h"
#include "parse_transport.h"

#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_ARP 0x0806
#define ETHERTYPE_VLAN 0x8100
#define ETHERTYPE_IPV6 0x86dd
#define ETHERTYPE_SLOW 0x8809 /* LACP and the other slow protocols */
#define ETHERTYPE_EAPOL 0x888e
#define ETHERTYPE_QINQ 0x88a8
#define ETHERTYPE_LLDP 0x88cc
#define ETHERTYPE_QINQ_OLD 0x9100
#define ETHERTYPE_FIRST 0x0600 /* below: an 802.3 length */

struct ethernet_header {
	__u8 destination[6], source[6];
	__u16 type;
};

struct vlan_tag {
	__u16 control, type;
};

struct llc_header {
	__u8 destination, source, control;
};

struct arp_header {
	__u16 hardware, protocol;
	__u8 hardware_length, protocol_length;
	__u16 operation;
	__u8 addresses[20]; /* 6 + 4, twice */
};

static __always_inline bool is_vlan_type(__u16 type)
{
	return type == ETHERTYPE_VLAN || type == ETHERTYPE_QINQ || type == ETHERTYPE_QINQ_OLD;
}

/* 01:80:c2:00:00:0x, which no bridge forwards (IEEE 802.1D table 7-10). */
static __always_inline bool is_reserved_group(const __u8 *mac)
{
	return mac[0] == 0x01 && mac[1] == 0x80 && mac[2] == 0xc2 && mac[3] == 0 && mac[4] == 0 &&
	       mac[5] < 0x10;
}

/* 802.3 frames: spanning tree passes, nothing else (VU#855201: SNAP can carry IP). */
static __always_inline enum reason parse_llc(struct frame *frame, __u32 offset, bool reserved)
{
	const struct llc_header *llc = frame_at(frame, offset, sizeof(*llc));

	if (reserved && llc && llc->destination == 0x42 && llc->source == 0x42 && llc->control == 3)
		return REASON_link_control;
	return REASON_llc;
}

/* RFC 826, Ethernet and IPv4, request or reply. */
static __always_inline enum reason parse_arp(struct frame *frame, __u32 offset)
{
	const struct arp_header *arp = frame_at(frame, offset, sizeof(*arp));

	if (!arp || host16(arp->hardware) != 1 || host16(arp->protocol) != ETHERTYPE_IPV4 ||
	    arp->hardware_length != 6 || arp->protocol_length != 4 ||
	    (host16(arp->operation) != 1 && host16(arp->operation) != 2))
		return REASON_arp_malformed;
	return REASON_arp;
}

static __always_inline enum reason parse_tag(struct frame *frame, __u32 *offset, __u16 *type)
{
	const struct vlan_tag *tag = frame_at(frame, *offset, sizeof(*tag));

	if (!tag)
		return REASON_vlan_cut;
	*type = host16(tag->type);
	*offset += (__u32)sizeof(*tag);
	return GO_ON;
}

/*
 * Up to two tags of any of the three types; a priority tag is a tag (cases 4-6, 8). Not a loop:
 * clang turns this one into a form that Linux 6.1 takes for endless.
 */
static __always_inline enum reason parse_tags(struct frame *frame, __u32 *offset, __u16 *type)
{
	enum reason reason = GO_ON;

	if (likely(!is_vlan_type(*type)))
		return GO_ON;
	reason = parse_tag(frame, offset, type);
	if (reason || !is_vlan_type(*type))
		return reason;
	if (frame->tag_stripped)
		return REASON_vlan_depth;
	reason = parse_tag(frame, offset, type);
	if (reason)
		return reason;
	return is_vlan_type(*type) ? REASON_vlan_depth : GO_ON;
}

/* Ethernet, tags, and the frames that are not IP. Leaves *offset at the IP header. */
static __always_inline enum reason parse_link(struct frame *frame, struct packet *packet,
					      __u32 *offset)
{
	const struct ethernet_header *ethernet = frame_at(frame, 0, sizeof(*ethernet));
	enum reason reason;
	bool reserved;
	__u16 type;

	if (!ethernet)
		return REASON_frame_cut;
	if (ethernet->destination[0] & 1)
		packet->facts |= FACT_GROUP_FRAME;
	type = host16(ethernet->type);
	*offset = sizeof(*ethernet);
	reason = parse_tags(frame, offset, &type);
	if (reason)
		return reason;
	packet->ethertype = type;
	if (likely(type == ETHERTYPE_IPV4 || type == ETHERTYPE_IPV6))
		return GO_ON;
	if (type == ETHERTYPE_ARP)
		return parse_arp(frame, *offset);
	reserved = is_reserved_group(ethernet->destination);
	if (type < ETHERTYPE_FIRST)
		return parse_llc(frame, *offset, reserved);
	if (type == ETHERTYPE_EAPOL ||
	    (reserved && (type == ETHERTYPE_LLDP || type == ETHERTYPE_SLOW)))
		return REASON_link_control;
	return REASON_ethertype;
}

static __always_inline enum reason parse(struct frame *frame, struct packet *packet)
{
	struct span *span = &packet->span;
	enum reason reason = parse_link(frame, packet, &span->offset);

	if (unlikely(reason))
		return reason;
	if (packet->ethertype == ETHERTYPE_IPV4)
		reason = parse_ip4(frame, packet, span);
	else
		reason = parse_ip6(frame, packet, span);
	if (reason || packet->facts & FACT_LATER_FRAGMENT)
		return reason;
	if (packet->facts & FACT_FIRST_FRAGMENT)
		packet->fragment_offset =
			span->offset - packet->fragment_offset + protected_bytes(packet->protocol);
	return parse_transport(frame, packet, span);
}

#endif
