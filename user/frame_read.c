/* SPDX-License-Identifier: MIT */
#include "frame_read.h"

#include <netinet/in.h>
#include <string.h>

#define TAGS_MAX 4

static uint16_t get16(const unsigned char *bytes)
{
	return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static bool is_tag(uint16_t type)
{
	return type == 0x8100 || type == 0x88a8 || type == 0x9100;
}

/* Leaves *AT behind the tags. False: the frame ends before its type. */
static bool read_link(const unsigned char *bytes, size_t length, size_t *at,
		      struct frame_facts *facts)
{
	uint16_t type = 0;

	*at = 12;
	for (int i = 0; i <= TAGS_MAX; i++) {
		if (*at + 2 > length)
			return false;
		type = get16(bytes + *at);
		*at += 2;
		if (!is_tag(type))
			break;
		*at += 2;
	}
	facts->ethertype = type;
	return true;
}

static void read_ports(const unsigned char *bytes, size_t length, size_t at,
		       struct frame_facts *facts)
{
	if ((facts->protocol != IPPROTO_TCP && facts->protocol != IPPROTO_UDP) || at + 4 > length)
		return;
	facts->ported = true;
	facts->source_port = get16(bytes + at);
	facts->destination_port = get16(bytes + at + 2);
}

static void read_ip4(const unsigned char *bytes, size_t length, size_t at,
		     struct frame_facts *facts)
{
	if (at + 20 > length)
		return;
	facts->addressed = true;
	facts->family = FAMILY_IPV4;
	facts->protocol = bytes[at + 9];
	memcpy(facts->source.byte, bytes + at + 12, 4);
	memcpy(facts->destination.byte, bytes + at + 16, 4);
	if (!(get16(bytes + at + 6) & 0x1fff))
		read_ports(bytes, length, at + (bytes[at] & 0xfU) * 4, facts);
}

/* The length of the extension header at AT, 0 = none follows that leads to ports. */
static size_t extension(const unsigned char *bytes, size_t length, size_t at, uint8_t protocol)
{
	if (at + 8 > length)
		return 0;
	switch (protocol) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_DSTOPTS:
		return (bytes[at + 1] + 1U) * 8;
	case IPPROTO_FRAGMENT:
		return get16(bytes + at + 2) & 0xfff8 ? 0 : 8;
	default:
		return 0;
	}
}

static void read_ip6(const unsigned char *bytes, size_t length, size_t at,
		     struct frame_facts *facts)
{
	size_t step;

	if (at + 40 > length)
		return;
	facts->addressed = true;
	facts->family = FAMILY_IPV6;
	facts->protocol = bytes[at + 6];
	memcpy(facts->source.byte, bytes + at + 8, 16);
	memcpy(facts->destination.byte, bytes + at + 24, 16);
	at += 40;
	while ((step = extension(bytes, length, at, facts->protocol))) {
		facts->protocol = bytes[at];
		at += step;
	}
	read_ports(bytes, length, at, facts);
}

void frame_read(const unsigned char *bytes, size_t length, struct frame_facts *facts)
{
	size_t at;

	*facts = (struct frame_facts){0};
	if (!read_link(bytes, length, &at, facts))
		return;
	if (facts->ethertype == 0x0800)
		read_ip4(bytes, length, at, facts);
	else if (facts->ethertype == 0x86dd)
		read_ip6(bytes, length, at, facts);
}
