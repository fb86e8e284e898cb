/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Forwarding in XDP, behind the verdict: a program of its own, which the exit of the others goes on
 * to with packets that pass, where the site says `forwarding: xdp`. It does what a router does with
 * a plain packet to a known neighbour, and leaves every other one to the kernel untouched, counted
 * by why (include/forward.h).
 */
#ifndef ROLEWALL_FORWARD_XDP_H
#define ROLEWALL_FORWARD_XDP_H

#include "forward.h"
#include "judge.h"

#define ADDRESS_INET 2 /* AF_INET */
#define ADDRESS_INET6 10 /* AF_INET6 */
#define SHORTEST_FRAME 60U /* without its checksum; drivers fill up to it */

/* The interfaces that packets may go out by, by ifindex; the kernel takes out those that go away. */
struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP_HASH);
	__uint(max_entries, FORWARD_PORTS);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} forward_out SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FORWARD_PORTS);
	__type(key, __u32);
	__type(value, struct forward_port);
} forward_in SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct forward_counters);
} forwarding SEC(".maps");

#define REFRESH_CELLS 1024U /* neighbours that are told apart, more or less */
#define REFRESH_SHIFT 2U /* every 4 seconds */

/* When a packet to a neighbour was last left to the kernel, in units of 1 << REFRESH_SHIFT seconds. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, REFRESH_CELLS);
	__type(key, __u32);
	__type(value, __u32);
} forward_fresh SEC(".maps");

static __always_inline void count_forward(enum forward_result result)
{
	__u32 key = 0;
	struct forward_counters *all = bpf_map_lookup_elem(&forwarding, &key);
	__u64 index = result;

	keep(index);
	if (!all || index >= N_FORWARD_RESULTS)
		return;
	keep(index);
	((__u64 *)all)[index]++;
}

/* RFC 1071, of 20 bytes; the right sum of a header with its checksum is 0xffff. */
static __always_inline bool is_right_checksum(const struct ip4_header *ip)
{
	const __u32 *words = (const __u32 *)ip;
	__u64 sum = (__u64)words[0] + words[1] + words[2] + words[3] + words[4];

	sum = (sum & 0xffffffffU) + (sum >> 32);
	sum = (sum & 0xffffU) + (sum >> 16 & 0xffffU) + (sum >> 32);
	sum = (sum & 0xffffU) + (sum >> 16);
	sum = (sum & 0xffffU) + (sum >> 16);
	return sum == 0xffffU;
}

/* RFC 1141: the TTL is the high byte of its word. */
static __always_inline void lower_ttl(struct ip4_header *ip)
{
	__u32 sum = (__u32)ip->checksum + net16(0x0100);

	ip->checksum = (__u16)(sum + (sum >= 0xffffU));
	ip->ttl--;
}

/* Routing rules, and the choice among several next hops, may go by the ports. */
static __always_inline void ask_ports(__u8 protocol, const void *transport, const void *end,
				      struct bpf_fib_lookup *route)
{
	const struct udp_header *ports = transport;

	if ((protocol != PROTOCOL_TCP && protocol != PROTOCOL_UDP) ||
	    (const void *)(ports + 1) > end)
		return;
	route->sport = ports->source;
	route->dport = ports->destination;
}

static __always_inline enum forward_result ask4(const struct ip4_header *ip, const void *end,
						struct bpf_fib_lookup *route)
{
	if (ip->version_ihl != IP4_PLAIN)
		return FORWARD_options;
	if (!is_right_checksum(ip))
		return FORWARD_checksum;
	if (!is_usual4(ip->source) || !is_usual4(ip->destination))
		return FORWARD_address;
	if (ip->ttl <= 1)
		return FORWARD_ttl;
	if (!(ip->fragment & net16(IP4_MORE | IP4_OFFSET)))
		ask_ports(ip->protocol, ip + 1, end, route);
	route->family = ADDRESS_INET;
	route->tos = ip->tos;
	route->l4_protocol = ip->protocol;
	route->tot_len = host16(ip->length);
	route->ipv4_src = ip->source;
	route->ipv4_dst = ip->destination;
	return FORWARD_forwarded;
}

static __always_inline enum forward_result ask6(const struct ip6_header *ip, const void *end,
						struct bpf_fib_lookup *route)
{
	int i;

