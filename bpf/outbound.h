/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The judgements that few packets need, apart from the way of most: values of port tables that are
 * no row, failsafe, IPsec, and the source's side of what guarded hosts send.
 */
#ifndef ROLEWALL_OUTBOUND_H
#define ROLEWALL_OUTBOUND_H

#include "classify.h"
#include "flow_table.h"
#include "parse_transport.h"
#include "reason.h"

#define PORT_IKE 500
#define PORT_IKE_NAT 4500

/* The reason of a port table's value that is no row; GO_ON for shut and "not to this source". */
static __always_inline enum reason reason_of(__u32 value)
{
	__u32 reason = CELL_REASON(value);

	return value & CELL_KIND || reason >= N_REASONS ? GO_ON : (enum reason)reason;
}

/* True if packets to that port pass: answers from it are no connection of its own. */
static __always_inline bool is_open(__u32 value)
{
	return is_row(value) || reason_of(value) >= FIRST_PASS_REASON;
}

static __always_inline bool is_ike(__u8 protocol, __u16 destination_port)
{
	return protocol == PROTOCOL_UDP &&
	       (destination_port == PORT_IKE || destination_port == PORT_IKE_NAT);
}

/* One entry of a record, or the value for the other end that it leads to. */
static __always_inline __u32 record_value(const struct book *book, const struct end *end,
					  enum image_record cell_of_record, __u32 other)
{
	return value_for(book, record_cell(book, end, cell_of_record), other);
}

/* What the source's tables say of PORT at a destination with trie cell DESTINATION. */
static __always_inline __u32 find_outbound(const struct book *book, const struct end *source,
					   __u8 protocol, __u16 port, __u32 destination)
{
	__u32 entry = record_cell(book, source,
				  protocol == PROTOCOL_TCP ? RECORD_OUT_TCP : RECORD_OUT_UDP);

	if ((entry & CELL_KIND) == CELL_POINTER)
		entry = port_cell(book, entry, net16(port));
	return value_for(book, entry, destination);
}

/* A TCP or UDP packet of a guarded host, as its own side sees it. */
struct departure {
	struct flow_key key; /* local is the source */
	struct flow_touch touch;
	__u32 source, destination; /* trie cells */
};

/*
 * A flow that the other end started, and whose answers a row lets in since the policy has changed:
 * without the row they would pass as a reply, so with it they do, too.
 */
static __always_inline bool is_far_flow(const struct departure *departure)
{
	const struct flow_touch touch = {
		.slot = departure->touch.slot,
		.look = true,
		.shadow = departure->touch.shadow,
	};
	const struct flow_key key = {
		.local = departure->key.remote,
		.remote = departure->key.local,
		.ports = departure->key.ports << 16 | departure->key.ports >> 16,
		.protocol = departure->key.protocol,
		.family = departure->key.family,
	};

	return flow_find(&key, &touch);
}

/* From an open port, or on the other end's flow; never a SYN. */
static __always_inline bool answers(const struct book *book, const struct departure *departure)
{
	const struct end source = {.cell = departure->source};

	if (is_first_segment(departure->touch.tcp_flags))
		return false;
	return is_open(find_row(book, &source,
				departure->key.protocol == PROTOCOL_TCP ? RECORD_TCP : RECORD_UDP,
				(__u16)(departure->key.ports >> 16), departure->destination)) ||
	       is_far_flow(departure);
}

__u32 judge_departure(const struct departure *departure);

/*
 * A value as tables have it: the row that lets the packet go, or a reason. It goes by a row, or
 * because the destination's rows name this source, or as an answer from an open port, or on a flow.
 */
verified_once __u32 judge_departure(const struct departure *departure)
{
	struct book book;
	struct end source;
	__u32 value;

	if (!departure)
		return REASON_CELL(REASON_image_fault);
	book = (struct book){
		.cells = image_cells(departure->touch.slot),
		.mask = image_mask(),
		.slot = departure->touch.slot,
	};
	if (!book.cells)
		return REASON_CELL(REASON_image_fault);
	source = (struct end){.cell = departure->source};
	value = find_outbound(&book, &source, departure->key.protocol, (__u16)departure->key.ports,
			      departure->destination);
	if (is_row(value) || (reason_of(value) && reason_of(value) != REASON_ipsec_exempt))
		return value;
	if (value && !reason_of(value))
		return REASON_CELL(REASON_image_fault);
	if (answers(&book, departure) || flow_find(&departure->key, &departure->touch))
		return REASON_CELL(REASON_outbound);
	return value ? value : REASON_CELL(REASON_outbound_not_in_matrix);
}

#endif
