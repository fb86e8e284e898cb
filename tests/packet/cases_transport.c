/* SPDX-License-Identifier: MIT */
/* Cases 54-62 and 76-78: TCP and UDP, long frames and super-packets. */
#include <netinet/in.h>

#include "cases.h"
#include "parties.h"

#define BOTH(reason) .ip4 = REASON_##reason, .ip6 = REASON_##reason
#define IP4(reason) .ip4 = REASON_##reason, .ip6 = NO_PACKET
#define IP6(reason) .ip4 = NO_PACKET, .ip6 = REASON_##reason
#define UDP_TO_OPEN .protocol = IPPROTO_UDP, .destination_port = PORT_OPEN_UDP
#define OUTWARD .source = &FRONT_END, .destination = &CLIENT

#define FIN 0x01
#define SYN 0x02
#define RST 0x04
#define PSH 0x08
#define ACK 0x10
#define URG 0x20
#define ECE 0x40
#define CWR 0x80

#define FLAGS(text, bits, reason)                                                                  \
	{.name = "56 " text, .recipe = {.flags = bits}, BOTH(reason)},                             \
		{.name = "56 " text " to a shut port",                                             \
		 .recipe = {.flags = bits, .destination_port = PORT_SHUT},                         \
		 BOTH(reason)},                                                                    \
	{                                                                                          \
		.name = "56 " text " from a guarded host", .recipe = {OUTWARD, .flags = bits},     \
		BOTH(reason)                                                                       \
	}
#define GOOD_FLAGS(text, bits)                                                                     \
	{.name = "56 " text, .recipe = {.flags = bits}, BOTH(matrix)},                             \
	{                                                                                          \
		.name = "57 " text " to a shut port",                                              \
		.recipe = {.flags = bits, .destination_port = PORT_SHUT}, BOTH(port_not_in_matrix) \
	}

#define SOURCE_PORT(text, number)                                                                  \
	{.name = "58 TCP from port " text,                                                         \
	 .recipe = {.source_port = number, .destination_port = PORT_SHUT},                         \
	 BOTH(port_not_in_matrix)},                                                                \
		{.name = "58 TCP ACK from port " text,                                             \
		 .recipe = {.source_port = number, .destination_port = PORT_SHUT, .flags = ACK},   \
		 BOTH(port_not_in_matrix)},                                                        \
	{                                                                                          \
		.name = "58 UDP from port " text,                                                  \
		.recipe = {.source_port = number,                                                  \
			   .destination_port = PORT_SHUT,                                          \
			   .protocol = IPPROTO_UDP},                                               \
		BOTH(port_not_in_matrix)                                                           \
	}

#define TUNNEL(text, number)                                                                       \
	{                                                                                          \
		.name = "70 " text,                                                                \
		.recipe = {.protocol = IPPROTO_UDP, .destination_port = number, .data = 64},       \
		BOTH(port_not_in_matrix)                                                           \
	}

