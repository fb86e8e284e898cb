/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * The shadow: a candidate's image that is asked about every packet beside the active one, while
 * only the active one decides. What it would do otherwise is counted here (docs/shadow.md).
 */
#ifndef ROLEWALL_SHADOW_H
#define ROLEWALL_SHADOW_H

#include "flow.h"
#include "prefix.h"

enum shadow_kind {
	SHADOW_DROPS, /* passes now, and the candidate would drop it */
	SHADOW_PASSES, /* drops now, and the candidate would let it pass */
	N_SHADOW_KINDS,
};

/* What a policy says of a packet: the counter id of the row that lets it pass, or REASON_CELL(). */
struct shadow_key {
	__u32 active, candidate;
	__u32 pool; /* counter id, as the policy that drops the packet counts it; 0 = none */
	__u32 kind; /* enum shadow_kind */
};

/* The last packet of a kind that a CPU has seen. */
struct shadow_sample {
	union address source, destination;
	__u32 epoch; /* when */
	__u32 ifindex;
	__u32 other_pool; /* of the policy that lets it pass */
	__u32 length;
	__u16 source_port, destination_port; /* host byte order; ICMP echo: the id in both */
	__u8 family; /* enum family; 0: nobody could read it */
	__u8 protocol;
	__u8 icmp_type, icmp_code;
	__u8 tcp_flags;
	__u8 fragment; /* a later one, without ports */
	__u8 spare[6];
};

struct shadow_difference {
	__u64 packets;
	__u64 bytes;
	struct shadow_sample sample;
};

/* Keys of differences; those beyond are counted together. */
#define SHADOW_KEYS 8192U

struct shadow_counters {
	__u64 packets; /* compared */
	__u64 bytes;
	__u64 further_packets; /* that differ under keys for which there was no room */
	__u64 further_bytes;
	__u64 flows; /* recorded because the candidate would need them */
};

/* Conversations that the candidate refused: buckets of WAYS each, for each family. */
#define REFUSED_BUCKETS 2048U

_Static_assert(sizeof(struct shadow_key) == 16, "no padding in a key");
_Static_assert(sizeof(struct shadow_sample) % 8 == 0, "nor behind a sample");

#endif
