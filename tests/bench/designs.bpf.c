/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The straightforward designs that rolewall is measured against, each a map for each question:
 * addresses in a HASH or an LPM_TRIE, ports in an ARRAY, flows and fragments in an LRU_HASH. They
 * parse as little as can be, no tags, options, extension headers or fragments, but for those whose
 * name ends in _whole, which read all of these but extension headers of other kinds. They refuse
 * nothing.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "compiler.h"

#define PREFIXES 131072
#define FLOWS 131072 /* as rolewall has for each family */
#define FRAGMENTS 16384 /* as rolewall has */
#define SETS 16
#define PORTS 65536U
#define ETHERNET 14
#define TCP 6
#define UDP 17
#define FRAGMENT 44

union ip {
	__u32 word[4]; /* IPv4: the last, behind ffff as in a mapped address */
};

struct prefix {
	__u32 bits;
	union ip ip;
};

struct prefix4 {
	__u32 bits;
	__u32 ip;
};

struct flow {
	union ip local, remote;
	__u16 local_port, remote_port;
	__u32 protocol;
};

/* A packet in fragments. */
struct pieces {
	union ip source, destination;
	__u32 number, protocol;
};

struct counter {
	__u64 packets, bytes;
};

/* A host's set of ports, from 1. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PREFIXES);
	__type(key, union ip);
	__type(value, __u32);
} hosts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, PREFIXES);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct prefix4);
	__type(value, __u32);
} prefixes4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, PREFIXES);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct prefix);
	__type(value, __u32);
} prefixes6 SEC(".maps");

/* The row that opens a port, from 1, by set << 17 | is UDP << 16 | port. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SETS * 2 * PORTS);
	__type(key, __u32);
	__type(value, __u32);
} ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, FLOWS);
	__type(key, struct flow);
	__type(value, __u64);
} flows SEC(".maps");

/* The row that opened the port which the first fragment names. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, FRAGMENTS);
	__type(key, struct pieces);
	__type(value, __u32);
} fragments SEC(".maps");

/* By row; 0 counts drops. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, struct counter);
} counters SEC(".maps");

struct view {
	union ip source, destination;
	__u16 source_port, destination_port;
	__u32 protocol;
	__u64 length;
	bool is_ip6, opens;
};

static __always_inline bool look(struct xdp_md *ctx, struct view *view)
{
	const __u8 *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	const __u8 *transport = data + ETHERNET + 20;

	if (data + ETHERNET + 28 > end)
		return false;
	view->length = (__u64)(end - data);
	view->is_ip6 = *(const __u16 *)(data + 12) == net16(0x86dd);
	if (view->is_ip6) {
		if (data + ETHERNET + 48 > end)
			return false;
		transport = data + ETHERNET + 40;
		view->protocol = data[20];
		__builtin_memcpy(&view->source, data + 22, 16);
		__builtin_memcpy(&view->destination, data + 38, 16);
	} else if (*(const __u16 *)(data + 12) == net16(0x0800)) {
		view->protocol = data[23];
		view->source = (union ip){{0, 0, net32(0xffff), *(const __u32 *)(data + 26)}};
		view->destination = (union ip){{0, 0, net32(0xffff), *(const __u32 *)(data + 30)}};
	} else {
		return false;
	}
	if (transport + 14 > end) {
		if (view->protocol != UDP || transport + 8 > end)
			return false;
	} else if (view->protocol == TCP) {
		view->opens = (transport[13] & 0x12) == 0x02;
	}
	view->source_port = host16(*(const __u16 *)transport);
	view->destination_port = host16(*(const __u16 *)(transport + 2));
	return view->protocol == TCP || view->protocol == UDP;
}

static __always_inline int count(__u32 row, const struct view *view, int verdict)
{
	struct counter *counter = bpf_map_lookup_elem(&counters, &row);

	if (!counter)
		return XDP_ABORTED;
	counter->packets++;
	counter->bytes += view->length;
	return verdict;
}

static __always_inline __u32 set_of(const union ip *ip, bool is_ip6)
{
	const __u32 *set;

	if (is_ip6) {
		const struct prefix key = {128, *ip};

		set = bpf_map_lookup_elem(&prefixes6, &key);
	} else {
		const struct prefix4 key = {32, ip->word[3]};

		set = bpf_map_lookup_elem(&prefixes4, &key);
	}
	return set ? *set : 0;
}

static __always_inline __u32 row_of(__u32 set, const struct view *view)
{
	__u32 key = set << 17 | (__u32)(view->protocol == UDP) << 16 | view->destination_port;
	const __u32 *row = bpf_map_lookup_elem(&ports, &key);

	return row ? *row : 0;
}

/* Exact addresses; no flows. */
SEC("xdp.frags")
int hash(struct xdp_md *ctx)
{
	struct view view = {};
	const __u32 *set;
	__u32 row;

	if (!look(ctx, &view))
		return XDP_DROP;
	set = bpf_map_lookup_elem(&hosts, &view.destination);
	if (!set)
		return count(1023, &view, XDP_PASS);
	row = row_of(*set, &view);
	return count(row, &view, row ? XDP_PASS : XDP_DROP);
}