static const struct packet_case cases[] = {
	{.name = "54 TCP of 19 bytes", .recipe = {.length = 19}, BOTH(l4_cut)},
	{.name = "54 TCP of 4 bytes", .recipe = {.length = 4}, BOTH(l4_cut)},
	{.name = "54 UDP of 7 bytes", .recipe = {UDP_TO_OPEN, .length = 7}, BOTH(l4_cut)},
	{.name = "54 UDP of 4 bytes", .recipe = {UDP_TO_OPEN, .length = 4}, BOTH(l4_cut)},
	{.name = "54 ICMP of 7 bytes",
	 .recipe = {.message = MESSAGE_REQUEST, .length = 7},
	 BOTH(l4_cut)},
	{.name = "54 cut TCP, transit",
	 .recipe = {.destination = &STRANGER, .length = 19},
	 BOTH(l4_cut)},
	{.name = "54 cut UDP from a guarded host",
	 .recipe = {OUTWARD, .protocol = IPPROTO_UDP, .length = 7},
	 BOTH(l4_cut)},

	{.name = "55 data offset 0",
	 .recipe = {.data_offset = A_REAL_ZERO},
	 BOTH(tcp_header_length)},
	{.name = "55 data offset 4", .recipe = {.data_offset = 4}, BOTH(tcp_header_length)},
	{.name = "55 data offset past the segment",
	 .recipe = {.data_offset = 6},
	 BOTH(tcp_header_length)},
	{.name = "55 data offset 15 past the segment",
	 .recipe = {.data_offset = 15, .data = 39},
	 BOTH(tcp_header_length)},
	{.name = "55 data offset 15 within the segment",
	 .recipe = {.data_offset = 15, .data = 40},
	 BOTH(matrix)},
	{.name = "55 data offset that only padding completes",
	 .recipe = {.data_offset = 6, .padding = 40},
	 BOTH(tcp_header_length)},
	{.name = "55 data offset 4, transit",
	 .recipe = {.destination = &STRANGER, .data_offset = 4},
	 BOTH(tcp_header_length)},

	FLAGS("no flag", A_REAL_ZERO, tcp_flags),
	FLAGS("FIN alone", FIN, tcp_flags),
	FLAGS("Xmas", FIN | PSH | URG, tcp_flags),
	FLAGS("SYN and FIN", SYN | FIN, tcp_flags),
	FLAGS("SYN and RST", SYN | RST, tcp_flags),
	FLAGS("SYN, FIN and ACK", SYN | FIN | ACK, tcp_flags),
	FLAGS("SYN, RST and ACK", SYN | RST | ACK, tcp_flags),
	FLAGS("all flags", 0xff, tcp_flags),
	FLAGS("PSH alone", PSH, tcp_flags),
	FLAGS("ECE and CWR alone", ECE | CWR, tcp_flags),
	GOOD_FLAGS("SYN with ECN", SYN | ECE | CWR),
	GOOD_FLAGS("SYN and ACK", SYN | ACK),
	GOOD_FLAGS("ACK", ACK),
	GOOD_FLAGS("FIN and ACK", FIN | ACK),
	GOOD_FLAGS("RST", RST),
	GOOD_FLAGS("RST and ACK", RST | ACK),
	GOOD_FLAGS("ACK, PSH and URG", ACK | PSH | URG),
	{.name = "56 no flag, transit",
	 .recipe = {.destination = &STRANGER, .flags = A_REAL_ZERO},
	 BOTH(transit)},

	SOURCE_PORT("53", 53),
	SOURCE_PORT("20", 20),
	SOURCE_PORT("88", 88),
	SOURCE_PORT("123", 123),
	SOURCE_PORT("443", 443),
	{.name = "68 IKE",
	 .recipe = {.protocol = IPPROTO_UDP, .destination_port = 500, .source_port = 500},
	 BOTH(ipsec_exempt)},
	{.name = "68 IKE behind NAT",
	 .recipe = {.protocol = IPPROTO_UDP, .destination_port = 4500, .source_port = 4500},
	 BOTH(ipsec_exempt)},
	{.name = "68 IKE to a role that is not exempt and has a row for it",
	 .recipe = {.protocol = IPPROTO_UDP,
		    .destination = &DIRECTOR,
		    .destination_port = 500,
		    .source_port = 500},
	 BOTH(matrix)},
	{.name = "68 IKE from an exempt role",
	 .recipe = {.protocol = IPPROTO_UDP,
		    .source = &FRONT_END,
		    .destination = &CLIENT,
		    .destination_port = 500,
		    .source_port = 500},
	 BOTH(ipsec_exempt)},
	{.name = "68 IKE behind NAT from an exempt role",
	 .recipe = {.protocol = IPPROTO_UDP,
		    .source = &FRONT_END,
		    .destination = &CLIENT,
		    .destination_port = 4500,
		    .source_port = 40000},
	 BOTH(ipsec_exempt)},
	{.name = "68 IKE from a role that is not exempt",
	 .recipe = {.protocol = IPPROTO_UDP,
		    .source = &DIRECTOR,
		    .destination = &CLIENT,
		    .destination_port = 500,
		    .source_port = 500},
	 BOTH(outbound)},

	{.name = "59 TCP to port 0", .recipe = {.destination_port = A_REAL_ZERO}, BOTH(port_zero)},
	{.name = "59 TCP from port 0", .recipe = {.source_port = A_REAL_ZERO}, BOTH(port_zero)},
	{.name = "59 UDP to port 0",
	 .recipe = {.protocol = IPPROTO_UDP, .destination_port = A_REAL_ZERO},
	 BOTH(port_zero)},
	{.name = "59 UDP from port 0",
	 .recipe = {UDP_TO_OPEN, .source_port = A_REAL_ZERO},
	 BOTH(port_zero)},
	{.name = "59 a guarded host to port 0",
	 .recipe = {OUTWARD, .destination_port = A_REAL_ZERO},
	 BOTH(port_zero)},
	{.name = "59 port 0, transit",
	 .recipe = {.destination = &STRANGER, .destination_port = A_REAL_ZERO},
	 BOTH(transit)},

	{.name = "60 UDP length 0",
	 .recipe = {UDP_TO_OPEN, .udp_length = A_REAL_ZERO},
	 BOTH(udp_length)},
	{.name = "60 UDP length 7", .recipe = {UDP_TO_OPEN, .udp_length = 7}, BOTH(udp_length)},
	{.name = "60 UDP length one too long",
	 .recipe = {UDP_TO_OPEN, .udp_length = 13, .data = 4},
	 BOTH(udp_length)},
	{.name = "60 UDP length 65535",
	 .recipe = {UDP_TO_OPEN, .udp_length = 65535, .data = 4},
	 BOTH(udp_length)},
	{.name = "60 UDP length that only padding completes",
	 .recipe = {UDP_TO_OPEN, .udp_length = 30, .data = 4, .padding = 40},
	 BOTH(udp_length)},
	{.name = "60 UDP with bytes behind its end",
	 .recipe = {UDP_TO_OPEN, .udp_length = 8, .data = 4},
	 BOTH(matrix)},
	{.name = "60 UDP length 7, transit",
	 .recipe = {.destination = &STRANGER, .protocol = IPPROTO_UDP, .udp_length = 7},
	 BOTH(udp_length)},
	{.name = "60 UDP length 0 in a first fragment",
	 .recipe = {UDP_TO_OPEN, .udp_length = A_REAL_ZERO, .fragment = true, .more = true,
		    .data = 16},
	 BOTH(udp_length)},
	{.name = "60 UDP length 7 in a first fragment",
	 .recipe = {UDP_TO_OPEN, .udp_length = 7, .fragment = true, .more = true, .data = 16},
	 BOTH(udp_length)},

	{.name = "a UDP header and no more", .recipe = {UDP_TO_OPEN, .bare = true}, BOTH(matrix)},
	{.name = "a UDP header and no more, to a shut port",
	 .recipe = {.protocol = IPPROTO_UDP, .destination_port = 9, .bare = true},
	 BOTH(port_not_in_matrix)},
	{.name = "61 no UDP checksum", .recipe = {UDP_TO_OPEN, .no_checksum = true}, BOTH(matrix)},
	{.name = "61 a wrong TCP checksum is the host's to see",
	 .edits = {{SPOT_TRANSPORT, 16, 2, 0xbad0}},
	 BOTH(matrix)},

	TUNNEL("VXLAN", 4789),
	TUNNEL("Geneve", 6081),
	TUNNEL("Teredo", 3544),
	TUNNEL("GUE", 6080),
	TUNNEL("GTP", 2152),
	TUNNEL("L2TP", 1701),
	TUNNEL("VXLAN-GPE", 4790),

	{.name = "76 a frame of 9000 bytes", .recipe = {.data = 8900, .flags = ACK}, BOTH(matrix)},
	{.name = "76 a frame of 9000 bytes to a shut port",
	 .recipe = {.data = 8900, .destination_port = PORT_SHUT, .flags = ACK},
	 BOTH(port_not_in_matrix)},
	{.name = "76 a frame of 9000 bytes that is cut",
	 .recipe = {.data = 8900, .flags = ACK},
	 .cut_spot = SPOT_END,
	 .cut_offset = -1,
	 BOTH(ip_length)},
	{.name = "76 a frame of 9000 bytes, all but 40 padding",
	 .recipe = {.padding = 8900},
	 BOTH(matrix)},
	{.name = "76 a frame of 9000 bytes of MPLS",
	 .recipe = {.padding = 8900},
	 .edits = {{SPOT_IP, -2, 2, 0x8847}},
	 IP4(ethertype)},
	{.name = "76 UDP of 9000 bytes", .recipe = {UDP_TO_OPEN, .data = 8900}, BOTH(matrix)},

	{.name = "78 a super-packet of TCP",
	 .recipe = {.data = 3000, .flags = ACK},
	 .gso_size = 1400,
	 BOTH(matrix)},
	{.name = "78 a super-packet to a shut port",
	 .recipe = {.data = 3000, .destination_port = PORT_SHUT, .flags = ACK},
	 .gso_size = 1400,
	 BOTH(port_not_in_matrix)},
	{.name = "78 BIG TCP: total length 0",
	 .recipe = {.data = 3000, .flags = ACK},
	 .edits = {{SPOT_IP, 2, 2, 0}},
	 .gso_size = 1400,
	 IP4(matrix)},
	{.name = "78 BIG TCP: total length 0, to a shut port",
	 .recipe = {.data = 3000, .destination_port = PORT_SHUT, .flags = ACK},
	 .edits = {{SPOT_IP, 2, 2, 0}},
	 .gso_size = 1400,
	 IP4(port_not_in_matrix)},
	{.name = "78 BIG TCP: a jumbo hop-by-hop header",
	 .recipe = {.data = 3000, .flags = ACK, .extensions = {HEADER(0, 0)}, .n_extensions = 1},
	 .edits = {{SPOT_IP, 4, 2, 0}, {SPOT_IP, 42, 2, 0xc204}, {SPOT_IP, 44, 4, 3028}},
	 .gso_size = 1400,
	 IP6(matrix)},
	{.name = "78 BIG TCP: payload length 0",
	 .recipe = {.data = 3000, .flags = ACK},
	 .edits = {{SPOT_IP, 4, 2, 0}},
	 .gso_size = 1400,
	 IP6(matrix)},
	{.name = "78 a super-packet with a length beyond its end",
	 .recipe = {.data = 3000, .flags = ACK},
	 .cut_spot = SPOT_END,
	 .cut_offset = -1,
	 .gso_size = 1400,
	 BOTH(ip_length)},
	{.name = "78 a super-packet of UDP",
	 .recipe = {UDP_TO_OPEN, .data = 3000},
	 .gso_size = 1400,
	 BOTH(matrix)},
};

const struct case_table cases_transport = {cases, sizeof(cases) / sizeof(*cases)};
