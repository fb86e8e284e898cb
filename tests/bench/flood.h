/* SPDX-License-Identifier: MIT */
/* What flood.c tells flood.bpf.c. */
#ifndef ROLEWALL_BENCH_FLOOD_H
#define ROLEWALL_BENCH_FLOOD_H

#include <linux/types.h>

#define FLOOD_HEADERS 54 /* Ethernet, IPv4, TCP; or UDP and 12 bytes more */
#define FLOOD_SHAPES 12U /* as many as IMIX has in a turn */

/* In network byte order, ready to be written. */
struct flood_shape {
	__u16 ip_length, udp_length;
	__u32 sum; /* of the IPv4 header, not folded, destination's third byte 0 */
	__u32 shrink; /* bytes less than the longest */
};

struct flood {
	__u8 header[64];
	struct flood_shape shapes[FLOOD_SHAPES];
	__u32 ifindex;
	__u32 networks; /* destinations: 0 = one, else all of the third byte, at random */
	__u32 is_udp;
	__u32 gap; /* ns from frame to frame; 0 = as fast as it goes */
};

#endif
