/* SPDX-License-Identifier: MIT */
/*
 * Packets as data. A recipe that says nothing is a TCP SYN from a client outside to port 443 of a
 * front end, which passes; whatever it does say is one thing to test.
 */
#ifndef ROLEWALL_TESTS_RECIPE_H
#define ROLEWALL_TESTS_RECIPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "prefix.h"

#define FRAME_ROOM 9216

/* One end of a packet, by its address in each family. */
struct party {
	const char *ip4, *ip6;
	bool varies; /* another address for each variation, so that runs do not meet */
};

/* Nobody that the site knows; every variation is another one. */
extern const struct party CLIENT;

enum tagging { UNTAGGED, TAG_8100, TAG_88A8_8100, TAG_9100, N_TAGGINGS };

/* An ICMP message by its meaning, as the types of the families differ. */
enum message {
	MESSAGE_NONE,
	MESSAGE_REQUEST,
	MESSAGE_REPLY,
	MESSAGE_UNREACHABLE,
	MESSAGE_TOO_BIG,
	MESSAGE_TIME,
	MESSAGE_PARAMETER,
	MESSAGE_REDIRECT,
	N_MESSAGES,
};

#define A_REAL_ZERO (-1) /* where 0 stands for the usual value */
#define EXTENSIONS_ROOM 12
#define FRAGMENT_KIND 44

struct extension {
	uint8_t kind; /* as in the next header field */
	uint8_t units; /* of 8 bytes behind the first 8; a fragment header has none */
	bool lie; /* the header says UNITS, but is 8 bytes long */
};

#define HEADER(kind_, units_)                                                                      \
	{                                                                                          \
		.kind = (kind_), .units = (units_)                                                 \
	}
#define LYING_HEADER(kind_, units_)                                                                \
	{                                                                                          \
		.kind = (kind_), .units = (units_), .lie = true                                    \
	}

struct recipe {
	const struct party *source, *destination; /* NULL: CLIENT, the front end */
	const unsigned char *mac; /* the frame's destination; NULL: a host's */
	int protocol; /* 0: TCP, or ICMP if there is a message; 1 and 58 are the family's ICMP */
	int raw_protocol; /* 0: as above; else this number, with a UDP header behind it */
	int source_port, destination_port; /* an echo's id is the source port */
	int flags; /* TCP; 0: SYN */
	int data_offset; /* TCP; 0: 5 */
	int udp_length; /* 0: what is true */
	bool no_checksum; /* UDP */
	enum message message;
	int type, code; /* ICMP: instead of what MESSAGE says */
	uint32_t rest; /* bytes 4-7 of an ICMP error; 0: an MTU of 1400 in a too big */
	const struct recipe *quote; /* what an ICMP error quotes */
	size_t quote_bytes; /* of its transport header; 0: 8 */
	size_t data; /* bytes behind the headers; 0: none, 12 behind a whole UDP header */
	bool bare; /* UDP: none all the same */
	int hops; /* TTL or hop limit; 0: 64 */
	uint8_t options[8]; /* IPv4 */
	size_t n_options; /* a multiple of 4 */
	struct extension extensions[EXTENSIONS_ROOM];
	size_t n_extensions;
	bool fragment; /* with a fragment header, which comes last unless it is among EXTENSIONS */
	unsigned int offset; /* bytes */
	bool more;
	uint32_t id;
	size_t first; /* bytes of the transport packet this fragment leaves out in front: OFFSET if 0 */
	size_t length; /* bytes of the transport packet that it has; 0: all */
	size_t padding; /* behind the IP packet */
};

struct frame {
	unsigned char bytes[FRAME_ROOM];
	size_t length;
	size_t ip, transport; /* offsets */
};

/* How a recipe is served. */
struct serving {
	enum family family;
	enum tagging tagging;
	unsigned int variation; /* of the client's address */
};

void make_frame(const struct recipe *recipe, const struct serving *serving, struct frame *frame);

const char *family_name(enum family family);
const char *tagging_name(enum tagging tagging);

void put16(unsigned char *bytes, unsigned int value);
void put32(unsigned char *bytes, uint32_t value);
/* The type of a message in a family. */
int message_type(enum message message, enum family family);

#endif
