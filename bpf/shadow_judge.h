/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Beside the active policy: what a candidate says of the same packet (docs/shadow.md). While a
 * shadow is loaded, links lead to entries that ask both, the candidate first, as the active policy
 * leaves traces. What both settle alike at a glance ends there; everything else goes through two
 * programs that hand the packet on in `hearings`: the candidate's, then the active policy's.
 *
 * The candidate never decides. It changes nothing that the active policy reads, but for flows that
 * it needs and the other has no use for.
 */
#ifndef ROLEWALL_SHADOW_JUDGE_H
#define ROLEWALL_SHADOW_JUDGE_H

#include "judge.h"
#include "shadow_tables.h"

/* What one policy says of a packet. */
struct opinion {
	__u32 said; /* as in struct shadow_key */
	__u32 pool; /* as count_end() has it */
	enum reason reason;
	bool passes; /* audited packets do */
	bool from_guarded, to_guarded;
	bool needs_flow; /* lets it go out, and the answer needs its flow */
};

/* The packet at hand, from one program to the next. */
struct hearing {
	struct packet packet;
	enum reason parsed;
	__u32 slot; /* of the candidate */
	__u32 ifindex;
	struct opinion candidate, active;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct hearing);
} hearings SEC(".maps");

static __always_inline struct hearing *hearing_at_hand(void)
{
	__u32 key = 0;

	return bpf_map_lookup_elem(&hearings, &key);
}

/* A slot's court for a packet that came in by IFINDEX. */
static __always_inline struct court shadow_court(__u32 slot, __u32 ifindex)
{
	return (struct court){
		.book = {.cells = image_cells(slot), .mask = image_mask(), .slot = slot},
		.ifindex = ifindex,
		.probe = true,
		.shadow = true,
	};
}

static __always_inline bool is_audit(const struct book *book)
{
	return book->cells && book->cells[HEADER_OPTIONS] & OPTION_AUDIT;
}

/* --- at a glance */

/* What the candidate's fast way says, in one word: these bits, and enum by_flow above them. */
#define GLANCE_SETTLED 1 /* or else it is not for the fast way */
#define GLANCE_PASSES 2
#define GLANCE_BY_FLOW_SHIFT 2

static __always_inline int candidate_at_a_glance(const struct frame *frame, struct court *court)
{
	struct verdict found = {};
	enum fast way = judge_fast_fully(frame, court, &found);
	int seen = GLANCE_SETTLED | (int)found.by_flow << GLANCE_BY_FLOW_SHIFT;

	if (way == FAST_NO)
		return 0;
	if (is_pass(found.reason) || is_audit(&court->book))
		seen |= GLANCE_PASSES;
	return seen;
}

static __always_inline void count_compared(__u32 bytes)
{
	struct shadow_counters *counters = shadow_counters();

	if (!counters)
		return;
	counters->packets++;
	counters->bytes += bytes;
}

/*
 * The active policy's fast way, behind the candidate's, which SAW the packet. True if both do the
 * same with it, and the candidate stands on no flow but one that the active policy has just kept.
 */
static __always_inline bool judge_alike(const struct frame *frame, struct court *court, int saw,
					struct outcome *outcome)
{
	enum by_flow wants = (enum by_flow)(saw >> GLANCE_BY_FLOW_SHIFT);
	struct verdict found = {};
	enum fast way;

	if (!saw)
		return false;
	way = judge_fast_fully(frame, court, &found);
	if (way == FAST_NO)
		return false;
	if ((is_pass(found.reason) || is_audit(&court->book)) != !!(saw & GLANCE_PASSES))
		return false;
	if (wants != NOT_BY_FLOW && wants != found.by_flow)
		return false;
	close_court(court, found, frame->length, outcome);
	outcome->port = PORT_IN_PACKET;
	count_compared(frame->length);
	return true;
}

/* --- in full */

/* Classify and decide for one of the two, as judge() does. */
static __always_inline void give_opinion(const struct court *court, const struct hearing *hearing,
					 const struct outcome *outcome, struct opinion *opinion)
{
	bool from_guarded = is_guarded(&court->source),
	     to_guarded = is_guarded(&court->destination);
	__u32 pool = 0;

	if (court->book.cells && (from_guarded || to_guarded))
		pool = POOL_OF(record_cell(&court->book,
					   to_guarded ? &court->destination : &court->source,
					   RECORD_POOL));
	opinion->said = outcome->row ? outcome->row : REASON_CELL(outcome->reason);
	opinion->pool = pool;
	opinion->reason = outcome->reason;
	opinion->passes = is_pass(outcome->reason) || is_audit(&court->book);
	opinion->from_guarded = from_guarded;
	opinion->to_guarded = to_guarded;
	opinion->needs_flow = !hearing->parsed && from_guarded && is_pass(outcome->reason) &&
			      needs_flow(court, &hearing->packet);
}

/* Behind the parser: what the candidate says. */
static __always_inline void hear_candidate(struct court *court, struct hearing *hearing)
{
	struct outcome outcome;

	judge(court, &hearing->packet, hearing->parsed, &outcome);
	hearing->slot = court->book.slot;
	hearing->ifindex = court->ifindex;
	give_opinion(court, hearing, &outcome, &hearing->candidate);
}

