/* SPDX-License-Identifier: MIT */
/*
 * The environment of the headers in bpf/ on a host: arrays in place of maps. A test includes this once and has
 * the very source that runs in the kernel, under sanitizers.
 */
#ifndef ROLEWALL_TESTS_HOST_ENV_H
#define ROLEWALL_TESTS_HOST_ENV_H

#include <stdlib.h>
#include <string.h>

#include "decide.h"
#include "parse.h"

static struct host {
	__u32 *cells; /* a whole slot, as large as the mask says */
	__u32 mask;
	struct flow_bucket4 flows4[FLOW_BUCKETS];
	struct flow_bucket6 flows6[FLOW_BUCKETS];
	struct fragment_bucket fragments[FRAGMENT_BUCKETS];
	__u32 epoch;
	__u64 hash_key;
	unsigned int created, evicted, lost, fragmented;
	enum side side;
} host = {.epoch = 1, .hash_key = 0x0123456789abcdefULL};

static __always_inline const __u32 *image_cells(__u32 slot)
{
	(void)slot;
	return host.cells;
}

static __always_inline __u32 image_mask(void)
{
	return host.mask;
}

static __always_inline struct flow_bucket4 *flow_bucket4(__u32 number)
{
	return number < FLOW_BUCKETS ? &host.flows4[number] : NULL;
}

static __always_inline struct flow_bucket6 *flow_bucket6(__u32 number)
{
	return number < FLOW_BUCKETS ? &host.flows6[number] : NULL;
}

static __always_inline struct fragment_bucket *fragment_bucket(__u32 number, enum fragment_use use)
{
	(void)use;
	return number < FRAGMENT_BUCKETS ? &host.fragments[number] : NULL;
}

static __always_inline __u32 epoch(void)
{
	return host.epoch;
}

static __always_inline __u64 hash_key(void)
{
	return host.hash_key;
}

static __always_inline void count_flow(bool evicted, bool lost)
{
	host.created += !lost;
	host.evicted += evicted;
	host.lost += lost;
}

static __always_inline bool is_refused(const struct flow_key *key)
{
	(void)key;
	return false;
}

static __always_inline void count_fragments(void)
{
	host.fragmented++;
}

static __always_inline enum side side_of(__u32 ifindex, __u32 slot)
{
	(void)ifindex;
	(void)slot;
	return host.side;
}

static __always_inline __u32 frame_whole_length(const struct frame *frame)
{
	return frame->length;
}

/* Parses and judges one frame as the programs do. */
static inline struct verdict host_judge(const void *bytes, __u32 length)
{
	struct frame frame = {
		.data = bytes,
		.end = (const __u8 *)bytes + length,
		.length = length,
		.home = FRAME_HOST,
	};
	struct court court = {.book = {.cells = host.cells, .mask = host.mask}};
	struct packet packet = {0};
	enum reason parsed = parse(&frame, &packet);

	if (parsed)
		return verdict(parsed);
	return classify_ends(&court, &packet) ? decide(&court, &packet)
					      : verdict(REASON_image_fault);
}

/* Puts an image into the host's slot, padded to a power of two. */
static inline void host_load(const struct image_page *page, size_t count)
{
	size_t room = IMAGE_PAGES_MIN;

	while (room < count)
		room *= 2;
	free(host.cells);
	host.cells = calloc(room, sizeof(*page));
	memcpy(host.cells, page, count * sizeof(*page));
	host.mask = (__u32)(room * PAGE_CELLS) - 1;
}

#endif
