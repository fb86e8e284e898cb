/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Drops in detail (include/detail.h). Every drop pays for the first part, a gate that lets so few
 * of a flood through to the second part, which hashes and searches in a
 * program of its own, that nobody can make it expensive.
 */
#ifndef ROLEWALL_DROP_DETAIL_H
#define ROLEWALL_DROP_DETAIL_H

#include "detail.h"
#include "maps.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, PORT_PAGES);
	__type(key, __u32);
	__type(value, struct port_page);
} drop_ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, ROLE_SETS_MAX);
	__type(key, __u32);
	__type(value, struct role_set);
} role_sets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, ROLE_PAIRS);
	__type(key, __u32);
	__type(value, struct role_pair);
} role_pairs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SOURCE_SETS);
	__type(key, __u32);
	__type(value, struct source4_set);
} drop_sources4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SOURCE_SETS);
	__type(key, __u32);
	__type(value, struct source6_set);
} drop_sources6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SERVICE_SETS);
	__type(key, __u32);
	__type(value, struct service_set);
} drop_services SEC(".maps");

/* --- every drop */

/* True if this drop is one to look at more closely. */
static __always_inline bool is_due(struct drop_gate *gate)
{
	__u32 left = gate->left - 1;

	gate->left = left;
	return unlikely(!left || gate->second != epoch());
}

/* --- what is looked at */

static __always_inline void count_port(__u32 port, __u32 weight)
{
	__u32 page = port >> 8;
	struct port_page *ports = bpf_map_lookup_elem(&drop_ports, &page);

	if (ports)
		ports->packets[port & (PORT_PAGE - 1)] += weight;
}

static __always_inline void count_pair(const struct drop_gate *gate, __u32 weight)
{
	__u32 number = ROLES_OF(gate->source) * ROLE_SETS_MAX + ROLES_OF(gate->destination);
	struct role_pair *pair = bpf_map_lookup_elem(&role_pairs, &number);

	if (!pair)
		return;
	pair->packets += weight;
	pair->bytes += (__u64)gate->length * weight;
}

/* The way with the smallest count. */
static __always_inline __u32 least_way(const __u64 *packets)
{
	__u64 least = packets[0];
	__u32 way = 0, i;

	for (i = 1; i < DETAIL_WAYS; i++) {
		if (packets[i] < least) {
			least = packets[i];
			way = i;
		}
	}
	keep(way);
	return way & (DETAIL_WAYS - 1);
}

static __always_inline void take_way(__u64 *packets, __u64 *before, __u32 way, __u32 weight)
{
	before[way] = packets[way];
	packets[way] += weight;
}

static __always_inline void count_source4(__u32 address, __u32 weight)
{
	__u32 number = (__u32)(mix(hash_key(), address) >> 32) & (SOURCE_SETS - 1), i;
	struct source4_set *set = bpf_map_lookup_elem(&drop_sources4, &number);

	if (!set)
		return;
	for (i = 0; i < DETAIL_WAYS; i++) {
		if (set->address[i] == address) {
			set->packets[i] += weight;
			return;
		}
	}
	i = least_way(set->packets);
	take_way(set->packets, set->before, i, weight);
	set->address[i] = address;
}

static __always_inline void count_source6(const union address *address, __u32 weight)
{
	__u64 hash = mix(mix(hash_key(), words(address->word[0], address->word[1])),
			 words(address->word[2], address->word[3]));
	__u32 number = (__u32)(hash >> 32) & (SOURCE_SETS - 1), i;
	struct source6_set *set = bpf_map_lookup_elem(&drop_sources6, &number);

	if (!set)
		return;
	for (i = 0; i < DETAIL_WAYS; i++) {
		if (same_address(&set->address[i], address)) {
			set->packets[i] += weight;
			return;
		}
	}
	i = least_way(set->packets);
	take_way(set->packets, set->before, i, weight);
	set->address[i] = *address;
}

static __always_inline void count_service(__u32 service, __u32 weight)
{
	__u32 number = (__u32)(mix(hash_key(), service) >> 32) & (SERVICE_SETS - 1), i;
	struct service_set *set = bpf_map_lookup_elem(&drop_services, &number);

	if (!set)
		return;
	for (i = 0; i < DETAIL_WAYS; i++) {
		if (set->key[i] == service) {
			set->packets[i] += weight;
			return;
		}
	}
	i = least_way(set->packets);
	take_way(set->packets, set->before, i, weight);
	set->key[i] = service;
}

/* Drops that a row could have let in: what `drops --by service` lists. */
static __always_inline bool is_refused_service(enum reason reason)
{
	return reason == REASON_port_not_in_matrix || reason == REASON_source_not_allowed ||
	       reason == REASON_outbound_not_in_matrix;
}

/* For how many drops the one at hand stands; sets out when the next is due. */
static __always_inline __u32 pass_gate(struct drop_gate *gate)
{
	__u32 now = epoch(), weight = gate->gap - gate->left;

	if (gate->second != now) {
		gate->second = now;
		gate->exact = DETAIL_EXACT;
		gate->events = control.watch_until > now ? control.watch_rate : 0;
	}
	gate->gap = 1;
	if (gate->exact) {
		gate->exact--;
	} else if (!gate->events) {
		gate->random = mix(hash_key(), gate->random);
		gate->gap += (__u32)(gate->random >> 32) & (DETAIL_GAP - 1);
	}
	gate->left = gate->gap;
	return weight;
}

static __always_inline struct drop_gate *drop_gate(void)
{
	__u32 key = 0;
	struct drop_counters *all = bpf_map_lookup_elem(&drops, &key);

	return all ? &all->gate : NULL;
}

static __always_inline void look_at(struct drop_gate *gate)
{
	const union address source = {
		.word = {gate->address[0], gate->address[1], gate->address[2], gate->address[3]}};
	__u32 weight = pass_gate(gate);

	count_port(gate->port, weight);
	count_pair(gate, weight);
	if (gate->family == FAMILY_IPV4)
		count_source4(source.word[0], weight);
	else if (gate->family == FAMILY_IPV6)
		count_source6(&source, weight);
	if (gate->opens && is_refused_service(gate->reason))
		count_service(SERVICE_KEY(gate->port, ROLES_OF(gate->source),
					  ROLES_OF(gate->destination)),
			      weight);
}

#endif
