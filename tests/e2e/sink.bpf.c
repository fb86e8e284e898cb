/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * At the servers' side of a sweep: counts every TCP and UDP packet by target and port, and ends
 * it, so that no host answers. The last four bits of a destination address are its target number.
 */
#include <stdbool.h>

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define TARGETS 16U
#define PORTS 65536U

/* Packets by target << 17 | is UDP << 16 | port. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, TARGETS * 2 * PORTS);
	__type(key, __u32);
	__type(value, __u64);
} reached SEC(".maps");

static int count(const void *l4, const void *end, __u8 protocol, __u8 last_byte)
{
	const struct udphdr *ports = l4; /* TCP has them in the same place */
	__u32 key;
	__u64 *packets;

	if ((const void *)(ports + 1) > end || (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP))
		return XDP_PASS;
	key = (last_byte % TARGETS) << 17 | (__u32)(protocol == IPPROTO_UDP) << 16 |
	      bpf_ntohs(ports->dest);
	packets = bpf_map_lookup_elem(&reached, &key);
	if (packets)
		__sync_fetch_and_add(packets, 1);
	return XDP_DROP;
}

SEC("xdp")
int sink(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *ethernet = data;
	struct ipv6hdr *ip6 = (void *)(ethernet + 1);
	struct iphdr *ip4 = (void *)(ethernet + 1);

	if ((void *)(ip4 + 1) > end)
		return XDP_PASS;
	if (ethernet->h_proto == bpf_htons(ETH_P_IP))
		return count(ip4 + 1, end, ip4->protocol, (__u8)(bpf_ntohl(ip4->daddr) & 0xff));
	if (ethernet->h_proto == bpf_htons(ETH_P_IPV6) && (void *)(ip6 + 1) <= end)
		return count(ip6 + 1, end, ip6->nexthdr, ip6->daddr.in6_u.u6_addr8[15]);
	return XDP_PASS;
}

const char program_license[] SEC("license") = "GPL";
