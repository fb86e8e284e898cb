/* SPDX-License-Identifier: GPL-2.0-only */
/* The entry at TC while a shadow is loaded, and the two programs behind it. */
#ifndef ROLEWALL_SHADOW_TC_H
#define ROLEWALL_SHADOW_TC_H

#include "shadow_judge.h"
#include "tc.h"

int glance_tc(struct __sk_buff *skb);

/* Verified by itself: two fast ways behind each other would be many times one. */
verified_once int glance_tc(struct __sk_buff *skb)
{
	struct court court = shadow_court(read_once(control.shadow), skb->ifindex);
	struct frame frame = skb_frame(skb);

	return candidate_at_a_glance(&frame, &court);
}

/* The candidate's turn, before the active policy's. */
SEC("tc")
int rolewall_tc_shadow_candidate(struct __sk_buff *skb)
{
	struct court court = shadow_court(read_once(control.shadow), skb->ifindex);
	struct hearing *hearing = hearing_at_hand();

	if (!hearing || !court.book.cells) {
		bpf_tail_call(skb, &more_tc, MORE_FULL);
		return TC_DROP;
	}
	pull_headers(skb);
	hearing->packet = (struct packet){};
	hearing->parsed = parse_skb(skb, &hearing->packet);
	hear_candidate(&court, hearing);
	bpf_tail_call(skb, &more_tc, MORE_SHADOW_ACTIVE);
	return TC_DROP;
}

SEC("tc")
int rolewall_tc_shadow_active(struct __sk_buff *skb)
{
	struct hearing *hearing = hearing_at_hand();
	struct court court = tc_court(skb);

	if (!hearing)
		return TC_DROP;
	return go_tc(skb, hear_active(&court, hearing));
}

SEC("tc")
int rolewall_tc_shadow(struct __sk_buff *skb)
{
	__u32 slot = read_once(control.active);
	struct court court = {
		.book = {.cells = image_cells(slot), .mask = image_mask(), .slot = slot},
	};
	struct frame frame = skb_frame(skb);
	struct outcome outcome;

	if (unlikely(is_probe(skb)))
		bpf_tail_call(skb, &more_tc, MORE_PROBE);
	else if (unlikely(read_once(control.shadow) >= IMAGE_SLOTS))
		bpf_tail_call(skb, &more_tc, MORE_FULL);
	else if (likely(judge_alike(&frame, &court, glance_tc(skb), &outcome)))
		return go_tc(skb, account(&outcome, NULL));
	else
		bpf_tail_call(skb, &more_tc, MORE_SHADOW);
	return TC_DROP;
}

#endif
