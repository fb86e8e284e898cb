/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fast way: a whole TCP or UDP packet whose verdict needs the image, and perhaps a flow, which it
 * may start; tagged ones in a program of their own. Judges those and leaves every other packet,
 * whatever it is, to the full programs, so it may be as narrow as it likes, but must never say
 * anything else than they would. The packet tests ask the full programs about every packet, too, and
 * hold the answers together.
 *
 * Nothing here calls a function and nothing of the packet goes through memory but a flow's key;
 * docs/performance.md says what each part costs.
 */
#ifndef ROLEWALL_FAST_H
#define ROLEWALL_FAST_H

#include "decide.h"
#include "parse.h"

/* The environment's: the interface a frame came in by. It takes three loads: who needs it asks. */
static __always_inline __u32 frame_ifindex(const struct frame *frame);

/* The environment's: the same frame, read anew. */
static __always_inline struct frame frame_again(const struct frame *frame);

enum fast {
	FAST_NO, /* not for this way */
	FAST_ROW, /* passes by a row */
	FAST_PASS, /* passes for another reason */
	FAST_SHUT, /* drops: the destination is guarded, and no row of it opens the port */
	FAST_FURTHER, /* a flow, or the source's side, says what */
};

/* What a packet is seen to be. */
struct glance {
	const struct frame *frame;
	const struct ip4_header *ip4;
	const struct ip6_header *ip6; /* the one of its family */
	enum family family;
	__u16 source_port, destination_port; /* as they lie in the packet */
	enum image_record table; /* of its protocol */
	__u8 flags; /* TCP's; UDP: none */
	bool has_checksum; /* UDP: where its family wants one */
};

/* One bit for each combination of the five low flags, 0 where is_bad_flags(). A constant. */
static __always_inline __u32 usual_flags(void)
{
	__u32 usual = 0, flags;

#pragma unroll
	for (flags = 0; flags < 32; flags++)
		usual |= (__u32)!is_bad_flags((__u8)flags) << flags;
	return usual;
}

/* TCP with all of its header in the BYTES that the packet has from BEFORE it on. */
static __always_inline bool is_plain_tcp(const struct tcp_header *tcp, __u32 before, __u32 bytes)
{
	__u32 header = (tcp->data_offset & 0xf0U) >> 2;

	return header >= sizeof(*tcp) && before + header <= bytes &&
	       usual_flags() >> (tcp->flags & 31U) & 1U;
}

static __always_inline bool is_plain_udp(const struct udp_header *udp, __u32 before, __u32 bytes)
{
	__u32 length = host16(udp->length);

	return length >= sizeof(*udp) && before + length <= bytes;
}

/* The same for either; HEADER is both, as far as they are alike. */
static __always_inline bool is_plain(__u8 protocol, const void *header, __u32 before, __u32 bytes)
{
	if (likely(protocol == PROTOCOL_TCP))
		return is_plain_tcp(header, before, bytes);
	return protocol == PROTOCOL_UDP && is_plain_udp(header, before, bytes);
}

/* 0/8, 127/8, multicast and above are for the full programs. */
static __always_inline bool is_usual4(__u32 address)
{
	__u32 first = first_byte(address);

	return first - 1 < 223 && first != 127;
}

/* Global unicast and unique local: the rest, good or bad, is for the full programs. */
static __always_inline bool is_usual6(const union address *address)
{
	__u32 first = address->byte[0];

	return first >> 5 == 1 || first >> 1 == 0x7e;
}

static __always_inline __u8 protocol_of(const struct glance *glance)
{
	return glance->table == RECORD_TCP ? PROTOCOL_TCP : PROTOCOL_UDP;
}

static __always_inline struct flow_touch fast_touch(const struct court *court,
						    const struct glance *glance, bool outbound)
{
	return (struct flow_touch){
		.tcp_flags = glance->flags,
		.outbound = outbound,
		.look = court->probe,
	};
}

static __always_inline struct flow_key fast_key(const struct glance *glance, bool outbound)
{
	__u32 source = host16(glance->source_port), destination = host16(glance->destination_port);
	struct flow_key key = {
		.ports = outbound ? source << 16 | destination : destination << 16 | source,
		.protocol = protocol_of(glance),
		.family = (__u8)glance->family,
	};

	if (glance->family == FAMILY_IPV4) {
		key.local.word[0] = outbound ? glance->ip4->source : glance->ip4->destination;
		key.remote.word[0] = outbound ? glance->ip4->destination : glance->ip4->source;
	} else {
		key.local = outbound ? glance->ip6->source : glance->ip6->destination;
		key.remote = outbound ? glance->ip6->destination : glance->ip6->source;
	}
	return key;
}

