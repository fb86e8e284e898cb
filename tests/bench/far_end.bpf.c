/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ends of the ways through the gateways: the far end counts what arrives by device and by what should
 * not have, sends back what wants an echo, and takes off the rest; XDP_DROP alone is what every filter is
 * held against.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "compiler.h"

#define DEVICES 64
#define ILLEGAL 9 /* the port that nothing may get through to */
#define ECHO 50001

struct arrivals {
	__u64 legal, leaked, bytes, others;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, DEVICES);
	__type(key, __u32);
	__type(value, struct arrivals);
} arrivals SEC(".maps");

/* To where it came from; no checksum changes by that. */
static __always_inline int send_back(__u8 *data, __u32 ifindex)
{
	__u8 mac[6];
	__u32 address = *(__u32 *)(data + 26);
	__u16 port = *(__u16 *)(data + 34);

	__builtin_memcpy(mac, data, 6);
	__builtin_memcpy(data, data + 6, 6);
	__builtin_memcpy(data + 6, mac, 6);
	*(__u32 *)(data + 26) = *(__u32 *)(data + 30);
	*(__u32 *)(data + 30) = address;
	*(__u16 *)(data + 34) = *(__u16 *)(data + 36);
	*(__u16 *)(data + 36) = port;
	/* XDP_TX would wait in the ring of a device that has no program: the kernel does not wake it. */
	return (int)bpf_redirect(ifindex, 0);
}

SEC("xdp.frags")
int far_end(struct xdp_md *ctx)
{
	__u8 *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
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
	return *(const __u16 *)(data + 36) == net16(ECHO) ? send_back(data, ctx->ingress_ifindex)
							  : XDP_DROP;
}

/* The device that takes over what comes in by another. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, DEVICES);
	__type(key, __u32);
	__type(value, __u32);
} relays SEC(".maps");

/*
 * Makes frames of what a socket sends, as the flood's are: a veth lets packets of sockets pass by the queue
 * that frames wait in.
 */
SEC("xdp")
int relay(struct xdp_md *ctx)
{
	__u32 key = ctx->ingress_ifindex % DEVICES;
	const __u32 *ifindex = bpf_map_lookup_elem(&relays, &key);

	return ifindex && *ifindex ? (int)bpf_redirect(*ifindex, 0) : XDP_ABORTED;
}

SEC("xdp.frags")
int drop_all(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_DROP;
}

const char program_license[] SEC("license") = "GPL";