/* Prefixes; no flows, so that the source is nobody's business. */
SEC("xdp.frags")
int lpm(struct xdp_md *ctx)
{
	struct view view = {};
	__u32 set, row;

	if (!look(ctx, &view))
		return XDP_DROP;
	set = set_of(&view.destination, view.is_ip6);
	if (!set)
		return count(1023, &view, XDP_PASS);
	row = row_of(set, &view);
	return count(row, &view, row ? XDP_PASS : XDP_DROP);
}

static __always_inline struct flow flow_of(const struct view *view, bool outbound)
{
	return (struct flow){
		.local = outbound ? view->source : view->destination,
		.remote = outbound ? view->destination : view->source,
		.local_port = outbound ? view->source_port : view->destination_port,
		.remote_port = outbound ? view->destination_port : view->source_port,
		.protocol = view->protocol,
	};
}

/* Prefixes, and flows of what guarded hosts start. */
SEC("xdp.frags")
int lpm_flow(struct xdp_md *ctx)
{
	struct view view = {};
	__u32 set, row;

	if (!look(ctx, &view))
		return XDP_DROP;
	set = set_of(&view.destination, view.is_ip6);
	if (set) {
		const struct flow reply = flow_of(&view, false);

		row = row_of(set, &view);
		if (!row && !view.opens && bpf_map_lookup_elem(&flows, &reply))
			row = 1022;
		return count(row, &view, row ? XDP_PASS : XDP_DROP);
	}
	if (set_of(&view.source, view.is_ip6)) {
		const struct flow flow = flow_of(&view, true);
		const __u64 now = 1;

		if (!bpf_map_lookup_elem(&flows, &flow))
			bpf_map_update_elem(&flows, &flow, &now, BPF_ANY);
		return count(1021, &view, XDP_PASS);
	}
	return count(1023, &view, XDP_PASS);
}

/* Where a packet stands among its fragments. */
enum place { WHOLE, FIRST, LATER };

struct whole_view {
	struct view view;
	enum place place;
	__u32 number;
};

static __always_inline enum place place_of(__u16 offset, bool more)
{
	return offset ? LATER : more ? FIRST : WHOLE;
}

/* IPv4 at IP; returns where the transport header is, or NULL. */
static __always_inline const __u8 *look4(const __u8 *ip, const __u8 *end, struct whole_view *whole)
{
	__u16 fragment;

	if (ip + 20 > end)
		return NULL;
	fragment = host16(*(const __u16 *)(ip + 6));
	whole->place = place_of(fragment & 0x1fff, fragment & 0x2000);
	whole->number = *(const __u16 *)(ip + 4);
	whole->view.protocol = ip[9];
	whole->view.source = (union ip){{0, 0, net32(0xffff), *(const __u32 *)(ip + 12)}};
	whole->view.destination = (union ip){{0, 0, net32(0xffff), *(const __u32 *)(ip + 16)}};
	return ip + (ip[0] & 15U) * 4;
}

