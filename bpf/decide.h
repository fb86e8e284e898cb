/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Step 3, decide: the verdict. The order is the design's: unguarded -> what no guarded host may
 * see -> failsafe -> spoofing -> the destination's row -> a reply to a flow, or an error about live
 * traffic -> the source's outbound. docs/packets.md states each rule.
 */
#ifndef ROLEWALL_DECIDE_H
#define ROLEWALL_DECIDE_H

#include "flow_table.h"
#include "fragment_table.h"
#include "outbound.h"
#include "refuse.h"

static __always_inline bool is_asymmetric(const struct court *court)
{
	return unlikely(court->book.cells[HEADER_OPTIONS] & OPTION_ASYMMETRIC);
}

/* Where the other direction is not seen: what may be a reply to a guarded host (docs/flows.md). */
static __always_inline bool may_be_reply(const struct court *court, const struct packet *packet)
{
	if (!is_asymmetric(court))
		return false;
	return packet->protocol == PROTOCOL_TCP ? !is_first_segment(packet->tcp_flags)
						: packet->destination_port >= FIRST_DYNAMIC_PORT;
}

/* The flow of the guarded host that a packet goes to, and of the one that it comes from. */
static __always_inline struct flow_key flow_to(const struct packet *packet)
{
	return (struct flow_key){
		.local = packet->destination,
		.remote = packet->source,
		.ports = (__u32)packet->destination_port << 16 | packet->source_port,
		.protocol = packet->protocol,
		.family = packet->family,
	};
}

static __always_inline struct flow_key flow_from(const struct packet *packet)
{
	return (struct flow_key){
		.local = packet->source,
		.remote = packet->destination,
		.ports = (__u32)packet->source_port << 16 | packet->destination_port,
		.protocol = packet->protocol,
		.family = packet->family,
	};
}

static __always_inline bool is_reply(const struct court *court, const struct packet *packet)
{
	const struct flow_touch touch = {
		.slot = court->book.slot,
		.tcp_flags = packet->tcp_flags,
		.look = court->probe,
		.shadow = court->shadow,
	};
	struct flow_key key;

	if (is_first_segment(packet->tcp_flags))
		return false;
	key = flow_to(packet);
	return flow_find(&key, &touch);
}

static __always_inline bool quotes_its_destination(const struct packet *packet)
{
	return packet->facts & FACT_QUOTE &&
	       same_address(&packet->quote.source, &packet->destination);
}

/*
 * True if the packet that an ICMP error quotes is one that the guarded host may have sent: it
 * answers on an open row, or belongs to a flow (cases 52, 63).
 */
static __always_inline bool is_about_live_traffic(const struct court *court,
						  const struct packet *packet)
{
	const struct quote *quote = &packet->quote;
	const struct flow_touch touch = {
		.slot = court->book.slot,
		.look = true,
		.shadow = court->shadow,
	};
	struct flow_key key;
	struct end remote;

	if (!quotes_its_destination(packet))
		return false;
	key = (struct flow_key){
		.local = quote->source,
		.remote = quote->destination,
		.ports = (__u32)quote->source_port << 16 | quote->destination_port,
		.protocol = quote->protocol,
		.family = packet->family,
	};
	if (flow_find(&key, &touch))
		return true;
	if (quote->protocol != PROTOCOL_TCP && quote->protocol != PROTOCOL_UDP)
		return false;
	if (!classify(&court->book, packet->family, &quote->destination, &remote))
		return false;
	return is_open(find_row(&court->book, &court->destination, port_table(quote->protocol),
				quote->source_port, remote.cell));
}

static __always_inline enum reason decide_icmp(const struct court *court,
					       const struct packet *packet)
{
	switch (classify_icmp(packet)) {
	case ICMP_CLASS_REQUEST:
		return court->book.cells[HEADER_OPTIONS] & OPTION_ECHO_ALLOW ? REASON_echo
									     : REASON_icmp_echo;
	case ICMP_CLASS_REPLY:
		if (is_reply(court, packet))
			return REASON_flow;
		return is_asymmetric(court) ? REASON_asymmetric : REASON_icmp_unrelated;
	case ICMP_CLASS_ERROR:
		if (packet->facts & FACT_TINY_MTU)
			return REASON_icmp_mtu;
		if (is_about_live_traffic(court, packet))
			return REASON_icmp_error;
		return is_asymmetric(court) && quotes_its_destination(packet)
			       ? REASON_asymmetric
			       : REASON_icmp_unrelated;
	case ICMP_CLASS_OTHER:
		break;
	}
	return REASON_icmp_type;
}

