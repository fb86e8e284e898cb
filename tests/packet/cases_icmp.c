/* SPDX-License-Identifier: MIT */
/* Cases 52, 63-65: ICMP without memory; test_flows.c has what flows let in. */
#include <netinet/in.h>

#include "cases.h"
#include "parties.h"

#define BOTH(reason) .ip4 = REASON_##reason, .ip6 = REASON_##reason
#define IP4(reason) .ip4 = REASON_##reason, .ip6 = NO_PACKET
#define IP6(reason) .ip4 = NO_PACKET, .ip6 = REASON_##reason

/* What a guarded host may have answered from an open port, and from a shut one. */
static const struct recipe from_open = {
	.source = &FRONT_END,
	.destination = &CLIENT,
	.source_port = PORT_OPEN,
	.destination_port = 40000,
	.flags = 0x12,
};
static const struct recipe from_open_udp = {
	.source = &FRONT_END,
	.destination = &CLIENT,
	.protocol = IPPROTO_UDP,
	.source_port = PORT_OPEN_UDP,
	.destination_port = 40000,
};
static const struct recipe from_shut = {
	.source = &FRONT_END,
	.destination = &CLIENT,
	.source_port = PORT_SHUT,
	.destination_port = 40000,
	.flags = 0x12,
};
static const struct recipe from_another = {
	.source = &FRONT_END_TWO,
	.destination = &CLIENT,
	.source_port = PORT_OPEN,
	.destination_port = 40000,
};
/* 9000 is open to TRUSTED alone. */
static const struct recipe from_trusting = {
	.source = &FRONT_END,
	.destination = &TRUSTED,
	.source_port = 9000,
	.destination_port = 40000,
};
static const struct recipe from_trusting_to_client = {
	.source = &FRONT_END,
	.destination = &CLIENT,
	.source_port = 9000,
	.destination_port = 40000,
};
static const struct recipe first_fragment = {
	.source = &FRONT_END,
	.destination = &CLIENT,
	.protocol = IPPROTO_UDP,
	.source_port = PORT_OPEN_UDP,
	.destination_port = 40000,
	.data = 1400,
	.fragment = true,
	.more = true,
};
static const struct recipe later_fragment = {
	.source = &FRONT_END,
	.destination = &CLIENT,
	.protocol = IPPROTO_UDP,
	.source_port = PORT_OPEN_UDP,
	.destination_port = 40000,
	.data = 2800,
	.fragment = true,
	.offset = 1408,
};
static const struct recipe with_options = {
	.source = &FRONT_END,
	.destination = &CLIENT,
	.source_port = PORT_OPEN,
	.destination_port = 40000,
	.options = {1, 1, 1, 1},
	.n_options = 4,
};
static const struct recipe with_extension = {
	.source = &FRONT_END,
	.destination = &CLIENT,
	.source_port = PORT_OPEN,
	.destination_port = 40000,
	.extensions = {HEADER(60, 0)},
	.n_extensions = 1,
};
static const struct recipe sctp_from_open = {
	.source = &FRONT_END,
	.destination = &CLIENT,
	.raw_protocol = IPPROTO_SCTP,
	.source_port = PORT_OPEN,
};