	if (ip->next_header == PROTOCOL_HOP_BY_HOP)
		return FORWARD_options;
	if (!is_usual6(&ip->source) || !is_usual6(&ip->destination))
		return FORWARD_address;
	if (ip->hop_limit <= 1)
		return FORWARD_ttl;
	if (host16(ip->payload_length) > 0xffffU - sizeof(*ip))
		return FORWARD_mtu; /* tot_len has 16 bits */
	ask_ports(ip->next_header, ip + 1, end, route);
	route->family = ADDRESS_INET6;
	route->flowinfo = ip->version_class_label & net32(0x0fffffffU);
	route->l4_protocol = ip->next_header;
	route->tot_len = (__u16)(host16(ip->payload_length) + sizeof(*ip));
	for (i = 0; i < 4; i++) {
		route->ipv6_src[i] = ip->source.word[i];
		route->ipv6_dst[i] = ip->destination.word[i];
	}
	return FORWARD_forwarded;
}

static __always_inline enum forward_result answer_of(long answer)
{
	switch (answer) {
	case BPF_FIB_LKUP_RET_SUCCESS:
		return FORWARD_forwarded;
	case BPF_FIB_LKUP_RET_BLACKHOLE:
	case BPF_FIB_LKUP_RET_UNREACHABLE:
	case BPF_FIB_LKUP_RET_PROHIBIT:
		return FORWARD_refused;
	case BPF_FIB_LKUP_RET_NOT_FWDED:
		return FORWARD_local;
	case BPF_FIB_LKUP_RET_FWD_DISABLED:
		return FORWARD_disabled;
	case BPF_FIB_LKUP_RET_UNSUPP_LWT:
		return FORWARD_tunnel;
	case BPF_FIB_LKUP_RET_NO_NEIGH:
		return FORWARD_no_neighbour;
	case BPF_FIB_LKUP_RET_FRAG_NEEDED:
		return FORWARD_mtu;
	default:
		return FORWARD_failed;
	}
}

/* Both at even addresses. */
static __always_inline bool is_same_mac(const void *a, const void *b)
{
	const __u16 *left = a, *right = b;

	return !((left[0] ^ right[0]) | (left[1] ^ right[1]) | (left[2] ^ right[2]));
}

/* What is not for this gateway as a router, as far as the link goes. */
static __always_inline enum forward_result ask_link(const struct ethernet_header *ethernet,
						    const struct forward_port *port)
{
	if (!port)
		return FORWARD_port;
	if (port->left)
		return port->left;
	if (ethernet->destination[0] & FACT_GROUP_FRAME)
		return FORWARD_group;
	return is_same_mac(ethernet->destination, port->mac) ? FORWARD_forwarded
							     : FORWARD_other_station;
}

static __always_inline enum forward_result ask_packet(const struct ethernet_header *ethernet,
						      const void *end, struct bpf_fib_lookup *route)
{
	const struct ip4_header *ip4 = (const void *)(ethernet + 1);
	const struct ip6_header *ip6 = (const void *)(ethernet + 1);

	if (ethernet->type == net16(ETHERTYPE_IPV4))
		return ask4(ip4, end, route);
	if (ethernet->type == net16(ETHERTYPE_IPV6))
		return (const void *)(ip6 + 1) <= end ? ask6(ip6, end, route) : FORWARD_not_ip;
	return is_vlan_type(host16(ethernet->type)) ? FORWARD_tagged : FORWARD_not_ip;
}

/* The kernel cuts off what is behind the packet; of the padding of a short frame nobody minds. */
static __always_inline bool is_padded(__u64 length, const struct bpf_fib_lookup *route)
{
	return length > SHORTEST_FRAME &&
	       length > sizeof(struct ethernet_header) + (__u64)route->tot_len;
}

/* What the kernel has of one kind of packets alone. PORT is where it came in. */
static __always_inline enum forward_result ask_kind(const struct forward_port *port,
						    const struct bpf_fib_lookup *route)
{
	bool six = route->family == ADDRESS_INET6;
	__u16 mtu = six ? port->mtu6 : port->mtu4;

	if (six && port->left6)
		return port->left6;
	return mtu && route->tot_len > mtu ? FORWARD_mtu : FORWARD_forwarded;
}

