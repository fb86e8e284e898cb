/* SPDX-License-Identifier: MIT */
/* Prefixes as text, and what they say about each other. */
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "site.h"

static unsigned int address_bits(const struct prefix *prefix)
{
	return prefix->family == FAMILY_IPV4 ? 32 : 128;
}

/* "0".."128", without sign, blank or leading zero. */
static int parse_length(const char *text, unsigned int max, __u8 *length)
{
	unsigned int value = 0;

	if (!*text || (*text == '0' && text[1]))
		return -EINVAL;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		value = value * 10 + (unsigned int)(*text - '0');
		if (value > max)
			return -EINVAL;
	}
	*length = (__u8)value;
	return 0;
}

/* Clears the bits behind the length; true if one was set. */
static bool clear_host_bits(struct prefix *prefix)
{
	bool any = false;

	for (unsigned int i = 0; i < sizeof(prefix->address.byte); i++) {
		unsigned int kept = prefix->length > i * 8 ? prefix->length - i * 8 : 0;
		__u8 mask = kept >= 8 ? 0xff : (__u8)(0xff00 >> kept);

		any = any || (prefix->address.byte[i] & (__u8)~mask);
		prefix->address.byte[i] &= mask;
	}
	return any;
}

int prefix_parse(const char *text, struct prefix *prefix)
{
	struct prefix parsed = {.family = strchr(text, ':') ? FAMILY_IPV6 : FAMILY_IPV4};
	const char *slash = strchr(text, '/');
	char address[INET6_ADDRSTRLEN];
	size_t length = slash ? (size_t)(slash - text) : strlen(text);
	bool host_bits;

	if (length >= sizeof(address))
		return -EINVAL;
	memcpy(address, text, length);
	address[length] = '\0';
	if (inet_pton(parsed.family == FAMILY_IPV4 ? AF_INET : AF_INET6, address,
		      parsed.address.byte) != 1)
		return -EINVAL;
	parsed.length = (__u8)address_bits(&parsed);
	if (slash && parse_length(slash + 1, address_bits(&parsed), &parsed.length))
		return -EINVAL;
	host_bits = clear_host_bits(&parsed);
	*prefix = parsed;
	return host_bits ? -EDOM : 0;
}

const char *prefix_format(const struct prefix *prefix, char *text, size_t size)
{
	char address[INET6_ADDRSTRLEN] = "?";

	inet_ntop(prefix->family == FAMILY_IPV4 ? AF_INET : AF_INET6, prefix->address.byte, address,
		  sizeof(address));
	if (prefix->length == address_bits(prefix))
		snprintf(text, size, "%s", address);
	else
		snprintf(text, size, "%s/%u", address, prefix->length);
	return text;
}

bool prefix_covers(const struct prefix *outer, const struct prefix *inner)
{
	unsigned int bytes = outer->length / 8, bits = outer->length % 8;

	if (outer->family != inner->family || outer->length > inner->length)
		return false;
	if (memcmp(outer->address.byte, inner->address.byte, bytes))
		return false;
	return !bits || !((outer->address.byte[bytes] ^ inner->address.byte[bytes]) >> (8 - bits));
}

/* Half of an address as a number. */
static uint64_t half(const struct prefix *prefix, size_t offset)
{
	uint64_t value;

	memcpy(&value, prefix->address.byte + offset, sizeof(value));
	return be64toh(value);
}

int prefix_compare(const struct prefix *a, const struct prefix *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	for (size_t offset = 0; offset < sizeof(a->address.byte); offset += sizeof(uint64_t))
		if (half(a, offset) != half(b, offset))
			return half(a, offset) < half(b, offset) ? -1 : 1;
	return (a->length > b->length) - (a->length < b->length);
}

bool prefix_is_mapped(const struct prefix *prefix)
{
	static const struct prefix mapped = {{{[10] = 0xff, 0xff}}, FAMILY_IPV6, 96};

	return prefix_covers(&mapped, prefix);
}

const char *prefix_reserved(const struct prefix *prefix)
{
	static const struct {
		struct prefix prefix;
		const char *meaning;
	} reserved[] = {
		{{{{0}}, FAMILY_IPV4, 8}, "unspecified addresses (0.0.0.0/8)"},
		{{{{127}}, FAMILY_IPV4, 8}, "loopback (127.0.0.0/8)"},
		{{{{169, 254}}, FAMILY_IPV4, 16}, "link-local (169.254.0.0/16)"},
		{{{{224}}, FAMILY_IPV4, 4}, "multicast (224.0.0.0/4)"},
		{{{{255, 255, 255, 255}}, FAMILY_IPV4, 32}, "broadcast (255.255.255.255)"},
		{{{{0}}, FAMILY_IPV6, 128}, "the unspecified address (::)"},
		{{{{[15] = 1}}, FAMILY_IPV6, 128}, "loopback (::1)"},
		{{{{0}}, FAMILY_IPV6, 96}, "IPv4-compatible (::/96)"},
		{{{{[10] = 0xff, 0xff}}, FAMILY_IPV6, 96}, "IPv4-mapped (::ffff:0:0/96)"},
		{{{{0xfe, 0x80}}, FAMILY_IPV6, 10}, "link-local (fe80::/10)"},
		{{{{0xff}}, FAMILY_IPV6, 8}, "multicast (ff00::/8)"},
	};

	if (!prefix->length)
		return "every address there is";
	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
		if (prefix_covers(&reserved[i].prefix, prefix) ||
		    prefix_covers(prefix, &reserved[i].prefix))
			return reserved[i].meaning;
	}
	return NULL;
}