/*
 * No row opens the port to this source: failsafe and IPsec that is wanted, else a flow, else the
 * reason it drops. A port alone does not make IKE of what belongs to a flow.
 */
static __always_inline struct verdict decide_no_row(const struct court *court,
						    const struct packet *packet, __u32 value)
{
	enum reason reason = reason_of(value);

	if (is_pass(reason))
		return verdict(reason);
	if (is_reply(court, packet))
		return verdict(REASON_flow);
	if (reason == REASON_ipsec_exempt)
		return verdict(reason);
	if (value != ROW_NONE && value != ROW_OTHER_SOURCE && !reason)
		return verdict(REASON_image_fault);
	if (may_be_reply(court, packet))
		return verdict(REASON_asymmetric);
	return verdict(value == ROW_OTHER_SOURCE ? REASON_source_not_allowed
						 : REASON_port_not_in_matrix);
}

/* TCP and UDP towards a guarded host: its row, else a flow. */
static __always_inline struct verdict decide_ports(const struct court *court,
						   const struct packet *packet)
{
	__u32 row;

	row = find_row(&court->book, &court->destination, port_table(packet->protocol),
		       packet->destination_port, court->source.cell);
	if (likely(is_row(row)))
		return (struct verdict){.reason = REASON_matrix, .row = row};
	return decide_no_row(court, packet, row);
}

static __always_inline bool is_ipsec(const struct packet *packet)
{
	return packet->protocol == PROTOCOL_ESP || packet->protocol == PROTOCOL_AH;
}

/* Protocols without ports that are not ICMP. */
static __always_inline enum reason decide_protocol(const struct court *court,
						   const struct packet *packet)
{
	enum reason reason = GO_ON;

	if (is_ipsec(packet))
		reason = reason_of(record_value(&court->book, &court->destination, RECORD_IPSEC_IN,
						court->source.cell));
	return reason ? reason : REASON_protocol_not_in_matrix;
}

static __always_inline enum fragment_use fragment_use(const struct court *court)
{
	return court->shadow ? FRAGMENT_SHADOW : court->probe ? FRAGMENT_LOOK : FRAGMENT_LIVE;
}

static __always_inline struct verdict decide_inbound(const struct court *court,
						     const struct packet *packet)
{
	if (packet->facts & FACT_LATER_FRAGMENT)
		return verdict(fragment_follow(packet, fragment_use(court)));
	if (likely(has_ports(packet)))
		return decide_ports(court, packet);
	return verdict(is_icmp(packet) ? decide_icmp(court, packet)
				       : decide_protocol(court, packet));
}

/* The source's side of a packet with ports that the destination's side, if guarded, lets pass. */
static __always_inline struct verdict decide_departure(const struct court *court,
						       const struct packet *packet)
{
	const struct departure departure = {
		.key = flow_from(packet),
		.touch =
			{
				.slot = court->book.slot,
				.tcp_flags = packet->tcp_flags,
				.outbound = true,
				.look = court->probe,
				.shadow = court->shadow,
			},
		.source = court->source.cell,
		.destination = court->destination.cell,
	};
	__u32 value = judge_departure(&departure);

	if (is_row(value))
		return (struct verdict){.reason = REASON_matrix, .row = value};
	return verdict(reason_of(value));
}

/* The same for protocols without ports. FOUND: what is said of the packet so far. */
static __always_inline enum reason
decide_outbound_odd(const struct court *court, const struct packet *packet, enum reason found)
{
	bool to_guarded = is_guarded(&court->destination);
	enum icmp_class class;
	enum reason reason;

	if (is_ipsec(packet) && !to_guarded && !(packet->facts & FACT_LATER_FRAGMENT)) {
		reason = reason_of(record_value(&court->book, &court->source, RECORD_IPSEC_OUT,
						court->destination.cell));
		if (reason)
			return reason;
	}
	if (!(court->book.cells[HEADER_OPTIONS] & OPTION_OUTBOUND_MATRIX))
		return found;
	if (packet->facts & FACT_LATER_FRAGMENT)
		return to_guarded ? found : fragment_follow(packet, fragment_use(court));
	class = is_icmp(packet) ? classify_icmp(packet) : ICMP_CLASS_OTHER;
	return class == ICMP_CLASS_ERROR || class == ICMP_CLASS_REPLY
		       ? found
		       : REASON_outbound_not_in_matrix;
}

/*
 * The source's side. What the destination's says stands if both pass; failsafe and IPsec that is
 * permitted come before every rule of a role, and a reply belongs to a flow whoever started it.
 */
