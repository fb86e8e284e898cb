/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ends of the throughput's ways: the far end counts what arrives by device and by what should not
 * have, and takes it off; XDP_DROP alone is what every filter is held against.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "compiler.h"

#define DEVICES 64
#define ILLEGAL 9 /* the port that nothing may get through to */

struct arrivals {
	__u64 legal, leaked, bytes, others;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, DEVICES);
	__type(key, __u32);
	__type(value, struct arrivals);
} arrivals SEC(".maps");

SEC("xdp.frags")
int far_end(struct xdp_md *ctx)
{
	const __u8 *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 key = ctx->ingress_ifindex % DEVICES;
	struct arrivals *seen = bpf_map_lookup_elem(&arrivals, &key);

	if (!seen)
		return XDP_ABORTED;
	if (data + 42 > end || *(const __u16 *)(data + 12) != net16(0x0800)) {
		seen->others++;
		return XDP_PASS;
	}
	if (*(const __u16 *)(data + 36) == net16(ILLEGAL))
		seen->leaked++;
	else
		seen->legal++;
	seen->bytes += (__u64)(end - data);
	return XDP_DROP;
}

SEC("xdp.frags")
int drop_all(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_DROP;
}

const char program_license[] SEC("license") = "GPL";
