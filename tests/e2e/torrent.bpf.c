/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Both ends of a torrent: numbered frames of eight kinds, sent as fast as a CPU can, and the judge
 * at the far end. As they arrive in order, it knows of each frame whether it passed or not, and so
 * which policy it met.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "torrent.h"

const volatile struct kind kinds[KINDS];
const volatile __u32 out; /* the device it leaves by */
struct tally tally;

#define ROW_MAX 64

SEC("xdp")
int generate(struct xdp_md *ctx)
{
	__u8 *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	const volatile struct kind *kind;
	__u64 number = tally.sent;

	if (data + FRAME_BYTES > end)
		return XDP_ABORTED;
	if (tally.must_sent - *(volatile __u64 *)&tally.must_arrived >= WINDOW)
		return XDP_DROP; /* this one is not sent at all */
	kind = &kinds[number % KINDS];
	for (int i = 0; i < HEADER_BYTES / 2; i++)
		((__u16 *)data)[i] = ((const volatile __u16 *)kind->header)[i];
	__builtin_memcpy(data + HEADER_BYTES, &number, sizeof(number));
	*(__u32 *)(data + HEADER_BYTES + 8) = MARK;
	tally.sent = number + 1;
	tally.must_sent += kind->passes == (UNDER_A | UNDER_B);
	return (int)bpf_redirect(out, 0);
}

/* One frame's verdict. */
static void judge(__u64 number, __u32 passed)
{
	__u32 passes = kinds[number % KINDS].passes, policy;

	if (passes == (UNDER_A | UNDER_B)) {
		tally.false_drops += !passed;
		tally.must_arrived++;
		return;
	}
	if (!passes) {
		tally.leaks += passed;
		return;
	}
	policy = passed ? passes : passes ^ (UNDER_A | UNDER_B);
	tally.switches += policy != tally.policy;
	tally.policy = policy;
}

SEC("xdp")
int arrive(struct xdp_md *ctx)
{
	__u8 *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u64 number;

	if (data + FRAME_BYTES > end || *(__u32 *)(data + HEADER_BYTES + 8) != MARK)
		return XDP_PASS;
	__builtin_memcpy(&number, data + HEADER_BYTES, sizeof(number));
	tally.arrived++;
	if (number < tally.next) {
		tally.disorder++;
		return XDP_DROP;
	}
	for (int i = 0; i < ROW_MAX && tally.next < number; i++)
		judge(tally.next++, 0);
	tally.gaps += tally.next < number;
	judge(number, 1);
	tally.next = number + 1;
	return XDP_DROP;
}

const char program_license[] SEC("license") = "GPL";
