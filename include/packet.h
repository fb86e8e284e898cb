/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/* What parse.h found in a packet and every later step needs; nothing points into the frame. */
#ifndef ROLEWALL_PACKET_H
#define ROLEWALL_PACKET_H

#include "prefix.h"

/* Bits of packet.facts. */
enum fact {
	FACT_GROUP_FRAME =
		1 << 0, /* destination MAC broadcast or multicast: its first byte's bit */
	FACT_IP_OPTIONS = 1 << 1,
	FACT_ROUTING_HEADER = 1 << 2,
	FACT_FRAGMENT_HEADER = 1 << 3, /* IPv6, atomic fragments included */
	FACT_FIRST_FRAGMENT = 1 << 4, /* offset 0, more to come */
	FACT_LATER_FRAGMENT = 1 << 5, /* offset > 0: ports are unknown */
	FACT_QUOTE = 1 << 6, /* an ICMP error with a readable quoted packet */
	FACT_TINY_MTU = 1 << 7, /* a "too big" error that announces less than the minimum */
	FACT_NO_CHECKSUM = 1 << 8, /* UDP over IPv6, checksum 0 (RFC 8200 section 8.1) */
	FACT_OPTIONS_HEADER = 1 << 9, /* IPv6 destination options */
	FACT_OPTIONS_TWICE = 1 << 10,
};

enum tcp_flag {
	TCP_FIN = 0x01,
	TCP_SYN = 0x02,
	TCP_RST = 0x04,
	TCP_ACK = 0x10,
};

#define FIRST_DYNAMIC_PORT 49152 /* RFC 6335 section 6: up to 65535 */

/* The packet that an ICMP error quotes. Its source is the guarded host that sent it. */
struct quote {
	union address source, destination;
	__u16 source_port, destination_port; /* host byte order; echo: the id in both */
	__u8 protocol;
};

/* A stretch of the frame: where the next header starts, and how many bytes the packet has from there. */
struct span {
	__u32 offset, left;
};

struct packet {
	union address source, destination;
	__u32 length; /* bytes of the frame, for the counters */
	__u32 facts; /* enum fact bits */
	__u32 fragment_id; /* as on the wire; IPv4: 16 bits */
	/* In bytes of the whole: a later fragment's start; a first one's headers' end. */
	__u32 fragment_offset;
	__u16 source_port, destination_port; /* host byte order; echo: the id in both */
	__u16 ethertype; /* host byte order, behind the tags */
	__u8 family; /* enum family */
	__u8 protocol; /* transport protocol, behind extension headers */
	__u8 fragment_protocol; /* what the fragment header or IPv4 header names */
	__u8 tcp_flags;
	__u8 icmp_type, icmp_code;
	__u8 hop_limit;
	struct quote quote;
	/*
	 * Where the parser is. It lies here and not in a variable of the parser because the
	 * verifier does not follow values here: many paths look the same to it.
	 */
	struct span span;
};

#endif
