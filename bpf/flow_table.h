/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Connections that guarded hosts started (include/flow.h, docs/flows.md). Only flow_record() makes
 * an entry, and only for a packet from a guarded host; packets from outside can refresh one and
 * open a TCP handshake's, never end it (RFC 5961: the host decides about a RST).
 */
#ifndef ROLEWALL_FLOW_TABLE_H
#define ROLEWALL_FLOW_TABLE_H

#include "classify.h"
#include "flow.h"
#include "parse_ip.h"

/* The environment's: a bucket by its number, the clock, the hash key, the event counters. */
static __always_inline struct flow_bucket4 *flow_bucket4(__u32 number);
static __always_inline struct flow_bucket6 *flow_bucket6(__u32 number);
static __always_inline __u32 epoch(void);
static __always_inline __u64 hash_key(void);
static __always_inline void count_flow(bool evicted, bool lost);
/* And whether the flow is one that the shadow refused (shadow_tables.h). */
struct flow_key;
static __always_inline bool is_refused(const struct flow_key *key);

/* A flow as both directions see it: local is the guarded host that started it. */
struct flow_key {
	union address local, remote;
	__u32 ports; /* local's in the high half */
	__u8 protocol, family;
};

/* What a packet does to its flow. */
struct flow_touch {
	__u32 slot; /* of the image that has the timeouts */
	__u8 tcp_flags;
	bool outbound;
	bool look; /* a probe: changes nothing */
	bool shadow; /* for the shadow, which does not know what it refused */
};

static __always_inline __u64 mix(__u64 hash, __u64 word)
{
	hash = (hash ^ word) * 0x9e3779b97f4a7c15ULL;
	return hash ^ hash >> 32;
}

static __always_inline __u64 words(__u32 high, __u32 low)
{
	return (__u64)high << 32 | low;
}

static __always_inline __u64 flow_hash(const struct flow_key *key)
{
	__u64 hash = mix(hash_key(), words(key->ports, (__u32)key->family << 8 | key->protocol));

	hash = mix(hash, words(key->local.word[0], key->remote.word[0]));
	if (key->family == FAMILY_IPV6) {
		hash = mix(hash, words(key->local.word[1], key->local.word[2]));
		hash = mix(hash, words(key->local.word[3], key->remote.word[1]));
		hash = mix(hash, words(key->remote.word[2], key->remote.word[3]));
	}
	return hash;
}

static __always_inline __u32 flow_bucket_of(const struct flow_key *key)
{
	return (__u32)(flow_hash(key) >> 32) & (FLOW_BUCKETS - 1);
}

static __always_inline bool same_address(const union address *a, const union address *b)
{
	return !((a->word[0] ^ b->word[0]) | (a->word[1] ^ b->word[1]) | (a->word[2] ^ b->word[2]) |
		 (a->word[3] ^ b->word[3]));
}

/* HEADER: the cells of the image that has the timeouts. */
static __always_inline __u32 timeout_of(const __u32 *header, __u8 protocol, enum flow_state state)
{
	if (!header)
		return 0;
	if (protocol == PROTOCOL_UDP)
		return header[HEADER_TIMEOUT_UDP];
	if (protocol != PROTOCOL_TCP)
		return header[HEADER_TIMEOUT_ECHO];
	if (state == FLOW_OPENING)
		return header[HEADER_TIMEOUT_TCP_OPENING];
	return state == FLOW_OPEN ? header[HEADER_TIMEOUT_TCP] : header[HEADER_TIMEOUT_TCP_CLOSING];
}

/* The state a packet of that direction leaves a live flow in. */
static __always_inline enum flow_state next_state(enum flow_state state, __u8 protocol,
						  const struct flow_touch *touch)
{
	if (protocol != PROTOCOL_TCP)
		return FLOW_OPEN;
	if (!touch->outbound)
		return state == FLOW_OPENING && touch->tcp_flags & TCP_ACK &&
				       !(touch->tcp_flags & TCP_RST)
			       ? FLOW_OPEN
			       : state;
	if (touch->tcp_flags & (TCP_FIN | TCP_RST))
		return FLOW_CLOSING;
	if (touch->tcp_flags & TCP_SYN)
		return FLOW_OPENING;
	return state;
}

/*
 * Refreshes way *word, *deadline. Written only when something changes, at most once a second, so
 * that a busy flow's cache line stays shared.
 */
static __always_inline bool flow_touch_way(__u32 *word, __u32 *deadline, __u8 protocol,
					   const struct flow_touch *touch, const __u32 *header)
{
	__u32 old = read_once(*word), now = epoch(), until;
	enum flow_state state = FLOW_STATE(old);

	if (FLOW_PROTOCOL(old) != protocol || state < FLOW_OPENING || read_once(*deadline) <= now)
		return false;
	if (touch->look)
		return true;
	state = next_state(state, protocol, touch);
	if (FLOW_WORD(protocol, state) != old &&
	    __sync_val_compare_and_swap(word, old, FLOW_WORD(protocol, state)) != old)
		return false; /* the way was taken for another flow meanwhile */
	until = now + timeout_of(header, protocol, state);
	if (read_once(*deadline) != until)
		write_once(*deadline, until);
	return true;
}

