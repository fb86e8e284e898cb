/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The floor: the least that a verdict for an IPv4 TCP packet can cost with this image. It reads the
 * cells of a loaded instance as rolewall does, and believes whatever the packet says. bpftool puts
 * the instance's maps in the place of these.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "compiler.h"
#include "control.h"

#define CELLS (IMAGE_PAGES_MIN * PAGE_CELLS)
#define HEADERS 54 /* Ethernet, IPv4, TCP */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, IMAGE_SLOTS);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__uint(value_size, CELLS * sizeof(__u32));
} images SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, ROW_IDS_MAX);
	__type(key, __u32);
	__type(value, struct row_counter);
} rows SEC(".maps");

static __always_inline __u32 cell(const __u32 *cells, __u32 address)
{
	return cells[address & (CELLS - 1)];
}

SEC("xdp.frags")
int floor_ip4(struct xdp_md *ctx)
{
	const __u8 *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 slot = 0, address, port, entry;
	struct row_counter *counter;
	const __u32 *cells;

	if (data + HEADERS > end || *(const __u16 *)(data + 12) != net16(0x0800))
		return XDP_PASS;
	cells = bpf_map_lookup_elem(&images, &slot);
	if (!cells)
		return XDP_DROP;
	address = *(const __u32 *)(data + 30);
	port = *(const __u16 *)(data + 36);
	entry = cells[IMAGE_ROOT4 + first_half(address)];
	entry = cell(cells, entry + third_byte(address));
	entry = cell(cells, entry + fourth_byte(address));
	entry = cell(cells, entry + RECORD_TCP + high_byte(port));
	entry = cell(cells, entry + low_byte(port));
	counter = bpf_map_lookup_elem(&rows, &entry);
	if (!counter)
		return XDP_DROP;
	counter->packets++;
	counter->bytes += (__u64)(end - data);
	return XDP_PASS;
}

const char program_license[] SEC("license") = "GPL";
