/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fragmented packets towards guarded hosts whose first fragment passed (cases 23-31, 45). The
 * table is bounded; when a bucket is full of live entries a new packet drops, so a flood cannot
 * push out what is being put together.
 */
#ifndef ROLEWALL_FRAGMENT_TABLE_H
#define ROLEWALL_FRAGMENT_TABLE_H

#include "flow_table.h"
#include "reason.h"

/* Who asks. The shadow has a table of its own: what it would have let pass differs. */
enum fragment_use {
	FRAGMENT_LIVE,
	FRAGMENT_LOOK /* a probe, which leaves no trace */,
	FRAGMENT_SHADOW
};

/* The environment's: a bucket by its number, and the event counter. */
static __always_inline struct fragment_bucket *fragment_bucket(__u32 number, enum fragment_use use);
static __always_inline void count_fragments(void);

enum reason fragment_record(const struct packet *packet, __u32 timeout, enum fragment_use use);
enum reason fragment_follow(const struct packet *packet, enum fragment_use use);

static __always_inline struct fragment_bucket *find_fragment_bucket(const struct packet *packet,
								    enum fragment_use use)
{
	__u64 hash = mix(hash_key(), words(packet->fragment_id, packet->fragment_protocol));

	hash = mix(hash, words(packet->source.word[0], packet->destination.word[0]));
	hash = mix(hash, words(packet->source.word[1], packet->source.word[2]));
	hash = mix(hash, words(packet->source.word[3], packet->destination.word[1]));
	hash = mix(hash, words(packet->destination.word[2], packet->destination.word[3]));
	return fragment_bucket((__u32)(hash >> 32) & (FRAGMENT_BUCKETS - 1), use);
}

/* The live way of this packet's id, or WAYS. */
static __always_inline __u32 find_fragment(const struct fragment_bucket *bucket,
					   const struct packet *packet)
{
	__u32 i, word;

	for (i = 0; i < WAYS; i++) {
		word = read_once(bucket->word[i]);
		if (bucket->id[i] == packet->fragment_id &&
		    FLOW_PROTOCOL(word) == packet->fragment_protocol &&
		    FLOW_STATE(word) >= FRAGMENT_PASS && bucket->deadline[i] > epoch() &&
		    same_address(&bucket->source[i], &packet->source) &&
		    same_address(&bucket->destination[i], &packet->destination))
			return i;
	}
	return WAYS;
}

static __always_inline __u32 fragment_ports(const struct packet *packet)
{
	return (__u32)packet->destination_port << 16 | packet->source_port;
}

/*
 * Remembers a first fragment that passed. GO_ON, or the reason why it drops all the same: another
 * first fragment with the same id and other ports has passed (RFC 3128; the id is poisoned), or
 * there is no room.
 */
verified_once enum reason fragment_record(const struct packet *packet, __u32 timeout,
					  enum fragment_use use)
{
	__u32 way, until = epoch() + timeout;
	struct fragment_bucket *bucket;
	bool evicted = false;

	bucket = packet ? find_fragment_bucket(packet, use) : NULL;
	if (!bucket)
		return REASON_image_fault;
	way = find_fragment(bucket, packet);
	if (way < WAYS) {
		if (bucket->ports[way] == fragment_ports(packet) &&
		    FLOW_STATE(read_once(bucket->word[way])) == FRAGMENT_PASS)
			return GO_ON;
		if (use != FRAGMENT_LOOK)
			write_once(bucket->word[way],
				   FLOW_WORD(packet->fragment_protocol, FRAGMENT_POISONED));
		return REASON_fragment_conflict;
	}
	for (way = 0; way < WAYS; way++)
		if (bucket->deadline[way] <= epoch())
			break;
	if (way == WAYS)
		return REASON_fragment_table_full;
	if (use == FRAGMENT_LOOK)
		return GO_ON;
	way = claim_way(bucket->word, bucket->deadline, &evicted);
	if (way >= WAYS)
		return REASON_fragment_table_full;
	bucket->id[way] = packet->fragment_id;
	bucket->ports[way] = fragment_ports(packet);
	bucket->headers[way] = packet->fragment_offset;
	bucket->source[way] = packet->source;
	bucket->destination[way] = packet->destination;
	publish_way(&bucket->word[way], &bucket->deadline[way],
		    FLOW_WORD(packet->fragment_protocol, FRAGMENT_PASS), until);
	if (use == FRAGMENT_LIVE)
		count_fragments();
	return GO_ON;
}

/* The verdict on a later fragment towards a guarded host. */
verified_once enum reason fragment_follow(const struct packet *packet, enum fragment_use use)
{
	struct fragment_bucket *bucket = packet ? find_fragment_bucket(packet, use) : NULL;
	__u32 way;

	if (!bucket)
		return REASON_image_fault;
	way = find_fragment(bucket, packet);
	if (way >= WAYS)
		return REASON_fragment_unmatched;
	if (FLOW_STATE(read_once(bucket->word[way])) != FRAGMENT_PASS)
		return REASON_fragment_conflict;
	return packet->fragment_offset < bucket->headers[way] ? REASON_fragment_offset
							      : REASON_fragment;
}

#endif