static __always_inline struct verdict
decide_outbound(const struct court *court, const struct packet *packet, struct verdict found)
{
	bool to_guarded = is_guarded(&court->destination);
	struct verdict own;

	if (found.reason == REASON_failsafe || found.reason == REASON_ipsec ||
	    found.reason == REASON_flow)
		return found;
	if (!has_ports(packet))
		return verdict(decide_outbound_odd(court, packet, found.reason));
	if (!(court->book.cells[HEADER_OPTIONS] & OPTION_OUTBOUND_MATRIX) &&
	    (to_guarded || !is_ike(packet->protocol, packet->destination_port)))
		return found;
	own = decide_departure(court, packet);
	/* Its SYN may have gone another way. */
	if (own.reason == REASON_outbound_not_in_matrix && is_asymmetric(court) &&
	    packet->protocol == PROTOCOL_TCP && !is_first_segment(packet->tcp_flags))
		own = verdict(REASON_asymmetric);
	return to_guarded && is_pass(own.reason) ? found : own;
}

/* True if later fragments of a packet between these ends are judged by their first. */
static __always_inline bool has_followers(const struct court *court, const struct packet *packet)
{
	return packet->facts & FACT_FIRST_FRAGMENT &&
	       (is_guarded(&court->destination) ||
		court->book.cells[HEADER_OPTIONS] & OPTION_OUTBOUND_MATRIX);
}

/*
 * True if this packet from a guarded host may start a flow: the first packet of a connection. In
 * audit mode any segment does, so that a site that goes live through audit keeps its connections.
 */
static __always_inline bool may_start(const struct court *court, const struct packet *packet)
{
	__u8 flags = packet->tcp_flags & (TCP_SYN | TCP_ACK | TCP_RST);

	if (packet->facts & (FACT_LATER_FRAGMENT | FACT_NO_CHECKSUM))
		return false;
	if (packet->protocol == PROTOCOL_UDP)
		return true;
	if (packet->protocol != PROTOCOL_TCP)
		return is_icmp(packet) && classify_icmp(packet) == ICMP_CLASS_REQUEST;
	return flags == TCP_SYN ||
	       (flags == TCP_ACK && court->book.cells[HEADER_OPTIONS] & OPTION_AUDIT);
}

/* True if the answer to a packet from a guarded host needs a flow: no row lets it in. */
static __always_inline bool needs_flow(const struct court *court, const struct packet *packet)
{
	if (packet->facts & FACT_LATER_FRAGMENT || (!has_ports(packet) && !is_icmp(packet)))
		return false;
	return !has_ports(packet) ||
	       !is_open(find_row(&court->book, &court->source, port_table(packet->protocol),
				 packet->source_port, court->destination.cell));
}

/* Keeps or starts the flow of a packet from a guarded host, where no row lets the answer in. */
static __always_inline void remember(const struct court *court, const struct packet *packet)
{
	const struct flow_touch touch = {
		.slot = court->book.slot,
		.tcp_flags = packet->tcp_flags,
		.outbound = true,
	};
	struct flow_key key;

	if (!needs_flow(court, packet))
		return;
	key = flow_from(packet);
	if (!flow_find(&key, &touch) && may_start(court, packet))
		flow_record(&key, &touch);
}

/* Looks both addresses up. False: the image is wrong. */
static __always_inline bool classify_ends(struct court *court, const struct packet *packet)
{
	return classify(&court->book, packet->family, &packet->destination, &court->destination) &&
	       classify(&court->book, packet->family, &packet->source, &court->source);
}

/* Judges a packet that was parsed without a reason to stop, its ends classified. */
static __always_inline struct verdict decide(const struct court *court, const struct packet *packet)
{
	struct verdict found = verdict(REASON_outbound);
	enum reason reason;

	if (!((court->destination.cell | court->source.cell) & CELL_GUARDED))
		return verdict(decide_unguarded(court, packet));
	reason = refuse_odd(court, packet);
	if (unlikely(reason))
		return verdict(reason);
	if (is_guarded(&court->destination))
		found = decide_inbound(court, packet);
	if (unlikely(is_guarded(&court->source)) && is_pass(found.reason))
		found = decide_outbound(court, packet, found);
	if (is_pass(found.reason) && has_followers(court, packet)) {
		reason = fragment_record(packet, court->book.cells[HEADER_TIMEOUT_FRAGMENT],
					 fragment_use(court));
		if (reason)
			return verdict(reason);
	}
	if (unlikely(is_guarded(&court->source)) && is_pass(found.reason) && !court->probe)
		remember(court, packet);
	return found;
}

#endif
