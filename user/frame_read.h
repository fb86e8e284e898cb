/* SPDX-License-Identifier: MIT */
/* What the first bytes of a frame say, for people: addresses and ports as far as they are there. */
#ifndef ROLEWALL_FRAME_READ_H
#define ROLEWALL_FRAME_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "prefix.h"

struct frame_facts {
	uint16_t ethertype; /* behind the tags; 0 = the frame ends before it */
	bool addressed; /* the next four are known */
	enum family family;
	union address source, destination;
	uint8_t protocol; /* behind extension headers */
	bool ported; /* TCP or UDP, ports are known */
	uint16_t source_port, destination_port;
};

void frame_read(const unsigned char *bytes, size_t length, struct frame_facts *facts);

#endif
