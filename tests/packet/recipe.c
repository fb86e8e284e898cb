/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "parties.h"
#include "recipe.h"

#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_IPV6 0x86dd
#define PACKET_ROOM 9216
#define MTU 1400 /* that a too big announces */

const char *family_name(enum family family)
{
	return family == FAMILY_IPV4 ? "IPv4" : "IPv6";
}

const char *tagging_name(enum tagging tagging)
{
	static const char *const names[N_TAGGINGS] = {"untagged", "8100", "88a8+8100", "9100"};

	return names[tagging];
}

void put16(unsigned char *bytes, unsigned int value)
{
	bytes[0] = (unsigned char)(value >> 8);
	bytes[1] = (unsigned char)value;
}

void put32(unsigned char *bytes, uint32_t value)
{
	put16(bytes, value >> 16);
	put16(bytes + 2, value & 0xffff);
}

static int either(int value, int usual)
{
	if (value == A_REAL_ZERO)
		return 0;
	return value ? value : usual;
}

int message_type(enum message message, enum family family)
{
	static const int types[N_MESSAGES][2] = {
		[MESSAGE_REQUEST] = {8, 128},   [MESSAGE_REPLY] = {0, 129},
		[MESSAGE_UNREACHABLE] = {3, 1}, [MESSAGE_TOO_BIG] = {3, 2},
		[MESSAGE_TIME] = {11, 3},       [MESSAGE_PARAMETER] = {12, 4},
		[MESSAGE_REDIRECT] = {5, 137},
	};

	return types[message][family == FAMILY_IPV6];
}

/* --- transport */

static size_t make_packet(const struct recipe *recipe, const struct serving *serving,
			  unsigned char *bytes, size_t *transport);

static bool is_icmp(const struct recipe *recipe)
{
	return recipe->message || recipe->protocol == IPPROTO_ICMP ||
	       recipe->protocol == IPPROTO_ICMPV6;
}

static size_t make_tcp(const struct recipe *recipe, unsigned char *bytes)
{
	put16(bytes, (unsigned int)either(recipe->source_port, 40000));
	put16(bytes + 2, (unsigned int)either(recipe->destination_port, 443));
	put32(bytes + 4, 1);
	bytes[12] = (unsigned char)(either(recipe->data_offset, 5) << 4);
	bytes[13] = (unsigned char)either(recipe->flags, 2);
	put16(bytes + 14, 1024);
	put16(bytes + 16, 0x1234);
	return 20 + recipe->data;
}

/* RTP's header, or the datagram would be too short for the fast way. */
static size_t udp_data(const struct recipe *recipe)
{
	if (recipe->bare || recipe->raw_protocol || recipe->fragment || recipe->offset ||
	    recipe->more || recipe->udp_length || recipe->length)
		return recipe->data;
	return recipe->data ? recipe->data : 12;
}

static size_t make_udp(const struct recipe *recipe, unsigned char *bytes)
{
	size_t length = 8 + udp_data(recipe);

	put16(bytes, (unsigned int)either(recipe->source_port, 40000));
	put16(bytes + 2, (unsigned int)either(recipe->destination_port, 443));
	put16(bytes + 4, (unsigned int)either(recipe->udp_length, (int)length));
	put16(bytes + 6, recipe->no_checksum ? 0 : 0x1234);
	return length;
}

/* The quoted packet: its IP header, and the first bytes of its transport header. */
static size_t make_quote(const struct recipe *recipe, const struct serving *serving,
			 unsigned char *bytes)
{
	unsigned char packet[PACKET_ROOM] = {0};
	size_t transport, length = make_packet(recipe->quote, serving, packet, &transport);
	size_t wanted = transport + (recipe->quote_bytes ? recipe->quote_bytes : 8);

	if (wanted > length)
		wanted = length;
	memcpy(bytes, packet, wanted);
	return wanted;
}

static size_t make_icmp(const struct recipe *recipe, const struct serving *serving,
			unsigned char *bytes)
{
	bool error = recipe->message > MESSAGE_REPLY;
	uint32_t rest = recipe->rest;
	size_t length = 8;

	bytes[0] =
		(unsigned char)either(recipe->type, message_type(recipe->message, serving->family));
	bytes[1] = (unsigned char)either(
		recipe->code,
		recipe->message == MESSAGE_TOO_BIG && serving->family == FAMILY_IPV4 ? 4 : 0);
	put16(bytes + 2, 0x1234);
	if (recipe->message == MESSAGE_TOO_BIG && !rest)
		rest = MTU;
	if (recipe->message && !error)
		rest = (uint32_t)either(recipe->source_port, 77) << 16 | 1;
	put32(bytes + 4, rest);
	if (recipe->quote)
		length += make_quote(recipe, serving, bytes + length);
	return length + recipe->data;
}

static size_t make_transport(const struct recipe *recipe, const struct serving *serving,
			     unsigned char *bytes)
{
	if (recipe->raw_protocol)
		return make_udp(recipe, bytes);
	if (is_icmp(recipe))
		return make_icmp(recipe, serving, bytes);
	if (recipe->protocol == IPPROTO_UDP)
		return make_udp(recipe, bytes);
	return make_tcp(recipe, bytes);
}

static uint8_t protocol_number(const struct recipe *recipe, enum family family)
{
	if (recipe->raw_protocol)
		return (uint8_t)either(recipe->raw_protocol, 0);
	if (is_icmp(recipe))
		return family == FAMILY_IPV4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	return (uint8_t)either(recipe->protocol, IPPROTO_TCP);
}

