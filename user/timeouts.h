/* SPDX-License-Identifier: MIT */
/* How long flows and fragments are remembered: the site's `timeouts:`, and cells of the image. */
#ifndef ROLEWALL_TIMEOUTS_H
#define ROLEWALL_TIMEOUTS_H

#include <linux/types.h>

#include "image.h"

struct yaml_doc;
struct yaml_node_s;

#define TIMEOUT_LONGEST (7U * 24 * 3600)
#define TIMEOUT_LONGEST_FRAGMENT 120U

/*
 * Name in the site, cell of the image's header, usual and longest value in seconds. TCP: RFC 5382
 * REQ-5 (2 h 4 min open, 4 min opening and closing); UDP: RFC 4787 REQ-5 (at least 2 min);
 * fragments: what Linux waits for the rest of a packet.
 */
#define TIMEOUTS(X)                                                                                \
	X(tcp_opening, HEADER_TIMEOUT_TCP_OPENING, 240, TIMEOUT_LONGEST)                           \
	X(tcp, HEADER_TIMEOUT_TCP, 7440, TIMEOUT_LONGEST)                                          \
	X(tcp_closing, HEADER_TIMEOUT_TCP_CLOSING, 240, TIMEOUT_LONGEST)                           \
	X(udp, HEADER_TIMEOUT_UDP, 180, TIMEOUT_LONGEST)                                           \
	X(icmp_echo, HEADER_TIMEOUT_ECHO, 60, TIMEOUT_LONGEST)                                     \
	X(fragment, HEADER_TIMEOUT_FRAGMENT, 30, TIMEOUT_LONGEST_FRAGMENT)

enum timeout {
#define X(name, cell, usual, longest) TIMEOUT_##name,
	TIMEOUTS(X)
#undef X
		N_TIMEOUTS,
};

struct timeout_kind {
	const char *name;
	enum image_header cell;
	__u32 usual, longest; /* the shortest is 1 */
};

extern const struct timeout_kind timeout_kinds[N_TIMEOUTS];

struct timeouts {
	__u32 seconds[N_TIMEOUTS];
};

void timeouts_usual(struct timeouts *timeouts);
/* Reads the mapping `timeouts:` to struct timeouts; a yaml_reader. */
int timeouts_read(struct yaml_doc *doc, struct yaml_node_s *node, void *target);

#endif