/* The packet's flow, if it belongs to one. */
static __always_inline bool fast_flow(const struct court *court, const struct flow_key *key,
				      const struct flow_touch *touch)
{
	return flow_seek(key, touch, court->book.cells) && !(court->shadow && is_refused(key));
}

/* To a guarded host, and no row opens the port, but perhaps a flow. */
static __always_inline enum fast fast_reply(const struct court *court, const struct glance *glance,
					    struct verdict *found)
{
	const struct flow_touch touch = fast_touch(court, glance, false);
	const struct flow_key key = fast_key(glance, false);

	if (fast_flow(court, &key, &touch)) {
		*found = (struct verdict){.reason = REASON_flow, .by_flow = BY_FLOW_TO};
		return FAST_PASS;
	}
	return is_asymmetric(court) ? FAST_NO : FAST_SHUT;
}

/* What the table of one end says of a port to the other end. */
static __always_inline __u32 fast_value(const struct book *book, const struct end *end,
					enum image_record table, __u16 port, __u32 other)
{
	return value_for(book, port_cell(book, end->cell + (__u32)table, port), other);
}

static __always_inline bool is_usual_destination(const struct glance *glance)
{
	return glance->family == FAMILY_IPV4 ? is_usual4(glance->ip4->destination)
					     : is_usual6(&glance->ip6->destination);
}

static __always_inline bool is_same_host(const struct glance *glance)
{
	return glance->family == FAMILY_IPV4
		       ? glance->ip4->source == glance->ip4->destination
		       : same_address(&glance->ip6->source, &glance->ip6->destination);
}

/* The destination's side of a packet from a guarded host. False: not for this way. */
static __always_inline bool fast_arrival(const struct court *court, const struct glance *glance,
					 bool to_guarded, struct verdict *found)
{
	if (!to_guarded) {
		*found = verdict(REASON_outbound);
		return !is_ike(protocol_of(glance), host16(glance->destination_port)) &&
		       is_usual_destination(glance);
	}
	found->row = fast_value(&court->book, &court->destination, glance->table,
				glance->destination_port, court->source.cell);
	return is_row(found->row) && !is_same_host(glance);
}

/* The source's side under `outbound: matrix`. ANSWERS: from a port that is open to the other end. */
static __always_inline bool fast_departure(const struct court *court, const struct glance *glance,
					   bool answers, struct verdict *found)
{
	__u32 value = find_outbound(&court->book, &court->source, protocol_of(glance),
				    host16(glance->destination_port), court->destination.cell);

	if (is_row(value)) {
		if (!found->row)
			found->row = value;
		return true;
	}
	if (reason_of(value) == REASON_outbound && found->row)
		return true;
	return !value && !(answers && is_first_segment(glance->flags));
}

/* As may_start() and the rest of the full programs have it. Its own side lets it go unless it has rules. */
static __always_inline bool fast_may_start(const struct court *court, const struct glance *glance)
{
	__u8 flags = glance->flags & (TCP_SYN | TCP_ACK | TCP_RST);

	return court->starts && !(court->book.cells[HEADER_OPTIONS] & OPTION_OUTBOUND_MATRIX) &&
	       (glance->table == RECORD_TCP ? flags == TCP_SYN : glance->has_checksum);
}

/*
 * From a guarded host. It passes if its answer is let in by a row, or its flow is there, or it is the
 * first of one; the full program knows the rest.
 */
static __always_inline enum fast
fast_from_guarded(const struct court *court, const struct glance *glance, struct verdict *found)
{
	const struct flow_touch touch = fast_touch(court, glance, true);
	bool to_guarded = is_guarded(&court->destination), answers;
	struct flow_key key;

	if (!glance->destination_port ||
	    side_of(frame_ifindex(glance->frame), court->book.cells[HEADER_SLOT]) == SIDE_OUTSIDE ||
	    !fast_arrival(court, glance, to_guarded, found))
		return FAST_NO;
	answers = is_open(fast_value(&court->book, &court->source, glance->table,
				     glance->source_port, court->destination.cell));
	if (court->book.cells[HEADER_OPTIONS] & OPTION_OUTBOUND_MATRIX &&
	    !fast_departure(court, glance, answers, found))
		return FAST_NO;
	if (!answers) {
		key = fast_key(glance, true);
		if (!fast_flow(court, &key, &touch)) {
			if (!fast_may_start(court, glance))
				return FAST_NO;
			flow_start(&key, &touch, court->book.cells);
		}
	}
	found->by_flow = answers ? NOT_BY_FLOW : BY_FLOW_FROM;
	return found->row ? FAST_ROW : FAST_PASS;
}