/* The part of the transport packet that this one carries. */
static size_t make_payload(const struct recipe *recipe, const struct serving *serving,
			   unsigned char *bytes)
{
	unsigned char whole[PACKET_ROOM] = {0};
	size_t length, first = recipe->first ? recipe->first : recipe->offset;

	length = make_transport(recipe, serving, whole);
	if (first + recipe->length > sizeof(whole))
		abort();
	length = recipe->length ? recipe->length : length > first ? length - first : 0;
	memcpy(bytes, whole + first, length);
	return length;
}

/* --- IP */

static void put_address(const struct party *party, const struct serving *serving,
			unsigned char *bytes)
{
	size_t size = serving->family == FAMILY_IPV4 ? 4 : 16;
	unsigned int variation = party->varies ? serving->variation : 0;

	if (inet_pton(size == 4 ? AF_INET : AF_INET6, size == 4 ? party->ip4 : party->ip6, bytes) !=
	    1)
		abort();
	variation += (unsigned int)bytes[size - 2] << 8 | bytes[size - 1];
	put16(bytes + size - 2, variation);
}

static void put_addresses(const struct recipe *recipe, const struct serving *serving,
			  unsigned char *bytes)
{
	size_t size = serving->family == FAMILY_IPV4 ? 4 : 16;

	put_address(recipe->source ? recipe->source : &CLIENT, serving, bytes);
	put_address(recipe->destination ? recipe->destination : &FRONT_END, serving, bytes + size);
}

static size_t make_ip4(const struct recipe *recipe, const struct serving *serving,
		       unsigned char *bytes, size_t *transport)
{
	size_t header = 20 + recipe->n_options, length;

	length = header + make_payload(recipe, serving, bytes + header);
	bytes[0] = (unsigned char)(0x40 | header / 4);
	put16(bytes + 2, (unsigned int)length);
	put16(bytes + 4, recipe->id & 0xffff);
	put16(bytes + 6, recipe->offset / 8 | (recipe->more ? 0x2000U : 0));
	bytes[8] = (unsigned char)either(recipe->hops, 64);
	bytes[9] = protocol_number(recipe, FAMILY_IPV4);
	put_addresses(recipe, serving, bytes + 12);
	memcpy(bytes + 20, recipe->options, recipe->n_options);
	*transport = header;
	return length;
}

static size_t put_extension(const struct recipe *recipe, const struct extension *extension,
			    unsigned char *bytes)
{
	if (extension->kind == FRAGMENT_KIND) {
		bytes[1] = extension->units; /* reserved there */
		put16(bytes + 2, recipe->offset | recipe->more);
		put32(bytes + 4, recipe->id);
		return 8;
	}
	bytes[1] = extension->units;
	return extension->lie ? 8 : (extension->units + 1U) * 8;
}

static size_t make_ip6(const struct recipe *recipe, const struct serving *serving,
		       unsigned char *bytes, size_t *transport)
{
	static const struct extension fragment_header = {.kind = FRAGMENT_KIND};
	unsigned char *next = &bytes[6];
	size_t length = 40;
	bool has_header = false;

	for (size_t i = 0; i <= recipe->n_extensions; i++) {
		const struct extension *extension = &recipe->extensions[i];

		if (i == recipe->n_extensions) {
			if (!recipe->fragment || has_header)
				break;
			extension = &fragment_header;
		}
		has_header |= extension->kind == FRAGMENT_KIND;
		*next = extension->kind;
		next = &bytes[length];
		length += put_extension(recipe, extension, &bytes[length]);
	}
	*next = protocol_number(recipe, FAMILY_IPV6);
	*transport = length;
	length += make_payload(recipe, serving, bytes + length);
	bytes[0] = 0x60;
	put16(bytes + 4, (unsigned int)(length - 40));
	bytes[7] = (unsigned char)either(recipe->hops, 64);
	put_addresses(recipe, serving, bytes + 8);
	return length;
}

static size_t make_packet(const struct recipe *recipe, const struct serving *serving,
			  unsigned char *bytes, size_t *transport)
{
	return serving->family == FAMILY_IPV4 ? make_ip4(recipe, serving, bytes, transport)
					      : make_ip6(recipe, serving, bytes, transport);
}

/* --- Ethernet */

static size_t put_tags(enum tagging tagging, unsigned char *bytes)
{
	static const unsigned int types[N_TAGGINGS][2] = {
		[TAG_8100] = {0x8100},
		[TAG_88A8_8100] = {0x88a8, 0x8100},
		[TAG_9100] = {0x9100},
	};
	size_t length = 0;

	for (int i = 0; i < 2 && types[tagging][i]; i++) {
		put16(bytes + length, types[tagging][i]);
		put16(bytes + length + 2, 5); /* VLAN 5 */
		length += 4;
	}
	return length;
}

void make_frame(const struct recipe *recipe, const struct serving *serving, struct frame *frame)
{
	static const unsigned char host[6] = {2, 0, 0, 0, 0, 1}, sender[6] = {2, 0, 0, 0, 0, 2};

	memset(frame, 0, sizeof(*frame));
	memcpy(frame->bytes, recipe->mac ? recipe->mac : host, 6);
	memcpy(frame->bytes + 6, sender, 6);
	frame->ip = 12 + put_tags(serving->tagging, frame->bytes + 12);
	put16(frame->bytes + frame->ip,
	      serving->family == FAMILY_IPV4 ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6);
	frame->ip += 2;
	frame->length = frame->ip +
			make_packet(recipe, serving, frame->bytes + frame->ip, &frame->transport);
	frame->transport += frame->ip;
	frame->length += recipe->padding;
}
