/* SPDX-License-Identifier: MIT */
/* Cases 66-71: protocols of their own; the bytes behind them look like an open port. */
#include <netinet/in.h>

#include "cases.h"
#include "parties.h"

#define BOTH(reason) .ip4 = REASON_##reason, .ip6 = REASON_##reason

/* To a guarded host, from one, and past all of them. */
#define PROTOCOL(text, number)                                                                     \
	{.name = text, .recipe = {.raw_protocol = number}, BOTH(protocol_not_in_matrix)},          \
		{.name = text ", between guarded hosts",                                           \
		 .recipe = {.source = &DIRECTOR, .raw_protocol = number},                          \
		 BOTH(protocol_not_in_matrix)},                                                    \
		{.name = text ", from a guarded host",                                             \
		 .recipe = {.source = &FRONT_END, .destination = &CLIENT, .raw_protocol = number}, \
		 BOTH(outbound)},                                                                  \
	{                                                                                          \
		.name = text ", transit",                                                          \
		.recipe = {.destination = &STRANGER, .raw_protocol = number}, BOTH(transit)        \
	}

/* Front End Servers are exempt from IPsec, Directors are not. */
#define EXEMPT(text, number)                                                                       \
	{.name = text, .recipe = {.raw_protocol = number}, BOTH(ipsec_exempt)},                    \
		{.name = text ", to a role that is not exempt",                                    \
		 .recipe = {.destination = &DIRECTOR, .raw_protocol = number},                     \
		 BOTH(protocol_not_in_matrix)},                                                    \
		{.name = text ", from a role that is not exempt to one that is",                   \
		 .recipe = {.source = &DIRECTOR, .raw_protocol = number},                          \
		 BOTH(ipsec_exempt)},                                                              \
		{.name = text ", from an exempt role",                                             \
		 .recipe = {.source = &FRONT_END, .destination = &CLIENT, .raw_protocol = number}, \
		 BOTH(ipsec_exempt)},                                                              \
		{.name = text ", from one that is not",                                            \
		 .recipe = {.source = &DIRECTOR, .destination = &CLIENT, .raw_protocol = number},  \
		 BOTH(outbound)},                                                                  \
	{                                                                                          \
		.name = text ", transit",                                                          \
		.recipe = {.destination = &STRANGER, .raw_protocol = number}, BOTH(transit)        \
	}

static const struct packet_case cases[] = {
	PROTOCOL("66 SCTP to the number of an open port", IPPROTO_SCTP),
	PROTOCOL("67 DCCP to the number of an open port", IPPROTO_DCCP),
	PROTOCOL("67 UDP-Lite to the number of an open port", IPPROTO_UDPLITE),
	EXEMPT("68 ESP", IPPROTO_ESP),
	EXEMPT("68 AH", IPPROTO_AH),
	PROTOCOL("69 IP in IP", IPPROTO_IPIP),
	PROTOCOL("69 6in4", IPPROTO_IPV6),
	PROTOCOL("69 GRE", IPPROTO_GRE),
	PROTOCOL("69 EtherIP", 97),
	PROTOCOL("69 IPComp", 108),
	PROTOCOL("69 L2TP", 115),
	PROTOCOL("69 MPLS in IP", 137),
	PROTOCOL("71 IGMP", IPPROTO_IGMP),
	PROTOCOL("71 OSPF", 89),
	PROTOCOL("71 PIM", 103),
	PROTOCOL("71 VRRP", 112),
	PROTOCOL("71 RSVP", 46),
};

const struct case_table cases_protocols = {cases, sizeof(cases) / sizeof(*cases)};