static __always_inline void take_sample(const struct hearing *hearing, struct shadow_sample *sample)
{
	const struct packet *packet = &hearing->packet;

	*sample = (struct shadow_sample){
		.source = packet->source,
		.destination = packet->destination,
		.epoch = epoch(),
		.ifindex = hearing->ifindex,
		.other_pool = hearing->active.passes ? hearing->active.pool
						     : hearing->candidate.pool,
		.length = packet->length,
		.source_port = packet->source_port,
		.destination_port = packet->destination_port,
		.family = packet->family,
		.protocol = packet->protocol,
		.icmp_type = packet->icmp_type,
		.icmp_code = packet->icmp_code,
		.tcp_flags = packet->tcp_flags,
		.fragment = !!(packet->facts & FACT_LATER_FRAGMENT),
	};
}

/* Not on the stack, which has no room for it (Linux 6.1). */
static const struct shadow_difference no_difference;

static __always_inline struct shadow_difference *difference_of(const struct shadow_key *key)
{
	struct shadow_difference *difference = bpf_map_lookup_elem(&differences, key);

	if (likely(difference))
		return difference;
	bpf_map_update_elem(&differences, key, &no_difference, BPF_NOEXIST);
	return bpf_map_lookup_elem(&differences, key);
}

static __always_inline void count_difference(const struct hearing *hearing)
{
	bool passes_now = hearing->active.passes;
	const struct shadow_key key = {
		.active = hearing->active.said,
		.candidate = hearing->candidate.said,
		.pool = passes_now ? hearing->candidate.pool : hearing->active.pool,
		.kind = passes_now ? SHADOW_DROPS : SHADOW_PASSES,
	};
	struct shadow_difference *difference = difference_of(&key);
	struct shadow_counters *counters;

	if (likely(difference)) {
		difference->packets++;
		difference->bytes += hearing->packet.length;
		take_sample(hearing, &difference->sample);
		return;
	}
	counters = shadow_counters();
	if (!counters)
		return;
	counters->further_packets++;
	counters->further_bytes += hearing->packet.length;
}

/* Dropped because no row lets it in, or out: so would all that follows be. */
static __always_inline bool refuses_conversation(const struct hearing *hearing)
{
	return is_refused_service(hearing->candidate.reason) ||
	       hearing->candidate.reason == REASON_ipsec_exempt;
}

static __always_inline bool asks_for_echo(const struct packet *packet)
{
	return is_icmp(packet) && classify_icmp(packet) == ICMP_CLASS_REQUEST;
}

static __always_inline void refuse_conversation(const struct hearing *hearing)
{
	const struct packet *packet = &hearing->packet;
	struct flow_key key;
	bool starts;

	if (!refuses_conversation(hearing) || (!has_ports(packet) && !is_icmp(packet)))
		return;
	starts = packet->protocol == PROTOCOL_TCP ? is_first_segment(packet->tcp_flags)
						  : has_ports(packet) || asks_for_echo(packet);
	if (hearing->candidate.to_guarded) {
		key = flow_to(packet);
		refuse(&key, hearing->slot, starts);
	}
	if (hearing->candidate.from_guarded) {
		key = flow_from(packet);
		refuse(&key, hearing->slot, starts);
	}
}

/* As may_start(), and any segment: what is under way goes on when the candidate is committed. */
static __always_inline bool may_start_for_shadow(const struct packet *packet)
{
	__u8 flags = packet->tcp_flags & (TCP_SYN | TCP_ACK | TCP_RST);

	if (packet->facts & (FACT_LATER_FRAGMENT | FACT_NO_CHECKSUM))
		return false;
	if (packet->protocol == PROTOCOL_TCP)
		return flags == TCP_SYN || flags == TCP_ACK;
	return packet->protocol == PROTOCOL_UDP || asks_for_echo(packet);
}

static __always_inline void keep_own_flow(const struct hearing *hearing)
{
	const struct packet *packet = &hearing->packet;
	const struct flow_touch touch = {
		.slot = hearing->slot,
		.tcp_flags = packet->tcp_flags,
		.outbound = true,
	};
	const struct flow_key key = flow_from(packet);
	struct shadow_counters *counters;

	if (is_refused(&key) || flow_find(&key, &touch) || !may_start_for_shadow(packet))
		return;
	counters = shadow_counters();
	if (!flow_record(&key, &touch) && counters)
		counters->flows++;
}

/* Flows that the candidate needs for this packet, unless the active policy has kept them. */
static __always_inline void keep_flows(const struct hearing *hearing)
{
	const struct flow_touch touch = {
		.slot = hearing->slot,
		.tcp_flags = hearing->packet.tcp_flags,
	};
	struct flow_key key;

	if (hearing->candidate.reason == REASON_flow && hearing->active.reason != REASON_flow) {
		key = flow_to(&hearing->packet);
		flow_find(&key, &touch);
	}
	if (hearing->candidate.needs_flow && !hearing->active.needs_flow)
		keep_own_flow(hearing);
}

int settle(const struct hearing *hearing);

/* Both have spoken. */
verified_once int settle(const struct hearing *hearing)
{
	if (!hearing)
		return 0;
	count_compared(hearing->packet.length);
	if (hearing->candidate.passes != hearing->active.passes)
		count_difference(hearing);
	if (hearing->parsed || !hearing->active.passes)
		return 0;
	if (!hearing->candidate.passes)
		refuse_conversation(hearing);
	else
		keep_flows(hearing);
	return 0;
}

/* The active policy's turn: what it says is what happens. */
static __always_inline struct fate hear_active(struct court *court, struct hearing *hearing)
{
	struct outcome outcome;

	judge(court, &hearing->packet, hearing->parsed, &outcome);
	give_opinion(court, hearing, &outcome, &hearing->active);
	settle(hearing);
	return account(&outcome, &hearing->packet);
}

#endif
