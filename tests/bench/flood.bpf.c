/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A traffic generator: BPF_PROG_TEST_RUN with live frames hands this program frame after frame, and
 * each leaves by a device. Frames come back used, by whoever dropped or received them before, so every
 * byte of the headers is written again.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "compiler.h"
#include "flood.h"

const volatile struct flood flood;
__u64 sent;
__u64 due; /* when the next frame may leave, if there is a rate */
__u32 turn;
__u32 random = 1;

static __always_inline __u16 fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)~sum;
}

#define BURST 32U

/* Little of the time that was missed is made up for: a burst would be another flood. */
static __always_inline bool is_early(void)
{
	__u64 now = bpf_ktime_get_ns();

	if (now < due)
		return true;
	due = (due && now < due + (__u64)BURST * flood.gap ? due : now) + flood.gap;
	return false;
}

SEC("xdp")
int generate(struct xdp_md *ctx)
{
	__u32 place = turn, network = 0;
	const volatile struct flood_shape *shape;
	__u8 *data, *end;

	if (flood.gap && is_early())
		return XDP_DROP;
	turn = place + 1 < FLOOD_SHAPES ? place + 1 : 0;
	keep(place);
	if (place >= FLOOD_SHAPES)
		return XDP_ABORTED;
	shape = &flood.shapes[place];
	if (shape->shrink && bpf_xdp_adjust_tail(ctx, -(int)shape->shrink))
		return XDP_ABORTED;
	data = (void *)(long)ctx->data;
	end = (void *)(long)ctx->data_end;
	if (data + FLOOD_HEADERS > end)
		return XDP_ABORTED;
#pragma unroll
	for (int i = 0; i < FLOOD_HEADERS / 2; i++)
		((__u16 *)data)[i] = ((const volatile __u16 *)flood.header)[i];
	if (flood.networks) {
		random = random * 1664525U + 1013904223U;
		network = random >> 24;
		data[32] = (__u8)network;
	}
	*(__u16 *)(data + 16) = shape->ip_length;
	*(__u16 *)(data + 24) = fold(shape->sum + network);
	if (flood.is_udp)
		*(__u16 *)(data + 38) = shape->udp_length;
	sent++;
	return (int)bpf_redirect(flood.ifindex, 0);
}

const char program_license[] SEC("license") = "GPL";