/*
 * Whether ROUTE leads out by an interface that frames may be sent to. Indexes are those of a network
 * namespace, and an interface that was moved to another one asks the routes there: the answer's MAC
 * address tells whether it is the interface that is known here.
 */
static __always_inline bool is_known_way(const struct bpf_fib_lookup *route)
{
	const struct forward_port *out = bpf_map_lookup_elem(&forward_in, &route->ifindex);

	return out && is_same_mac(out->mac, route->smac) &&
	       bpf_map_lookup_elem(&forward_out, &route->ifindex);
}

/*
 * The kernel looks after a neighbour that it sends packets to, and would believe for ever what it
 * knows of one that only this program does. ROUTE has the next hop's address.
 */
static __always_inline bool is_due_to_kernel(const struct bpf_fib_lookup *route)
{
	__u32 now = (read_once(control.epoch) >> REFRESH_SHIFT) + 1;
	__u32 key = route->ipv4_dst, *last;

	if (route->family == ADDRESS_INET6)
		key = route->ipv6_dst[0] ^ route->ipv6_dst[1] ^ route->ipv6_dst[2] ^
		      route->ipv6_dst[3];
	key = (key ^ route->ifindex) * 0x9e3779b1U >> 22;
	last = bpf_map_lookup_elem(&forward_fresh, &key);
	if (!last || likely(*last == now))
		return false;
	*last = now;
	return true;
}

/* Where the packet goes, and by which MAC addresses; nothing is changed yet. */
static __always_inline enum forward_result find_way(struct xdp_md *ctx,
						    struct bpf_fib_lookup *route)
{
	const __u8 *bytes = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	const struct ethernet_header *ethernet = (const void *)bytes;
	const struct forward_port *port;
	enum forward_result result;
	__u64 length = (__u64)(end - bytes);

	if (bpf_xdp_get_buff_len(ctx) != length)
		return FORWARD_buffers;
	if (bytes + sizeof(*ethernet) + sizeof(struct ip4_header) > end)
		return FORWARD_not_ip;
	route->ifindex = ctx->ingress_ifindex;
	port = bpf_map_lookup_elem(&forward_in, &route->ifindex);
	result = ask_link(ethernet, port);
	if (!result)
		result = ask_packet(ethernet, end, route);
	if (!result)
		result = ask_kind(port, route);
	if (!result && is_padded(length, route))
		result = FORWARD_padded;
	if (result)
		return result;
	result = answer_of(bpf_fib_lookup(ctx, route, sizeof(*route), 0));
	if (result)
		return result;
	if (route->ifindex == ctx->ingress_ifindex)
		return FORWARD_same_interface;
	if (!is_known_way(route))
		return FORWARD_device;
	return is_due_to_kernel(route) ? FORWARD_refresh : FORWARD_forwarded;
}

/* The packet as the next hop gets it. False: it is not what find_way() saw. */
static __always_inline bool rewrite(struct xdp_md *ctx, const struct bpf_fib_lookup *route)
{
	__u8 *bytes = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethernet_header *ethernet = (void *)bytes;
	struct ip4_header *ip4 = (void *)(ethernet + 1);
	struct ip6_header *ip6 = (void *)(ethernet + 1);

	if ((__u8 *)(ip4 + 1) > end)
		return false;
	if (ethernet->type == net16(ETHERTYPE_IPV4)) {
		lower_ttl(ip4);
	} else {
		if ((__u8 *)(ip6 + 1) > end)
			return false;
		ip6->hop_limit--;
	}
	__builtin_memcpy(ethernet->destination, route->dmac, sizeof(route->dmac));
	__builtin_memcpy(ethernet->source, route->smac, sizeof(route->smac));
	return true;
}

SEC("xdp.frags")
int rolewall_xdp_forward(struct xdp_md *ctx)
{
	struct bpf_fib_lookup route = {};
	enum forward_result result = find_way(ctx, &route);

	if (!result && !rewrite(ctx, &route))
		result = FORWARD_failed;
	count_forward(result);
	if (result)
		return XDP_PASS;
	/* An interface that went away just now: the packet is changed already, so it is lost. */
	return (int)bpf_redirect_map(&forward_out, route.ifindex, XDP_DROP);
}

#endif