#define ABOUT(text, kind, quoted, reason)                                                          \
	{                                                                                          \
		.name = text, .recipe = {.message = MESSAGE_##kind, .quote = &quoted},             \
		BOTH(reason)                                                                       \
	}

static const struct packet_case cases[] = {
	{.name = "64 echo request", .recipe = {.message = MESSAGE_REQUEST}, BOTH(icmp_echo)},
	{.name = "64 echo reply without a request",
	 .recipe = {.message = MESSAGE_REPLY},
	 BOTH(icmp_unrelated)},
	{.name = "64 a guarded host answers an echo request",
	 .recipe = {.source = &FRONT_END, .destination = &CLIENT, .message = MESSAGE_REPLY},
	 BOTH(outbound)},
	{.name = "64 a guarded host sends an error",
	 .recipe = {.source = &FRONT_END, .destination = &CLIENT, .message = MESSAGE_UNREACHABLE},
	 BOTH(outbound)},
	{.name = "64 echo request, transit",
	 .recipe = {.destination = &STRANGER, .message = MESSAGE_REQUEST},
	 BOTH(transit)},

	ABOUT("52 too big about an answer from an open port", TOO_BIG, from_open, icmp_error),
	ABOUT("52 unreachable about an answer from an open port", UNREACHABLE, from_open,
	      icmp_error),
	ABOUT("52 time exceeded about an answer from an open port", TIME, from_open, icmp_error),
	ABOUT("52 parameter problem about an answer from an open port", PARAMETER, from_open,
	      icmp_error),
	ABOUT("52 unreachable about a UDP answer", UNREACHABLE, from_open_udp, icmp_error),
	ABOUT("52 too big about a first fragment", TOO_BIG, first_fragment, icmp_error),
	ABOUT("63 too big about a later fragment", TOO_BIG, later_fragment, icmp_unrelated),
	{.name = "52 too big about an answer with options",
	 .recipe = {.message = MESSAGE_TOO_BIG, .quote = &with_options},
	 IP4(icmp_error)},
	{.name = "52 too big about an answer with an extension header",
	 .recipe = {.message = MESSAGE_TOO_BIG, .quote = &with_extension},
	 IP6(icmp_unrelated)},
	{.name = "52 a router in between says it",
	 .recipe = {.source = &STRANGER, .message = MESSAGE_TOO_BIG, .quote = &from_open},
	 BOTH(icmp_error)},
	{.name = "52 the quote with padding behind it",
	 .recipe = {.message = MESSAGE_TOO_BIG, .quote = &from_open, .data = 400},
	 BOTH(icmp_error)},
	{.name = "52 the quoted port is open to its destination",
	 .recipe = {.message = MESSAGE_UNREACHABLE, .quote = &from_trusting},
	 BOTH(icmp_error)},
	{.name = "63 the quoted port is open to others only",
	 .recipe = {.message = MESSAGE_UNREACHABLE, .quote = &from_trusting_to_client},
	 BOTH(icmp_unrelated)},

	ABOUT("63 too big about a shut port", TOO_BIG, from_shut, icmp_unrelated),
	ABOUT("63 unreachable about a shut port", UNREACHABLE, from_shut, icmp_unrelated),
	ABOUT("63 unreachable about another host", UNREACHABLE, from_another, icmp_unrelated),
	ABOUT("63 unreachable about SCTP", UNREACHABLE, sctp_from_open, icmp_unrelated),
	{.name = "63 unreachable about nothing",
	 .recipe = {.message = MESSAGE_UNREACHABLE},
	 BOTH(icmp_unrelated)},
	{.name = "63 unreachable about zeroes",
	 .recipe = {.message = MESSAGE_UNREACHABLE, .data = 64},
	 BOTH(icmp_unrelated)},
	{.name = "63 a quote that lacks a byte",
	 .recipe = {.message = MESSAGE_UNREACHABLE, .quote = &from_open, .quote_bytes = 7},
	 BOTH(icmp_unrelated)},
	{.name = "63 a quote of addresses alone",
	 .recipe = {.message = MESSAGE_UNREACHABLE, .quote = &from_open, .quote_bytes = 0},
	 .edits = {{SPOT_IP, 2, 2, 48}},
	 IP4(icmp_unrelated)},
	{.name = "63 a quote that only padding completes",
	 .recipe = {.message = MESSAGE_UNREACHABLE, .quote = &from_open, .padding = 40},
	 .edits = {{SPOT_IP, 4, 2, 55}},
	 IP6(icmp_unrelated)},
	{.name = "63 a quote that only padding completes",
	 .recipe = {.message = MESSAGE_UNREACHABLE, .quote = &from_open, .padding = 40},
	 .edits = {{SPOT_IP, 2, 2, 55}},
	 IP4(icmp_unrelated)},
	{.name = "63 a quote of the other family",
	 .recipe = {.message = MESSAGE_UNREACHABLE, .quote = &from_open},
	 .edits = {{SPOT_TRANSPORT, 8, 1, 0x50}},
	 BOTH(icmp_unrelated)},
	{.name = "63 a quoted header that is too short",
	 .recipe = {.message = MESSAGE_UNREACHABLE, .quote = &from_open},
	 .edits = {{SPOT_TRANSPORT, 8, 1, 0x44}},
	 IP4(icmp_unrelated)},

	{.name = "65 an MTU of 67",
	 .recipe = {.message = MESSAGE_TOO_BIG, .rest = 67, .quote = &from_open},
	 BOTH(icmp_mtu)},
	{.name = "65 an MTU of 68",
	 .recipe = {.message = MESSAGE_TOO_BIG, .rest = 68, .quote = &from_open},
	 .ip4 = REASON_icmp_error,
	 .ip6 = REASON_icmp_mtu},
	{.name = "65 an MTU of 1279",
	 .recipe = {.message = MESSAGE_TOO_BIG, .rest = 1279, .quote = &from_open},
	 .ip4 = REASON_icmp_error,
	 .ip6 = REASON_icmp_mtu},
	{.name = "65 an MTU of 1280",
	 .recipe = {.message = MESSAGE_TOO_BIG, .rest = 1280, .quote = &from_open},
	 BOTH(icmp_error)},
	{.name = "65 an MTU of 0",
	 .recipe = {.message = MESSAGE_TOO_BIG, .rest = 1, .quote = &from_open},
	 .edits = {{SPOT_TRANSPORT, 4, 4, 0}},
	 BOTH(icmp_mtu)},
	{.name = "65 an MTU of 65536 + 1",
	 .recipe = {.message = MESSAGE_TOO_BIG, .rest = 65537, .quote = &from_open},
	 .ip4 = REASON_icmp_mtu,
	 .ip6 = REASON_icmp_error},
	{.name = "65 a small word there in another unreachable is no MTU",
	 .recipe = {.message = MESSAGE_UNREACHABLE, .rest = 5, .quote = &from_open},
	 BOTH(icmp_error)},
	{.name = "65 an impossible MTU about nothing",
	 .recipe = {.message = MESSAGE_TOO_BIG, .rest = 5},
	 BOTH(icmp_mtu)},

	{.name = "64 redirect",
	 .recipe = {.message = MESSAGE_REDIRECT, .quote = &from_open},
	 BOTH(icmp_type)},
	{.name = "72 ICMP in IPv6",
	 .recipe = {.raw_protocol = IPPROTO_ICMP, .source_port = 0x0800},
	 IP6(protocol_not_in_matrix)},
	{.name = "72 ICMPv6 in IPv4",
	 .recipe = {.raw_protocol = IPPROTO_ICMPV6, .source_port = 0x8000},
	 IP4(protocol_not_in_matrix)},
};

const struct case_table cases_icmp = {cases, sizeof(cases) / sizeof(*cases)};
