/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The trial entries, for interfaces that were not filtered before: they pass every packet until
 * the image is in force and after a trial that nobody confirmed; in between the entries decide.
 */
#ifndef ROLEWALL_TRIAL_H
#define ROLEWALL_TRIAL_H

#include "tc.h"
#include "xdp.h"

static __always_inline bool is_over(void)
{
	return read_once(control.deadline) == DEADLINE_PASSED;
}

SEC("xdp.frags")
int rolewall_xdp_trial(struct xdp_md *ctx)
{
	if (is_over())
		return XDP_PASS;
	bpf_tail_call(ctx, &more_xdp, MORE_ENTRY);
	return XDP_DROP;
}

SEC("tc")
int rolewall_tc_trial(struct __sk_buff *skb)
{
	if (is_over())
		return TC_PASS;
	bpf_tail_call(skb, &more_tc, MORE_ENTRY);
	return TC_DROP;
}

#endif
