/* SPDX-License-Identifier: MIT */
/*
 * Single packets without memory, by the list of docs/packets.md: each row is one, and runs in both
 * families, under every tagging and through both programs wherever it applies.
 */
#ifndef ROLEWALL_TESTS_CASES_H
#define ROLEWALL_TESTS_CASES_H

#include "reason.h"
#include "recipe.h"
#include "world.h"

/* A row that has no such packet in this family. */
#define NO_PACKET N_REASONS

/* Where in a frame something is. */
enum spot { SPOT_NONE, SPOT_FRAME, SPOT_IP, SPOT_TRANSPORT, SPOT_END };

/* SIZE bytes (0 = 1) at OFFSET from SPOT become VALUE. */
struct edit {
	enum spot spot;
	int offset;
	unsigned int size, value;
};

struct packet_case {
	const char *name; /* number in the list, then what is odd about it */
	struct recipe recipe;
	struct edit edits[8];
	/* Cuts the frame at OFFSET from SPOT. */
	enum spot cut_spot;
	int cut_offset;
	size_t tags; /* more 802.1Q tags in front of whatever the tagging has */
	bool tag_vid_zero; /* as priority tags */
	enum device device;
	unsigned int gso_size; /* TC alone */
	enum reason ip4, ip6;
};

/* The frame of a case. */
void make_case_frame(const struct packet_case *packet_case, const struct serving *serving,
		     struct frame *frame);

struct case_table {
	const struct packet_case *cases;
	size_t count;
};

extern const struct case_table cases_link, cases_ip4, cases_addresses, cases_ip6, cases_transport,
	cases_icmp, cases_protocols;

#endif
