/* SPDX-License-Identifier: MIT */
/* Builds the frame that a question is about: Ethernet, IP, and a whole transport header. */
#ifndef ROLEWALL_FRAME_BUILD_H
#define ROLEWALL_FRAME_BUILD_H

#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>

#include "prefix.h"

#define FRAME_BUILD_MAX 128

struct question {
	struct prefix source, destination; /* single addresses of one family */
	uint8_t protocol; /* the family's ICMP is an echo request */
	uint16_t source_port, destination_port; /* host byte order; TCP is a SYN */
};

/* Writes the frame, checksums right; returns its length. */
size_t frame_build(const struct question *question, unsigned char frame[FRAME_BUILD_MAX]);

#endif
