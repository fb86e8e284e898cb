/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The maps, and the accessors through which parse, classify and decide see them. kern_load.c pins
 * each under the name it has here (`images`, `control`, `drops`, ...); docs/architecture.md lists them.
 */
#ifndef ROLEWALL_MAPS_H
#define ROLEWALL_MAPS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "control.h"
#include "decide.h"

const volatile struct {
	__u32 image_mask; /* cells of a slot less one; a power of two less one */
	__u32 shadow; /* the programs are a shadow's */
} knobs = {.image_mask = IMAGE_PAGES_MIN * PAGE_CELLS - 1};

/* For the controller alone. */
const volatile struct load load SEC(".rodata.load") = {.image_pages = IMAGE_PAGES_MIN};

/*
 * The slots: an element is a whole image, so that a cell costs a mask and a load instead of a
 * lookup (docs/performance.md). kern_load.c sets their size, and the mask to fit it.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, IMAGE_SLOTS);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, IMAGE_PAGES_MIN * sizeof(struct image_page));
} images SEC(".maps");

/* Nothing reads it: an update of it waits until all programs that run at that moment have ended. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(
		values, struct {
			__uint(type, BPF_MAP_TYPE_ARRAY);
			__uint(max_entries, 1);
			__type(key, __u32);
			__type(value, __u32);
		});
} grace SEC(".maps");

struct control control SEC(".data.control");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct drop_counters);
} drops SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct pass_counters);
} passes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, ROW_IDS_MAX);
	__type(key, __u32);
	__type(value, struct row_counter);
} rows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, POOL_IDS_MAX);
	__type(key, __u32);
	__type(value, struct pool_counter);
} pools SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct table_counters);
} tables SEC(".maps");

/* enum side by ifindex, a byte for each slot, so that sides change with the flip. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, IFINDEX_MAX);
	__type(key, __u32);
	__type(value, __u32);
} sides SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, FLOW_BUCKETS);
	__type(key, __u32);
	__type(value, struct flow_bucket4);
} flows4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, FLOW_BUCKETS);
	__type(key, __u32);
	__type(value, struct flow_bucket6);
} flows6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, FRAGMENT_BUCKETS);
	__type(key, __u32);
	__type(value, struct fragment_bucket);
} fragments SEC(".maps");

/* The first bytes of a frame whose headers lie in several buffers, for the packet at hand. */
struct scratch {
	__u8 bytes[FRAME_HEADERS + 64]; /* the rest is for the verifier: an offset below 512 + 64 */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct scratch);
} scratch SEC(".maps");

/* The clock: one timer that counts seconds into control.epoch. */
struct clock {
	struct bpf_timer timer;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct clock);
} clock SEC(".maps");

static __always_inline const __u32 *image_cells(__u32 slot)
{
	return bpf_map_lookup_elem(&images, &slot);
}

static __always_inline __u32 image_mask(void)
{
	return knobs.image_mask;
}

/*
 * The policy in force, for an entry: the control cell itself is the key, which spares a copy on the
 * stack. What wants the slot, by then perhaps not the active one any more, finds it in the image.
 */
static __always_inline struct book active_book(void)
{
	return (struct book){
		.cells = bpf_map_lookup_elem(&images, (const void *)&control.active),
		.mask = image_mask(),
		.slot = NO_SLOT,
	};
}

static __always_inline enum side side_of(__u32 ifindex, __u32 slot)
{
	__u32 *side = bpf_map_lookup_elem(&sides, &ifindex);

	return side ? *side >> SIDE_SHIFT(slot) & SIDE_MASK : SIDE_ANY;
}

static __always_inline struct flow_bucket4 *flow_bucket4(__u32 number)
{
	return bpf_map_lookup_elem(&flows4, &number);
}

static __always_inline struct flow_bucket6 *flow_bucket6(__u32 number)
{
	return bpf_map_lookup_elem(&flows6, &number);
}

static __always_inline __u32 epoch(void)
{
	return read_once(control.epoch);
}

static __always_inline __u64 hash_key(void)
{
	return words(control.hash_key[0], control.hash_key[1]);
}

static __always_inline void count_flow(bool evicted, bool lost)
{
	__u32 key = 0;
	struct table_counters *counters = bpf_map_lookup_elem(&tables, &key);

	if (!counters)
		return;
	counters->flows_created += !lost;
	counters->flows_evicted += evicted;
	counters->flows_lost += lost;
}

static __always_inline void count_fragments(void)
{
	__u32 key = 0;
	struct table_counters *counters = bpf_map_lookup_elem(&tables, &key);

	if (counters)
		counters->fragments_created++;
}

#endif
