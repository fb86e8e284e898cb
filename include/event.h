/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * Events: drops as `rolewall watch` sees them, one record of the ring buffer `events` each. The
 * data plane makes some only while a watcher renews its lease, and never more on one CPU in one
 * second than the watcher asked for (docs/counters.md).
 */
#ifndef ROLEWALL_EVENT_H
#define ROLEWALL_EVENT_H

#include <linux/types.h>

#define EVENT_BYTES 128U
#define EVENT_RING_BYTES (1U << 20)
#define EVENT_LEASE 3U /* seconds of control.epoch without a sign of the watcher */
#define EVENT_RATE 256U /* events of a CPU in a second, unless the watcher says otherwise */
#define EVENT_RATE_MAX 100000U

struct drop_event {
	__u64 time; /* ns, CLOCK_BOOTTIME */
	__u32 reason; /* enum reason */
	__u32 ifindex;
	__u32 source, destination; /* POOL_CELL of both ends (image.h) */
	__u32 generation; /* of the image that dropped it, 0 = none */
	__u32 length; /* of the frame, as far as the kernel shows it */
	__u32 captured; /* of bytes, the first of the frame */
	__u16 tag_protocol, tag; /* a VLAN tag that the kernel took off, host byte order; or 0 */
	__u8 audited; /* it passed all the same */
	__u8 tc; /* seen at TC, else at XDP */
	__u8 spare[2];
	__u8 bytes[EVENT_BYTES];
};

#endif
