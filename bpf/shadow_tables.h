/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the shadow counts and remembers (include/shadow.h). Flows it shares with the policy in
 * force, so that a commit finds those it needs; but not those of conversations that it would have
 * refused, and fragments it follows in a table of its own.
 */
#ifndef ROLEWALL_SHADOW_TABLES_H
#define ROLEWALL_SHADOW_TABLES_H

#include "maps.h"
#include "shadow.h"

/* Memory is taken as it is needed: most shadows have few differences. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, SHADOW_KEYS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct shadow_key);
	__type(value, struct shadow_difference);
} differences SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct shadow_counters);
} compared SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, FRAGMENT_BUCKETS);
	__type(key, __u32);
	__type(value, struct fragment_bucket);
} shadow_frags SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, REFUSED_BUCKETS);
	__type(key, __u32);
	__type(value, struct flow_bucket4);
} refused4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, REFUSED_BUCKETS);
	__type(key, __u32);
	__type(value, struct flow_bucket6);
} refused6 SEC(".maps");

static __always_inline struct fragment_bucket *fragment_bucket(__u32 number, enum fragment_use use)
{
	struct fragment_bucket *bucket;

	if (knobs.shadow && use == FRAGMENT_SHADOW) {
		bucket = bpf_map_lookup_elem(&shadow_frags, &number);
		/* Or clang picks one of two maps first, and without a shadow one is not there. */
		keep(bucket);
		return bucket;
	}
	return bpf_map_lookup_elem(&fragments, &number);
}

/* Finds a conversation among the refused, and keeps it there unless TOUCH only looks. */
static __always_inline bool refused_seek(const struct flow_key *key, const struct flow_touch *touch,
					 const __u32 *header)
{
	__u32 number = flow_bucket_of(key) & (REFUSED_BUCKETS - 1);
	struct flow_bucket4 *bucket4;
	struct flow_bucket6 *bucket6;

	if (key->family == FAMILY_IPV4) {
		bucket4 = bpf_map_lookup_elem(&refused4, &number);
		return bucket4 && flow_find4(bucket4, key, touch, header);
	}
	bucket6 = bpf_map_lookup_elem(&refused6, &number);
	return bucket6 && flow_find6(bucket6, key, touch, header);
}

static __always_inline bool is_refused(const struct flow_key *key)
{
	const struct flow_touch look = {.look = true};

	return knobs.shadow && refused_seek(key, &look, NULL);
}

int refuse(const struct flow_key *key, __u32 slot, bool starts);

/* What the candidate refused at its start, it refuses in whole; in a full bucket the oldest goes. */
verified_once int refuse(const struct flow_key *key, __u32 slot, bool starts)
{
	const struct flow_touch touch = {.slot = slot};
	const __u32 *header = image_cells(slot);
	struct flow_bucket4 *bucket4;
	struct flow_bucket6 *bucket6;
	__u32 number, until, live;
	bool evicted;

	if (!key || !header || refused_seek(key, &touch, header) || !starts)
		return 0;
	number = flow_bucket_of(key) & (REFUSED_BUCKETS - 1);
	until = epoch() + timeout_of(header, key->protocol, FLOW_OPEN);
	live = FLOW_WORD(key->protocol, FLOW_OPEN);
	if (key->family == FAMILY_IPV4) {
		bucket4 = bpf_map_lookup_elem(&refused4, &number);
		return bucket4 && flow_insert4(bucket4, key, live, until, &evicted);
	}
	bucket6 = bpf_map_lookup_elem(&refused6, &number);
	return bucket6 && flow_insert6(bucket6, key, live, until, &evicted);
}

static __always_inline struct shadow_counters *shadow_counters(void)
{
	__u32 key = 0;

	return bpf_map_lookup_elem(&compared, &key);
}

#endif
