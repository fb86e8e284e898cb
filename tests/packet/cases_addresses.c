/* SPDX-License-Identifier: MIT */
/* Cases 32-35 and 50: addresses that no packet may have, spoofing, LAND. */
#include <netinet/in.h>

#include "cases.h"
#include "parties.h"

#define BOTH(reason) .ip4 = REASON_##reason, .ip6 = REASON_##reason
#define IP4(reason) .ip4 = REASON_##reason, .ip6 = NO_PACKET
#define IP6(reason) .ip4 = NO_PACKET, .ip6 = REASON_##reason

/* A party of one family, for a single row. */
#define ADDRESS4(address)                                                                          \
	&(const struct party)                                                                      \
	{                                                                                          \
		address, "::2", false                                                              \
	}
#define ADDRESS6(address)                                                                          \
	&(const struct party)                                                                      \
	{                                                                                          \
		"192.0.2.2", address, false                                                        \
	}

#define FROM4(text, address, reason)                                                               \
	{                                                                                          \
		.name = "32 from " text, .recipe = {.source = ADDRESS4(address)}, IP4(reason)      \
	}
#define FROM6(text, address, reason)                                                               \
	{                                                                                          \
		.name = "50 from " text, .recipe = {.source = ADDRESS6(address)}, IP6(reason)      \
	}
/* A segment of a guarded host from its port SPORT: from 5061, which is open, an answer without a flow. */
#define SEGMENT(text, address, sport, ip)                                                          \
	{                                                                                          \
		.name = text,                                                                      \
		.recipe = {.source = &FRONT_END,                                                   \
			   .destination = address,                                                 \
			   .source_port = sport,                                                   \
			   .flags = 0x10},                                                         \
		ip                                                                                 \
	}
#define TO4(text, address, reason)                                                                 \
	SEGMENT("32 a guarded host to " text, ADDRESS4(address), 0, IP4(reason))
#define TO6(text, address, reason)                                                                 \
	SEGMENT("50 a guarded host to " text, ADDRESS6(address), 0, IP6(reason))
#define ANSWER4(text, address, reason)                                                             \
	SEGMENT("32 an answer of a guarded host to " text, ADDRESS4(address), 5061, IP4(reason))
#define ANSWER6(text, address, reason)                                                             \
	SEGMENT("50 an answer of a guarded host to " text, ADDRESS6(address), 5061, IP6(reason))

