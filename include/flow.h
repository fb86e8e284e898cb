/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * The two tables that packets write: flows that guarded hosts started, and fragmented packets
 * whose first fragment passed. Both are arrays of buckets of 8 ways with exact keys; a keyed hash
 * picks the bucket, so nobody outside can fill a chosen one. docs/flows.md has the life of an entry.
 */
#ifndef ROLEWALL_FLOW_H
#define ROLEWALL_FLOW_H

#include "prefix.h"

#define WAYS 8U

/* Buckets of each table; powers of two. 131,072 flows for each family, 8,192 fragmented packets. */
#define FLOW_BUCKETS 16384U
#define FRAGMENT_BUCKETS 1024U

/*
 * State word of a way, changed as a whole: protocol in bits 0-7, enum flow_state in bits 8-15.
 * 0 = never used. A way counts as long as its deadline lies ahead.
 */
enum flow_state {
	FLOW_FREE = 0,
	FLOW_WRITING = 1, /* its key is being written: neither matched nor taken */
	FLOW_OPENING = 2, /* TCP: only the guarded host has spoken */
	FLOW_OPEN = 3, /* TCP: both have; UDP and echo: always */
	FLOW_CLOSING = 4, /* TCP: the guarded host sent FIN or RST */
	FRAGMENT_PASS = 5,
	FRAGMENT_POISONED = 6, /* two first fragments disagreed */
};

#define FLOW_WORD(protocol, state) ((__u32)(protocol) | (__u32)(state) << 8)
#define FLOW_STATE(word) ((word) >> 8 & 0xff)
#define FLOW_PROTOCOL(word) ((word)&0xff)

/* Ports: the guarded host's in the high half, host byte order. Addresses: network byte order. */
struct flow_bucket4 {
	__u32 ports[WAYS];
	__u32 remote[WAYS];
	__u32 local[WAYS];
	__u32 word[WAYS];
	__u32 deadline[WAYS]; /* in control.epoch seconds */
};

struct flow_bucket6 {
	__u32 ports[WAYS];
	__u32 word[WAYS];
	__u32 deadline[WAYS];
	union address remote[WAYS];
	union address local[WAYS];
};

struct fragment_bucket {
	__u32 id[WAYS];
	__u32 word[WAYS]; /* protocol is the one the fragment header names */
	__u32 deadline[WAYS];
	__u32 ports[WAYS]; /* destination in the high half, as the first fragment had them */
	__u32 headers[WAYS]; /* bytes of the whole that no later fragment may touch */
	union address source[WAYS];
	union address destination[WAYS];
};

#endif
