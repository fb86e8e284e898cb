/* SPDX-License-Identifier: GPL-2.0-only */
/* The entry at XDP while a shadow is loaded, and the two programs behind it. */
#ifndef ROLEWALL_SHADOW_XDP_H
#define ROLEWALL_SHADOW_XDP_H

#include "shadow_judge.h"
#include "xdp.h"

int glance_xdp(struct xdp_md *ctx);

/* Verified by itself: two fast ways behind each other would be many times one. */
verified_once int glance_xdp(struct xdp_md *ctx)
{
	struct court court = shadow_court(read_once(control.shadow), ctx->ingress_ifindex);
	struct frame frame = xdp_frame(ctx);

	return candidate_at_a_glance(&frame, &court);
}

/* The candidate's turn, before the active policy's. */
SEC("xdp.frags")
int rolewall_xdp_shadow_candidate(struct xdp_md *ctx)
{
	struct court court = shadow_court(read_once(control.shadow), ctx->ingress_ifindex);
	struct hearing *hearing = hearing_at_hand();

	if (!hearing || !court.book.cells) {
		bpf_tail_call(ctx, &more_xdp, MORE_FULL);
		return XDP_DROP;
	}
	hearing->packet = (struct packet){};
	hearing->parsed = parse_xdp(ctx, &hearing->packet);
	if (unlikely(hearing->parsed == PARSE_COPY))
		hearing->parsed = parse_copy(ctx, &hearing->packet);
	hear_candidate(&court, hearing);
	bpf_tail_call(ctx, &more_xdp, MORE_SHADOW_ACTIVE);
	return XDP_DROP;
}

SEC("xdp.frags")
int rolewall_xdp_shadow_active(struct xdp_md *ctx)
{
	struct hearing *hearing = hearing_at_hand();
	struct court court = xdp_court(ctx);

	if (!hearing)
		return XDP_DROP;
	return go_xdp(ctx, hear_active(&court, hearing));
}

SEC("xdp.frags")
int rolewall_xdp_shadow(struct xdp_md *ctx)
{
	__u32 slot = read_once(control.active);
	struct court court = {
		.book = {.cells = image_cells(slot), .mask = image_mask(), .slot = slot},
	};
	struct frame frame = xdp_frame(ctx);
	struct outcome outcome;

	if (unlikely(ctx->data_meta != ctx->data) && find_probe(ctx))
		bpf_tail_call(ctx, &more_xdp, MORE_PROBE);
	else if (unlikely(read_once(control.shadow) >= IMAGE_SLOTS))
		bpf_tail_call(ctx, &more_xdp, MORE_FULL);
	else if (likely(judge_alike(&frame, &court, glance_xdp(ctx), &outcome)))
		return go_xdp(ctx, account(&outcome, NULL));
	else
		bpf_tail_call(ctx, &more_xdp, MORE_SHADOW);
	return XDP_DROP;
}

#endif