static const struct packet_case cases[] = {
	FROM4("0.0.0.0", "0.0.0.0", ip_source),
	FROM4("the end of 0/8", "0.255.255.255", ip_source),
	FROM4("1.0.0.0", "1.0.0.0", matrix),
	FROM4("126.255.255.255", "126.255.255.255", matrix),
	FROM4("127.0.0.1", "127.0.0.1", ip_source),
	FROM4("the end of 127/8", "127.255.255.255", ip_source),
	FROM4("128.0.0.0", "128.0.0.0", matrix),
	FROM4("223.255.255.255", "223.255.255.255", matrix),
	FROM4("224.0.0.0", "224.0.0.0", ip_source),
	FROM4("239.255.255.255", "239.255.255.255", ip_source),
	FROM4("240.0.0.0", "240.0.0.0", ip_source),
	FROM4("255.255.255.255", "255.255.255.255", ip_source),
	TO4("0.0.0.0", "0.0.0.0", ip_destination),
	TO4("127.0.0.1", "127.0.0.1", ip_destination),
	TO4("a group", "239.1.2.3", outbound),
	ANSWER4("0.0.0.0", "0.0.0.0", ip_destination),
	ANSWER4("127.0.0.1", "127.0.0.1", ip_destination),
	ANSWER4("a stranger", "198.51.100.1", outbound),
	TO4("all of its subnet", "255.255.255.255", outbound),
	{.name = "32 from 127.0.0.1, transit",
	 .recipe = {.source = ADDRESS4("127.0.0.1"), .destination = &STRANGER},
	 IP4(transit)},
	{.name = "32 DHCP discover",
	 .recipe = {.source = ADDRESS4("0.0.0.0"),
		    .destination = ADDRESS4("255.255.255.255"),
		    .protocol = IPPROTO_UDP,
		    .source_port = 68,
		    .destination_port = 67},
	 IP4(transit)},

	FROM6("::", "::", ip_source),
	FROM6("::1", "::1", ip_source),
	FROM6("IPv4-compatible", "::10.1.2.3", ip_source),
	FROM6("IPv4-mapped", "::ffff:10.1.2.3", ip_source),
	FROM6("mapped loopback", "::ffff:127.0.0.1", ip_source),
	FROM6("translated IPv4", "64:ff9b::a01:203", matrix),
	FROM6("ff02::1", "ff02::1", ip_source),
	FROM6("ff0e::1", "ff0e::1", ip_source),
	FROM6("fe80::1", "fe80::1", ip_source),
	FROM6("the end of fe80::/10", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", ip_source),
	FROM6("fec0::1", "fec0::1", matrix),
	FROM6("fe7f::1", "fe7f::1", matrix),
	FROM6("a unique local address", "fd00::1", matrix),
	TO6("::", "::", ip_destination),
	TO6("::1", "::1", ip_destination),
	TO6("IPv4-mapped", "::ffff:198.51.100.1", ip_destination),
	TO6("a group", "ff05::2", outbound),
	ANSWER6("::", "::", ip_destination),
	ANSWER6("::1", "::1", ip_destination),
	ANSWER6("IPv4-mapped", "::ffff:198.51.100.1", ip_destination),
	ANSWER6("a stranger", "2001:db8:ff::1", outbound),
	TO6("its router's link-local address", "fe80::1", outbound),
	{.name = "50 link-local to link-local, transit",
	 .recipe = {.source = ADDRESS6("fe80::1"), .destination = ADDRESS6("fe80::2")},
	 IP6(transit)},
	{.name = "50 from IPv4-mapped, transit",
	 .recipe = {.source = ADDRESS6("::ffff:10.1.2.3"), .destination = &STRANGER},
	 IP6(transit)},

	{.name = "33 a guarded source from outside",
	 .recipe = {.source = &FRONT_END_TWO},
	 .device = DEVICE_OUTSIDE,
	 BOTH(spoofed)},
	{.name = "33 a guarded source from inside",
	 .recipe = {.source = &FRONT_END_TWO, .flags = 0x10},
	 .device = DEVICE_INSIDE,
	 BOTH(matrix)},
	{.name = "33 a guarded source from any side",
	 .recipe = {.source = &FRONT_END_TWO, .flags = 0x10},
	 .device = DEVICE_ANY,
	 BOTH(matrix)},
	{.name = "33 a guarded source from outside to nobody",
	 .recipe = {.source = &FRONT_END, .destination = &STRANGER, .flags = 0x10},
	 .device = DEVICE_OUTSIDE,
	 BOTH(spoofed)},
	{.name = "33 a guarded source from inside to nobody",
	 .recipe = {.source = &FRONT_END, .destination = &STRANGER, .flags = 0x10},
	 .device = DEVICE_INSIDE,
	 BOTH(outbound)},
	{.name = "33 a listed source that is not guarded, from outside",
	 .recipe = {.source = &PHONE_GATEWAY},
	 .device = DEVICE_OUTSIDE,
	 BOTH(matrix)},
	{.name = "33 a stranger from inside", .device = DEVICE_INSIDE, BOTH(matrix)},
	{.name = "33 a guarded source from outside to a shut port",
	 .recipe = {.source = &FRONT_END_TWO, .destination_port = PORT_SHUT},
	 .device = DEVICE_OUTSIDE,
	 BOTH(spoofed)},
	{.name = "33 a later fragment with a guarded source from outside",
	 .recipe = {.source = &FRONT_END_TWO,
		    .fragment = true,
		    .offset = 1480,
		    .first = 1,
		    .length = 16},
	 .device = DEVICE_OUTSIDE,
	 BOTH(spoofed)},
	{.name = "33 a spoofed echo request",
	 .recipe = {.source = &FRONT_END_TWO, .message = MESSAGE_REQUEST},
	 .device = DEVICE_OUTSIDE,
	 BOTH(spoofed)},

	{.name = "34 LAND", .recipe = {.source = &FRONT_END}, BOTH(land)},
	{.name = "34 LAND with equal ports",
	 .recipe = {.source = &FRONT_END, .source_port = 443},
	 BOTH(land)},
	{.name = "34 LAND over UDP",
	 .recipe = {.source = &DIRECTOR, .destination = &DIRECTOR, .protocol = IPPROTO_UDP},
	 BOTH(land)},
	{.name = "34 LAND, transit",
	 .recipe = {.source = &STRANGER, .destination = &STRANGER},
	 BOTH(transit)},
	{.name = "34 equal ports alone are fine", .recipe = {.source_port = 443}, BOTH(matrix)},

	{.name = "35 what may be a directed broadcast is left to the kernel",
	 .recipe = {.destination = ADDRESS4("10.1.2.15")},
	 IP4(matrix)},
};

const struct case_table cases_addresses = {cases, sizeof(cases) / sizeof(*cases)};