/* Headers without options, which one test finds within the frame. Shorter UDP is for the full programs. */
#define IP4_BYTES ((__u32)(sizeof(struct ip4_header) + sizeof(struct tcp_header)))
#define IP6_BYTES ((__u32)(sizeof(struct ip6_header) + sizeof(struct tcp_header)))

/*
 * What most packets do not need. It reads the packet once more: what it would have to be handed
 * costs all packets registers. FAMILY is a constant. LINK: bytes in front of the IP header, a constant
 * where there are no tags.
 */
static __always_inline enum fast fast_further(const struct frame *seen, __u32 link,
					      enum family family, const struct court *court,
					      struct verdict *found)
{
	const struct frame frame = frame_again(seen);
	const void *bytes = frame_at(&frame, link, family == FAMILY_IPV4 ? IP4_BYTES : IP6_BYTES);
	const struct ip4_header *ip4 = bytes;
	const struct ip6_header *ip6 = bytes;
	const struct tcp_header *tcp = family == FAMILY_IPV4 ? (const void *)(ip4 + 1)
							     : (const void *)(ip6 + 1);
	const struct udp_header *udp = (const void *)tcp;
	struct glance glance = {.frame = &frame, .ip4 = ip4, .ip6 = ip6, .family = family};

	if (!bytes)
		return FAST_NO;
	glance.source_port = tcp->source;
	glance.destination_port = tcp->destination;
	glance.table = RECORD_UDP;
	glance.has_checksum = family == FAMILY_IPV4 || udp->checksum;
	if ((family == FAMILY_IPV4 ? ip4->protocol : ip6->next_header) == PROTOCOL_TCP) {
		glance.table = RECORD_TCP;
		glance.flags = tcp->flags;
	}
	return court->source.cell & CELL_GUARDED ? fast_from_guarded(court, &glance, found)
						 : fast_reply(court, &glance, found);
}

/* To a guarded host, but no row opens the port to everybody. */
static __always_inline enum fast fast_shut(const struct court *court, __u8 protocol,
					   const struct tcp_header *tcp, struct verdict *found)
{
	if (likely(found->row == ROW_NONE)) {
		if (unlikely(!tcp->destination))
			return FAST_NO;
		if (protocol == PROTOCOL_TCP && is_first_segment(tcp->flags))
			return FAST_SHUT;
		return FAST_FURTHER;
	}
	if (!is_by_source(found->row))
		return FAST_NO;
	found->row = cell_for(&court->book, found->row, court->source.cell);
	return is_row(found->row) ? FAST_ROW : FAST_NO;
}

/* Both ends are looked up, and the source's address is a usual one. TCP: or UDP. */
static __always_inline enum fast fast_decide(const struct court *court, __u8 protocol,
					     const struct tcp_header *tcp, struct verdict *found)
{
	const __u32 known = CELL_KIND | CELL_GUARDED;
	__u32 destination = court->destination.cell, source = court->source.cell;

	if (unlikely(!tcp->source))
		return FAST_NO;
	if (likely(!(((destination ^ CELL_GUARDED) | source) & known))) {
		found->row = port_cell(&court->book, destination + port_table(protocol),
				       tcp->destination);
		return likely(is_row(found->row)) ? FAST_ROW
						  : fast_shut(court, protocol, tcp, found);
	}
	if ((destination | source) & CELL_KIND)
		return FAST_NO;
	if (source & CELL_GUARDED)
		return FAST_FURTHER;
	if (unlikely(court->book.cells[HEADER_OPTIONS] & OPTION_UNLISTED_DROP))
		return FAST_NO;
	found->reason = REASON_transit;
	return FAST_PASS;
}

static __always_inline enum fast fast4(const struct frame *frame, __u32 link,
				       const struct ip4_header *ip, struct court *court,
				       struct verdict *found)
{
	const void *transport = ip + 1;
	__u32 length;

	if (unlikely(ip->version_ihl != IP4_PLAIN || ip->fragment & net16(IP4_MORE | IP4_OFFSET)))
		return FAST_NO;
	length = host16(ip->length);
	if (unlikely(link + length > frame->length || !is_usual4(ip->source) ||
		     !is_plain(ip->protocol, transport, sizeof(*ip), length)))
		return FAST_NO;
	court->destination.cell = trie4(&court->book, ip->destination);
	court->source.cell = trie4(&court->book, ip->source);
	return fast_decide(court, ip->protocol, transport, found);
}

