/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The four steps put together: the fast way (fast.h), the plain way, and the full one. An entry
 * (xdp.h, tc.h) tries them in this order, each in a program of its own, by tail calls: a function
 * call would cost as much as half a verdict (docs/performance.md).
 */
#ifndef ROLEWALL_JUDGE_H
#define ROLEWALL_JUDGE_H

#include "account.h"
#include "fast.h"
#include "parse.h"

static __always_inline void close_court(const struct court *court, struct verdict found,
					__u32 length, struct outcome *outcome)
{
	*outcome = (struct outcome){
		.reason = found.reason,
		.row = found.row,
		.length = length,
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
}

/*
 * The way of most packets: one family at a time, so that the compiler sees which, and nothing of
 * the packet goes through memory; the addresses are looked up before the transport header is
 * parsed, since those reads depend on each other and the rest can go on meanwhile. False: this one
 * is not plain.
 */
static __always_inline bool judge_plain(struct frame *frame, struct span span, __u32 facts,
					enum family family, struct court *court,
					struct outcome *outcome)
{
	struct packet packet = {.facts = facts, .span = span};

	if (unlikely(!court->book.cells))
		return false;
	if (unlikely(family == FAMILY_IPV4 ? parse_ip4(frame, &packet, &packet.span)
					   : parse_ip6(frame, &packet, &packet.span)))
		return false;
	if (unlikely(!classify_ends(court, &packet)))
		return false;
	if (unlikely(parse_transport(frame, &packet, &packet.span)))
		return false;
	court->plain = true;
	close_court(court, decide(court, &packet), frame->length, outcome);
	return true;
}

/* Untagged frames, by constant offsets. */
static __always_inline bool judge_if_plain(struct frame *frame, struct court *court,
					   struct outcome *outcome)
{
	const struct ethernet_header *ethernet = frame_at(frame, 0, sizeof(*ethernet));
	struct span span = {.offset = sizeof(*ethernet)};
	__u32 group;

	if (unlikely(!ethernet || frame->tag_stripped))
		return false;
	group = ethernet->destination[0] & FACT_GROUP_FRAME;
	if (ethernet->type == net16(ETHERTYPE_IPV4))
		return judge_plain(frame, span, group, FAMILY_IPV4, court, outcome);
	if (ethernet->type == net16(ETHERTYPE_IPV6))
		return judge_plain(frame, span, group, FAMILY_IPV6, court, outcome);
	return false;
}

/* The fast way. False: not for it. */
static __always_inline bool judge_if_fast(const struct frame *frame, struct court *court,
					  struct outcome *outcome)
{
	struct verdict found = {};
	enum fast way = judge_fast(frame, court, &found);

	if (way == FAST_NO)
		return false;
	if (way == FAST_ROW)
		found.reason = REASON_matrix;
	close_court(court, found, frame->length, outcome);
	return true;
}

/* Where the entries go on to, by tail calls: what is not for the fast way, and what is not plain. */
enum more {
	MORE_PROBE, /* whatever has something in the place of a probe */
	MORE_PLAIN,
	MORE_ODD,
	N_MORE,
};

struct more_programs {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, N_MORE);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
	__array(values, int(void *));
};

#endif
