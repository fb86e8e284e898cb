/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * In front of a program that is measured: BPF_PROG_TEST_RUN repeats one packet, and these make
 * another one of it each time. What they cost themselves is measured with the empty program behind
 * them. The checksums are left as they are; nothing that is measured here reads them.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "compiler.h"

#define ADDRESSES 131072U /* a power of 2 */
#define ETHERNET 14
#define IP4_HEADERS (ETHERNET + 20 + 8)
#define IP6_HEADERS (ETHERNET + 40 + 8)

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} target SEC(".maps");

struct address {
	__u32 word[4]; /* as they lie in a packet; IPv4: the first */
};

/* Read in a row: the next one is in the cache before it is asked for. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, ADDRESSES);
	__type(key, __u32);
	__type(value, struct address);
} addresses SEC(".maps");

__u32 turn;

/* Another source port, and every 32,768 packets another destination: a flow that nobody knows. */
SEC("xdp.frags")
int next_flow(struct xdp_md *ctx)
{
	__u8 *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 number = turn++;

	if (data + IP6_HEADERS <= end && *(__u16 *)(data + 12) == net16(0x86dd)) {
		*(__u16 *)(data + 54) = (__u16)(number << 1 | 1);
		*(__u16 *)(data + 52) = (__u16)(number >> 15);
	} else if (data + IP4_HEADERS <= end) {
		*(__u16 *)(data + 34) = (__u16)(number << 1 | 1);
		*(__u16 *)(data + 32) = (__u16)(number >> 15);
	}
	bpf_tail_call(ctx, &target, 0);
	return XDP_ABORTED;
}

/* The next destination of the list. */
SEC("xdp.frags")
int next_address(struct xdp_md *ctx)
{
	__u8 *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 number = turn++ & (ADDRESSES - 1);
	const struct address *next = bpf_map_lookup_elem(&addresses, &number);

	if (!next)
		return XDP_ABORTED;
	if (data + IP6_HEADERS <= end && *(__u16 *)(data + 12) == net16(0x86dd)) {
		*(__u32 *)(data + 38) = next->word[0];
		*(__u32 *)(data + 42) = next->word[1];
		*(__u32 *)(data + 46) = next->word[2];
		*(__u32 *)(data + 50) = next->word[3];
	} else if (data + IP4_HEADERS <= end) {
		*(__u32 *)(data + 30) = next->word[0];
	}
	bpf_tail_call(ctx, &target, 0);
	return XDP_ABORTED;
}

/* As above, for the source of a packet that answers: the flows of the list. */
SEC("xdp.frags")
int next_source(struct xdp_md *ctx)
{
	__u8 *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 number = turn++ & (ADDRESSES - 1);
	const struct address *next = bpf_map_lookup_elem(&addresses, &number);

	if (!next || data + IP4_HEADERS > end)
		return XDP_ABORTED;
	*(__u32 *)(data + 26) = next->word[0];
	bpf_tail_call(ctx, &target, 0);
	return XDP_ABORTED;
}

const char program_license[] SEC("license") = "GPL";