static __always_inline const __u8 *look6(const __u8 *ip, const __u8 *end, struct whole_view *whole)
{
	__u16 fragment;

	if (ip + 48 > end)
		return NULL;
	whole->view.is_ip6 = true;
	whole->view.protocol = ip[6];
	__builtin_memcpy(&whole->view.source, ip + 8, 16);
	__builtin_memcpy(&whole->view.destination, ip + 24, 16);
	if (whole->view.protocol != FRAGMENT)
		return ip + 40;
	whole->view.protocol = ip[40];
	fragment = host16(*(const __u16 *)(ip + 42));
	whole->place = place_of(fragment & 0xfff8, fragment & 1);
	whole->number = *(const __u32 *)(ip + 44);
	return ip + 48;
}

/* Behind up to two tags, with options and fragments. */
static __always_inline bool look_whole(struct xdp_md *ctx, struct whole_view *whole)
{
	const __u8 *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	const __u8 *type = data + 12, *transport;
	struct view *view = &whole->view;
	int i;

	view->length = (__u64)(end - data);
	if (data + ETHERNET + 8 > end)
		return false;
#pragma unroll
	for (i = 0; i < 2; i++)
		if (*(const __u16 *)type == net16(0x8100) || *(const __u16 *)type == net16(0x88a8))
			type += 4;
	if (*(const __u16 *)type == net16(0x0800))
		transport = look4(type + 2, end, whole);
	else if (*(const __u16 *)type == net16(0x86dd))
		transport = look6(type + 2, end, whole);
	else
		return false;
	if (!transport || (view->protocol != TCP && view->protocol != UDP))
		return false;
	if (whole->place == LATER)
		return true;
	if (transport + 4 > end)
		return false;
	view->source_port = host16(*(const __u16 *)transport);
	view->destination_port = host16(*(const __u16 *)(transport + 2));
	return true;
}

/* The row of a packet to a host with that set, which its later fragments go by. */
static __always_inline __u32 row_of_whole(__u32 set, const struct whole_view *whole)
{
	const struct pieces pieces = {
		.source = whole->view.source,
		.destination = whole->view.destination,
		.number = whole->number,
		.protocol = whole->view.protocol,
	};
	const __u32 *found;
	__u32 row;

	if (whole->place == LATER) {
		found = bpf_map_lookup_elem(&fragments, &pieces);
		return found ? *found : 0;
	}
	row = row_of(set, &whole->view);
	if (row && whole->place == FIRST)
		bpf_map_update_elem(&fragments, &pieces, &row, BPF_ANY);
	return row;
}

SEC("xdp.frags")
int hash_whole(struct xdp_md *ctx)
{
	struct whole_view whole = {};
	const __u32 *set;
	__u32 row;

	if (!look_whole(ctx, &whole))
		return XDP_DROP;
	set = bpf_map_lookup_elem(&hosts, &whole.view.destination);
	if (!set)
		return count(1023, &whole.view, XDP_PASS);
	row = row_of_whole(*set, &whole);
	return count(row, &whole.view, row ? XDP_PASS : XDP_DROP);
}

SEC("xdp.frags")
int lpm_whole(struct xdp_md *ctx)
{
	struct whole_view whole = {};
	__u32 set, row;

	if (!look_whole(ctx, &whole))
		return XDP_DROP;
	set = set_of(&whole.view.destination, whole.view.is_ip6);
	if (!set)
		return count(1023, &whole.view, XDP_PASS);
	row = row_of_whole(set, &whole);
	return count(row, &whole.view, row ? XDP_PASS : XDP_DROP);
}

/* One lookup of a flow, and nothing else. */
SEC("xdp.frags")
int lru_lookup(struct xdp_md *ctx)
{
	struct view view = {};
	struct flow reply;

	if (!look(ctx, &view))
		return XDP_ABORTED;
	reply = flow_of(&view, false);
	return bpf_map_lookup_elem(&flows, &reply) ? XDP_PASS : XDP_DROP;
}

/* One flow more in a table that is full, and nothing else. */
SEC("xdp.frags")
int lru_insert(struct xdp_md *ctx)
{
	struct view view = {};
	const __u64 now = 1;
	struct flow flow;

	if (!look(ctx, &view))
		return XDP_ABORTED;
	flow = flow_of(&view, true);
	return bpf_map_update_elem(&flows, &flow, &now, BPF_ANY) ? XDP_DROP : XDP_PASS;
}

const char program_license[] SEC("license") = "GPL";
