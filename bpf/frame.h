/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The bytes of a frame, wherever they lie. parse.h reads them through frame_at() only, so the same
 * source parses an XDP buffer, an skb, a copy of the headers, and a test's array.
 */
#ifndef ROLEWALL_FRAME_H
#define ROLEWALL_FRAME_H

#include "compiler.h"

enum frame_home {
	FRAME_XDP, /* linear part of an xdp_buff; the frame may be longer */
	FRAME_SKB, /* linear part of an skb */
	FRAME_COPY, /* the first bytes, copied to the scratch map */
	FRAME_HOST, /* an array in a user program */
};

/* Headers are looked for in this many first bytes: all that the limits of parse.h can add up to. */
#define FRAME_HEADERS 512U

struct frame {
	const __u8 *data, *end; /* what can be read */
	void *context; /* xdp_md or __sk_buff, for what the environment knows of the frame */
	__u32 readable; /* FRAME_COPY: bytes in the copy, at most FRAME_HEADERS */
	__u32 length; /* of the frame; FRAME_XDP: of the linear part until somebody needs more */
	enum frame_home home; /* a constant wherever a frame is set up, so branches on it vanish */
	bool super_packet; /* skb of several segments: its IP length may be 0 (case 78) */
	bool tag_stripped; /* the outer VLAN tag is in the skb's metadata */
};

/* The environment's: full length of an XDP frame that lies in several buffers. */
static __always_inline __u32 frame_whole_length(const struct frame *frame);

/*
 * SIZE bytes at OFFSET, or NULL where the readable part ends before them. A cursor only: the
 * caller decides what the end means.
 */
static __always_inline const void *frame_at(const struct frame *frame, __u32 offset, __u32 size)
{
	const __u8 *bytes;

	if (frame->home == FRAME_COPY) {
		/* A map value: the verifier wants the bound on the offset, not on a pointer. */
		if (offset + size > frame->readable)
			return NULL;
		offset &= FRAME_HEADERS - 1;
		keep(offset);
		return frame->data + offset;
	}
	/* Linux 6.1 forgets a bound that it learned from one of two copies of a value. */
	if (!__builtin_constant_p(offset))
		keep(offset);
	if (offset > FRAME_HEADERS)
		return NULL;
	bytes = frame->data + offset;
	keep(bytes);
	if (!bytes)
		__builtin_unreachable(); /* spares the caller's test */
	if (bytes + size > frame->end)
		return NULL;
	return bytes;
}

/* True if the frame, all its buffers counted, has at least LENGTH bytes. */
static __always_inline bool frame_holds(struct frame *frame, __u32 length)
{
	if (likely(length <= frame->length))
		return true;
	if (frame->home != FRAME_XDP)
		return false;
	frame->length = frame_whole_length(frame);
	return length <= frame->length;
}

#endif