static __always_inline bool flow_find4(struct flow_bucket4 *bucket, const struct flow_key *key,
				       const struct flow_touch *touch, const __u32 *header)
{
	__u32 i;

	for (i = 0; i < WAYS; i++)
		if (bucket->ports[i] == key->ports && bucket->remote[i] == key->remote.word[0] &&
		    bucket->local[i] == key->local.word[0] &&
		    flow_touch_way(&bucket->word[i], &bucket->deadline[i], key->protocol, touch,
				   header))
			return true;
	return false;
}

static __always_inline bool flow_find6(struct flow_bucket6 *bucket, const struct flow_key *key,
				       const struct flow_touch *touch, const __u32 *header)
{
	__u32 i;

	for (i = 0; i < WAYS; i++)
		if (bucket->ports[i] == key->ports &&
		    same_address(&bucket->remote[i], &key->remote) &&
		    same_address(&bucket->local[i], &key->local) &&
		    flow_touch_way(&bucket->word[i], &bucket->deadline[i], key->protocol, touch,
				   header))
			return true;
	return false;
}

/* True if the flow is recorded and alive; refreshes it unless TOUCH only looks. */
static __always_inline bool flow_seek(const struct flow_key *key, const struct flow_touch *touch,
				      const __u32 *header)
{
	__u32 number = flow_bucket_of(key);
	struct flow_bucket4 *bucket4;
	struct flow_bucket6 *bucket6;

	if (key->family == FAMILY_IPV4) {
		bucket4 = flow_bucket4(number);
		return bucket4 && flow_find4(bucket4, key, touch, header);
	}
	bucket6 = flow_bucket6(number);
	return bucket6 && flow_find6(bucket6, key, touch, header);
}

bool flow_find(const struct flow_key *key, const struct flow_touch *touch);
int flow_record(const struct flow_key *key, const struct flow_touch *touch);

/* flow_seek() as a function. */
verified_once bool flow_find(const struct flow_key *key, const struct flow_touch *touch)
{
	return key && touch && flow_seek(key, touch, image_cells(touch->slot)) &&
	       !(touch->shadow && is_refused(key));
}

/*
 * Claims the way of a bucket whose deadline is the earliest: a free one if there is one, else the
 * oldest. Returns its number, or WAYS if another CPU was faster.
 */
static __always_inline __u32 claim_way(__u32 *word, __u32 *deadline, bool *evicted)
{
	__u32 best = WAYS, best_deadline = ~0U, old = 0, i;

	for (i = 0; i < WAYS; i++) {
		if (FLOW_STATE(read_once(word[i])) == FLOW_WRITING)
			continue;
		if (deadline[i] < best_deadline) {
			best = i;
			best_deadline = deadline[i];
		}
	}
	if (best >= WAYS)
		return WAYS;
	old = read_once(word[best]);
	if (FLOW_STATE(old) == FLOW_WRITING ||
	    __sync_val_compare_and_swap(&word[best], old, FLOW_WORD(0, FLOW_WRITING)) != old)
		return WAYS;
	*evicted = best_deadline > epoch();
	return best;
}

/* Makes a claimed way live: its key first, its word last. */
static __always_inline void publish_way(__u32 *word, __u32 *deadline, __u32 live, __u32 until)
{
	write_once(*deadline, until);
	__sync_lock_test_and_set(word, live);
}

static __always_inline bool flow_insert4(struct flow_bucket4 *bucket, const struct flow_key *key,
					 __u32 live, __u32 until, bool *evicted)
{
	__u32 way = claim_way(bucket->word, bucket->deadline, evicted);

	if (way >= WAYS)
		return false;
	bucket->ports[way] = key->ports;
	bucket->remote[way] = key->remote.word[0];
	bucket->local[way] = key->local.word[0];
	publish_way(&bucket->word[way], &bucket->deadline[way], live, until);
	return true;
}

static __always_inline bool flow_insert6(struct flow_bucket6 *bucket, const struct flow_key *key,
					 __u32 live, __u32 until, bool *evicted)
{
	__u32 way = claim_way(bucket->word, bucket->deadline, evicted);

	if (way >= WAYS)
		return false;
	bucket->ports[way] = key->ports;
	bucket->remote[way] = key->remote;
	bucket->local[way] = key->local;
	publish_way(&bucket->word[way], &bucket->deadline[way], live, until);
	return true;
}

/*
 * Records a flow that is not in the table yet; false if another CPU was faster at its bucket. HEADER: as
 * in flow_seek().
 */
static __always_inline bool flow_start(const struct flow_key *key, const struct flow_touch *touch,
				       const __u32 *header)
{
	enum flow_state state = FLOW_OPEN;
	bool evicted = false, done = false;
	struct flow_bucket4 *bucket4;
	struct flow_bucket6 *bucket6;
	__u32 number, until, live;

	if (key->protocol == PROTOCOL_TCP && touch->tcp_flags & TCP_SYN)
		state = FLOW_OPENING;
	number = flow_bucket_of(key);
	until = epoch() + timeout_of(header, key->protocol, state);
	live = FLOW_WORD(key->protocol, state);
	if (key->family == FAMILY_IPV4) {
		bucket4 = flow_bucket4(number);
		done = bucket4 && flow_insert4(bucket4, key, live, until, &evicted);
	} else {
		bucket6 = flow_bucket6(number);
		done = bucket6 && flow_insert6(bucket6, key, live, until, &evicted);
	}
	count_flow(evicted, !done);
	return done;
}

/* flow_start() as a function; 0 if it found room. */
verified_once int flow_record(const struct flow_key *key, const struct flow_touch *touch)
{
	return !key || !touch || !flow_start(key, touch, image_cells(touch->slot));
}

#endif