static __always_inline enum fast fast6(const struct frame *frame, __u32 link, struct court *court,
				       struct verdict *found)
{
	const struct ip6_header *ip = frame_at(frame, link, IP6_BYTES);
	const void *transport = ip + 1;
	__u32 length;

	if (unlikely(!ip || (ip->version_class_label & net32(0xf0000000U)) != net32(0x60000000U)))
		return FAST_NO;
	length = host16(ip->payload_length);
	if (unlikely(link + (__u32)sizeof(*ip) + length > frame->length ||
		     !is_usual6(&ip->source) || !is_plain(ip->next_header, transport, 0, length)))
		return FAST_NO;
	court->destination.cell = trie6(&court->book, halves_in_packet(&ip->destination));
	court->source.cell = trie6(&court->book, halves_in_packet(&ip->source));
	return fast_decide(court, ip->next_header, transport, found);
}

/* What is behind LINK bytes, the last of them an EtherType of TYPE. IPv4's headers would fit in. */
static __always_inline enum fast fast_network(const struct frame *frame, __u32 link, __u16 type,
					      const void *network, struct court *court,
					      struct verdict *found)
{
	enum fast way;

	if (type == net16(ETHERTYPE_IPV4)) {
		way = fast4(frame, link, network, court, found);
		return way == FAST_FURTHER ? fast_further(frame, link, FAMILY_IPV4, court, found)
					   : way;
	}
	if (type != net16(ETHERTYPE_IPV6))
		return FAST_NO;
	way = fast6(frame, link, court, found);
	return way == FAST_FURTHER ? fast_further(frame, link, FAMILY_IPV6, court, found) : way;
}

#define LINK_BYTES ((__u32)sizeof(struct ethernet_header))
#define TAG_BYTES ((__u32)sizeof(struct vlan_tag))

static __always_inline bool is_fast_link(const struct frame *frame, const struct court *court,
					 const struct ethernet_header *ethernet)
{
	return likely(ethernet && court->book.cells && !frame->super_packet &&
		      !(ethernet->destination[0] & FACT_GROUP_FRAME));
}

/*
 * Of a frame without tags in front of its IP header; one that was stripped changes nothing. IPv4's
 * headers are the shorter ones: one test of the length for either family.
 */
static __always_inline enum fast judge_fast(const struct frame *frame, struct court *court,
					    struct verdict *found)
{
	const struct ethernet_header *ethernet = frame_at(frame, 0, LINK_BYTES + IP4_BYTES);

	if (!is_fast_link(frame, court, ethernet))
		return FAST_NO;
	return fast_network(frame, LINK_BYTES, ethernet->type, ethernet + 1, court, found);
}

/* As is_vlan_type(), of an EtherType as it lies in the packet. */
static __always_inline bool is_tag(__u16 type)
{
	return type == net16(ETHERTYPE_VLAN) || type == net16(ETHERTYPE_QINQ) ||
	       type == net16(ETHERTYPE_QINQ_OLD);
}

/* True if judge_fast_tagged() may know what judge_fast() does not. */
static __always_inline bool has_tag(const struct frame *frame)
{
	const struct ethernet_header *ethernet = frame_at(frame, 0, sizeof(*ethernet));

	return ethernet && is_tag(ethernet->type);
}

/* Of a frame with one tag or two, none of them stripped. */
static __always_inline enum fast judge_fast_tagged(const struct frame *frame, struct court *court,
						   struct verdict *found)
{
	const struct ethernet_header *ethernet =
		frame_at(frame, 0, LINK_BYTES + TAG_BYTES + IP4_BYTES);
	const struct vlan_tag *tag = (const void *)(ethernet + 1);
	__u32 link = LINK_BYTES + TAG_BYTES;
	const void *network;
	__u16 type;

	if (!is_fast_link(frame, court, ethernet) || !is_tag(ethernet->type))
		return FAST_NO;
	type = tag->type;
	if (is_tag(type)) {
		type = tag[1].type;
		link += TAG_BYTES;
	}
	network = frame_at(frame, link, IP4_BYTES);
	return network ? fast_network(frame, link, type, network, court, found) : FAST_NO;
}

/* The same with FOUND said in full, for those who need it. */
static __always_inline enum fast judge_fast_fully(const struct frame *frame, struct court *court,
						  struct verdict *found)
{
	enum fast way = judge_fast(frame, court, found);

	if (way == FAST_ROW)
		found->reason = REASON_matrix;
	else if (way == FAST_SHUT)
		*found = verdict(REASON_port_not_in_matrix);
	return way;
}

#endif
