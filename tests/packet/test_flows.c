/* SPDX-License-Identifier: MIT */
/*
 * Flows (cases 52, 57, 61-63, 73-75): what guarded hosts start comes back, and nothing else does.
 * Port 40000 of a front end is open to nobody, so it is where their own connections start.
 */
#include <netinet/in.h>
#include <stdlib.h>

#include "script.h"

/* Seconds behind the last packet (RFC 5382, RFC 4787, RFC 5508). */
#define HANDSHAKE 240
#define ESTABLISHED 7440
#define CLOSING 240
#define UDP_IDLE 180
#define ECHO_IDLE 60

#define PASS_OUT .reason = REASON_outbound
#define PASS_FLOW .reason = REASON_flow
#define SHUT .reason = REASON_port_not_in_matrix
#define UNRELATED .reason = REASON_icmp_unrelated

/* The steps that most scripts start with. */
#define SYN_OUT                                                                                    \
	{                                                                                          \
		.recipe = {OUTWARD}, PASS_OUT, .flows = 1                                          \
	}
#define SYN_ACK_IN                                                                                 \
	{                                                                                          \
		.recipe = {INWARD, .source_port = 443, .flags = SYN | ACK}, PASS_FLOW              \
	}
#define ACK_OUT                                                                                    \
	{                                                                                          \
		.recipe = {OUTWARD, .flags = ACK}, PASS_OUT                                        \
	}
#define ACK_IN                                                                                     \
	{                                                                                          \
		.recipe = {INWARD, .source_port = 443, .flags = ACK}, PASS_FLOW                    \
	}
#define ACK_IN_SHUT                                                                                \
	{                                                                                          \
		.recipe = {INWARD, .source_port = 443, .flags = ACK}, SHUT                         \
	}
#define UDP_OUT                                                                                    \
	{                                                                                          \
		.recipe = {OUTWARD, .protocol = IPPROTO_UDP}, PASS_OUT, .flows = 1                 \
	}
#define UDP_IN                                                                                     \
	{                                                                                          \
		.recipe = {INWARD, .protocol = IPPROTO_UDP, .source_port = 443}, PASS_FLOW         \
	}
#define UDP_IN_SHUT                                                                                \
	{                                                                                          \
		.recipe = {INWARD, .protocol = IPPROTO_UDP, .source_port = 443}, SHUT              \
	}
#define PING_OUT                                                                                   \
	{                                                                                          \
		.recipe = {.source = &FRONT_END,                                                   \
			   .destination = &CLIENT,                                                 \
			   .message = MESSAGE_REQUEST},                                            \
		PASS_OUT, .flows = 1                                                               \
	}
#define PONG_IN                                                                                    \
	{                                                                                          \
		.recipe = {.message = MESSAGE_REPLY}, PASS_FLOW                                    \
	}
#define AFTER(seconds, ...)                                                                        \
	{                                                                                          \
		.wait = seconds, __VA_ARGS__                                                       \
	}

static const struct recipe sent_syn = {OUTWARD};
static const struct recipe sent_udp = {OUTWARD, .protocol = IPPROTO_UDP};
static const struct recipe sent_ping = {
	.source = &FRONT_END, .destination = &CLIENT, .message = MESSAGE_REQUEST};
static const struct recipe sent_pong = {
	.source = &FRONT_END, .destination = &CLIENT, .message = MESSAGE_REPLY};
static const struct recipe sent_to_another_port = {OUTWARD, .destination_port = 444};
static const struct recipe sent_from_another_port = {
	.source = &FRONT_END, .destination = &CLIENT, .source_port = 40001};
static const struct recipe sent_back = {INWARD, .source_port = 443};

#define ERROR_IN(kind, quoted, ...)                                                                \
	{                                                                                          \
		.recipe = {.source = &STRANGER, .message = MESSAGE_##kind, .quote = &quoted},      \
		__VA_ARGS__                                                                        \
	}

static const struct script tcp_scripts[] = {
	{"a handshake that a guarded host starts",
	 .steps = {SYN_OUT, SYN_ACK_IN, ACK_OUT, ACK_IN, ACK_OUT}},
	{"nothing comes in before the first packet went out",
	 .steps = {ACK_IN_SHUT, SYN_OUT, ACK_IN}},
	{"a SYN from outside is never a reply",
	 .steps = {SYN_OUT,
		   {.recipe = {INWARD, .source_port = 443, .flags = SYN}, SHUT},
		   {.recipe = {INWARD, .source_port = 443, .flags = SYN | 0xc0}, SHUT},
		   {.recipe = {INWARD, .source_port = 443, .flags = SYN | 0x08}, SHUT},
		   SYN_ACK_IN,
		   {.recipe = {INWARD, .source_port = 443, .flags = SYN}, SHUT},
		   ACK_IN}},
	{"a SYN retransmitted makes no second flow",
	 .steps = {SYN_OUT, {.recipe = {OUTWARD}, PASS_OUT}, SYN_ACK_IN}},
	{"a reply from another port",
	 .steps = {SYN_OUT, {.recipe = {INWARD, .source_port = 444, .flags = SYN | ACK}, SHUT}}},
	{"a reply to another port",
	 .steps = {SYN_OUT,
		   {.recipe = {.destination_port = 40001, .source_port = 443, .flags = SYN | ACK},
		    SHUT}}},
	{"a reply from somebody else", .steps = {SYN_OUT,
						 {.recipe = {.source = &STRANGER,
							     .destination_port = 40000,
							     .source_port = 443,
							     .flags = SYN | ACK},
						  SHUT}}},
	{"a reply to somebody else", .steps = {SYN_OUT,
					       {.recipe = {.destination = &FRONT_END_TWO,
							   .destination_port = 40000,
							   .source_port = 443,
							   .flags = SYN | ACK},
						SHUT}}},
	{"a reply of another protocol", .steps = {SYN_OUT, UDP_IN_SHUT}},
	{"a RST from outside ends nothing",
	 .steps = {SYN_OUT,
		   SYN_ACK_IN,
		   {.recipe = {INWARD, .source_port = 443, .flags = RST}, PASS_FLOW},
		   ACK_IN,
		   {.recipe = {INWARD, .source_port = 443, .flags = RST | ACK}, PASS_FLOW},
		   ACK_IN,
		   AFTER(ESTABLISHED - 1, .recipe = {INWARD, .source_port = 443, .flags = ACK},
			 PASS_FLOW)}},
	{"a RST that answers a SYN",
	 .steps = {SYN_OUT,
		   {.recipe = {INWARD, .source_port = 443, .flags = RST | ACK}, PASS_FLOW}}},
	{"a FIN from either side lets the rest through",
	 .steps = {SYN_OUT,
		   SYN_ACK_IN,
		   {.recipe = {OUTWARD, .flags = FIN | ACK}, PASS_OUT},
		   ACK_IN,
		   {.recipe = {INWARD, .source_port = 443, .flags = FIN | ACK}, PASS_FLOW},
		   ACK_OUT,
		   {.recipe = {INWARD, .source_port = 443, .flags = FIN | ACK}, PASS_FLOW}}},
	{"the same ports used again after a FIN",
	 .steps = {SYN_OUT,
		   SYN_ACK_IN,
		   {.recipe = {OUTWARD, .flags = FIN | ACK}, PASS_OUT},
		   {.recipe = {OUTWARD}, PASS_OUT},
		   SYN_ACK_IN,
		   ACK_OUT,
		   AFTER(ESTABLISHED - 1, .recipe = {INWARD, .source_port = 443, .flags = ACK},
			 PASS_FLOW)}},
	{"the same ports used again after the flow ended",
	 .steps = {SYN_OUT,
		   AFTER(HANDSHAKE, .recipe = {INWARD, .source_port = 443, .flags = SYN | ACK},
			 SHUT),
		   {.recipe = {OUTWARD}, PASS_OUT, .flows = 1},
		   SYN_ACK_IN}},
	{"bad flags are no reply",
	 .steps = {SYN_OUT,
		   SYN_ACK_IN,
		   {.recipe = {INWARD, .source_port = 443, .flags = A_REAL_ZERO},
		    .reason = REASON_tcp_flags},
		   {.recipe = {INWARD, .source_port = 443, .flags = SYN | FIN},
		    .reason = REASON_tcp_flags},
		   ACK_IN}},
	{"only a SYN starts a flow",
	 .steps = {ACK_OUT,
		   ACK_IN_SHUT,
		   {.recipe = {OUTWARD, .flags = SYN | ACK}, PASS_OUT},
		   ACK_IN_SHUT,
		   {.recipe = {OUTWARD, .flags = RST}, PASS_OUT},
		   {.recipe = {OUTWARD, .flags = FIN | ACK}, PASS_OUT},
		   ACK_IN_SHUT,
		   {.recipe = {INWARD, .source_port = 443, .flags = SYN | ACK}, SHUT}}},
	{"a SYN with FIN or RST starts none",
	 .steps = {{.recipe = {OUTWARD, .flags = SYN | FIN}, .reason = REASON_tcp_flags},
		   {.recipe = {INWARD, .source_port = 443, .flags = SYN | ACK}, SHUT},
		   {.recipe = {OUTWARD, .flags = SYN | RST}, .reason = REASON_tcp_flags},
		   {.recipe = {INWARD, .source_port = 443, .flags = SYN | ACK}, SHUT}}},
	{"a SYN to an open port starts none: the matrix lets everything in",
	 .steps = {{.recipe = {0}, .reason = REASON_matrix},
		   {.recipe = {.flags = ACK}, .reason = REASON_matrix},
		   {.recipe = {.source = &FRONT_END,
			       .destination = &CLIENT,
			       .source_port = 443,
			       .destination_port = 40000,
			       .flags = SYN | ACK},
		    PASS_OUT}}},
	{"a connection from an open port starts none either",
	 .steps = {{.recipe = {.source = &FRONT_END, .destination = &CLIENT, .source_port = 443},
		    PASS_OUT},
		   {.recipe = {.source_port = 443, .flags = SYN | ACK}, .reason = REASON_matrix}}},
	{"a SYN that is dropped starts none", .steps = {{.recipe = {.source = &FRONT_END,
								    .destination = &DIRECTOR,
								    .source_port = 40000,
								    .destination_port = PORT_SHUT},
							 SHUT},
							{.recipe = {.source = &DIRECTOR,
								    .source_port = PORT_SHUT,
								    .destination_port = 40000,
								    .flags = SYN | ACK},
							 SHUT}}},
	{"one guarded host to another", .steps = {{.recipe = {.source = &FRONT_END,
							      .destination = &DIRECTOR,
							      .source_port = 40000},
						   .reason = REASON_matrix,
						   .flows = 1},
						  {.recipe = {.source = &DIRECTOR,
							      .source_port = 443,
							      .destination_port = 40000,
							      .flags = SYN | ACK},
						   PASS_FLOW},
						  {.recipe = {.source = &FRONT_END,
							      .destination = &DIRECTOR,
							      .source_port = 40000,
							      .flags = ACK},
						   .reason = REASON_matrix}}},
	{"a port that is open to others only lets replies in",
	 .steps = {{.recipe = {.source = &FRONT_END, .destination = &CLIENT, .source_port = 9000},
		    PASS_OUT,
		    .flows = 1},
		   {.recipe = {.source_port = 443, .destination_port = 9000, .flags = SYN | ACK},
		    PASS_FLOW},
		   {.recipe = {.source_port = 443, .destination_port = 9000, .flags = SYN},
		    .reason = REASON_source_not_allowed}}},
};

static const struct script timeout_scripts[] = {
	{"a handshake is waited for, and no longer",
	 .steps = {SYN_OUT,
		   AFTER(HANDSHAKE - 1, .recipe = {INWARD, .source_port = 443, .flags = RST | ACK},
			 PASS_FLOW),
		   AFTER(HANDSHAKE - 1, .recipe = {OUTWARD}, PASS_OUT),
		   AFTER(HANDSHAKE, .recipe = {INWARD, .source_port = 443, .flags = SYN | ACK},
			 SHUT)}},
	{"a connection lives for two hours and four minutes",
	 .steps = {SYN_OUT, SYN_ACK_IN,
		   AFTER(ESTABLISHED - 1, .recipe = {OUTWARD, .flags = ACK}, PASS_OUT),
		   AFTER(ESTABLISHED - 1, .recipe = {INWARD, .source_port = 443, .flags = ACK},
			 PASS_FLOW),
		   AFTER(ESTABLISHED, .recipe = {INWARD, .source_port = 443, .flags = ACK}, SHUT)}},
	{"a closed one for four minutes",
	 .steps = {SYN_OUT,
		   SYN_ACK_IN,
		   {.recipe = {OUTWARD, .flags = RST}, PASS_OUT},
		   AFTER(CLOSING - 1, .recipe = {INWARD, .source_port = 443, .flags = ACK},
			 PASS_FLOW),
		   AFTER(CLOSING, .recipe = {INWARD, .source_port = 443, .flags = ACK}, SHUT)}},
	{"UDP",
	 .steps = {UDP_OUT,
		   AFTER(UDP_IDLE - 1,
			 .recipe = {INWARD, .protocol = IPPROTO_UDP, .source_port = 443},
			 PASS_FLOW),
		   AFTER(UDP_IDLE - 1, .recipe = {OUTWARD, .protocol = IPPROTO_UDP}, PASS_OUT),
		   AFTER(UDP_IDLE, .recipe = {INWARD, .protocol = IPPROTO_UDP, .source_port = 443},
			 SHUT),
		   UDP_OUT, UDP_IN}},
	{"an echo",
	 .steps = {PING_OUT, AFTER(ECHO_IDLE - 1, .recipe = {.message = MESSAGE_REPLY}, PASS_FLOW),
		   AFTER(ECHO_IDLE, .recipe = {.message = MESSAGE_REPLY}, UNRELATED)}},
	{"an ICMP error does not prolong a flow",
	 .steps = {UDP_OUT,
		   AFTER(UDP_IDLE - 1,
			 .recipe = {.source = &STRANGER,
				    .message = MESSAGE_TOO_BIG,
				    .quote = &sent_udp},
			 .reason = REASON_icmp_error),
		   AFTER(1, .recipe = {INWARD, .protocol = IPPROTO_UDP, .source_port = 443},
			 SHUT)}},
	{"a refused packet does not prolong a flow",
	 .steps = {UDP_OUT,
		   AFTER(UDP_IDLE - 1,
			 .recipe = {INWARD, .protocol = IPPROTO_UDP, .source_port = 443,
				    .udp_length = 7},
			 .reason = REASON_udp_length),
		   AFTER(1, .recipe = {INWARD, .protocol = IPPROTO_UDP, .source_port = 443},
			 SHUT)}},
};

static const struct script other_scripts[] = {
	{"a UDP answer", .steps = {UDP_IN_SHUT, UDP_OUT, UDP_IN, UDP_IN}},
	{"a UDP answer, headers alone",
	 .steps = {{.recipe = {OUTWARD, .protocol = IPPROTO_UDP, .bare = true},
		    PASS_OUT,
		    .flows = 1},
		   UDP_IN}},
	{"an ACK starts none",
	 .steps = {{.recipe = {OUTWARD, .flags = ACK}, PASS_OUT}, ACK_IN_SHUT}},
	{"a UDP answer from another port",
	 .steps = {UDP_OUT,
		   {.recipe = {INWARD, .protocol = IPPROTO_UDP, .source_port = 444}, SHUT}}},
	{"a TCP answer to UDP", .steps = {UDP_OUT, ACK_IN_SHUT}},
	{"UDP without a checksum starts no flow in IPv6",
	 .steps = {{.recipe = {OUTWARD, .protocol = IPPROTO_UDP, .no_checksum = true}, PASS_OUT},
		   UDP_IN_SHUT},
	 .ip6_only = true},
	{"UDP without a checksum starts one in IPv4",
	 .steps = {{.recipe = {OUTWARD, .protocol = IPPROTO_UDP, .no_checksum = true},
		    PASS_OUT,
		    .flows = 1},
		   UDP_IN},
	 .ip4_only = true},
	{"an echo and its reply",
	 .steps = {{.recipe = {.message = MESSAGE_REPLY}, UNRELATED}, PING_OUT, PONG_IN, PONG_IN}},
	{"a reply with another id",
	 .steps = {PING_OUT, {.recipe = {.message = MESSAGE_REPLY, .source_port = 78}, UNRELATED}}},
	{"a reply from somebody else",
	 .steps = {PING_OUT,
		   {.recipe = {.source = &STRANGER, .message = MESSAGE_REPLY}, UNRELATED}}},
	{"an echo request from outside is no reply",
	 .steps = {PING_OUT, {.recipe = {.message = MESSAGE_REQUEST}, .reason = REASON_icmp_echo}}},
	{"an answer to an echo starts nothing",
	 .steps = {{.recipe = {.source = &FRONT_END,
			       .destination = &CLIENT,
			       .message = MESSAGE_REPLY},
		    PASS_OUT},
		   {.recipe = {.message = MESSAGE_REPLY}, UNRELATED}}},
	{"other protocols start nothing",
	 .steps = {{.recipe = {OUTWARD, .raw_protocol = IPPROTO_SCTP}, PASS_OUT},
		   {.recipe = {INWARD, .source_port = 443, .raw_protocol = IPPROTO_SCTP},
		    .reason = REASON_protocol_not_in_matrix}}},
	{"a spoofed packet from outside starts nothing",
	 .steps = {{.recipe = {OUTWARD}, .device = DEVICE_OUTSIDE, .reason = REASON_spoofed},
		   {.recipe = {INWARD, .source_port = 443, .flags = SYN | ACK}, SHUT}}},
	{"packets from outside start nothing (73)",
	 .steps = {{.recipe = {0}, .reason = REASON_matrix},
		   {.recipe = {.source_port = 50000}, .reason = REASON_matrix},
		   {.recipe = {.protocol = IPPROTO_UDP, .destination_port = PORT_OPEN_UDP},
		    .reason = REASON_matrix},
		   {.recipe = {.destination = &STRANGER}, .reason = REASON_transit}}},
	{"a listed host that is not guarded starts nothing",
	 .steps = {{.recipe = {.source = &PHONE_GATEWAY, .destination = &CLIENT},
		    .reason = REASON_transit},
		   {.recipe = {.destination = &PHONE_GATEWAY}, .reason = REASON_transit}}},
};

static const struct script error_scripts[] = {
	{"too big about a TCP flow (52)",
	 .steps = {ERROR_IN(TOO_BIG, sent_syn, UNRELATED), SYN_OUT,
		   ERROR_IN(TOO_BIG, sent_syn, .reason = REASON_icmp_error)}},
	{"unreachable about a TCP flow (52)",
	 .steps = {SYN_OUT, ERROR_IN(UNREACHABLE, sent_syn, .reason = REASON_icmp_error),
		   SYN_ACK_IN}},
	{"time exceeded about a UDP flow (52)",
	 .steps = {UDP_OUT, ERROR_IN(TIME, sent_udp, .reason = REASON_icmp_error),
		   ERROR_IN(TIME, sent_syn, UNRELATED)}},
	{"parameter problem about an echo (52)",
	 .steps = {ERROR_IN(PARAMETER, sent_ping, UNRELATED), PING_OUT,
		   ERROR_IN(PARAMETER, sent_ping, .reason = REASON_icmp_error)}},
	{"unreachable about an echo reply (63)",
	 .steps = {PING_OUT, ERROR_IN(UNREACHABLE, sent_pong, UNRELATED)}},
	{"too big about another port (63)",
	 .steps = {SYN_OUT, ERROR_IN(TOO_BIG, sent_to_another_port, UNRELATED),
		   ERROR_IN(TOO_BIG, sent_from_another_port, UNRELATED)}},
	{"too big about what the other side sent (63)",
	 .steps = {SYN_OUT, SYN_ACK_IN, ERROR_IN(TOO_BIG, sent_back, UNRELATED)}},
	{"too big to somebody else (63)", .steps = {SYN_OUT,
						    {.recipe = {.source = &STRANGER,
								.destination = &FRONT_END_TWO,
								.message = MESSAGE_TOO_BIG,
								.quote = &sent_syn},
						     UNRELATED}}},
	{"too big with a tiny MTU about a flow (65)",
	 .steps = {SYN_OUT,
		   {.recipe = {.message = MESSAGE_TOO_BIG, .rest = 67, .quote = &sent_syn},
		    .reason = REASON_icmp_mtu}}},
	{"a redirect about a flow (64)",
	 .steps = {SYN_OUT, ERROR_IN(REDIRECT, sent_syn, .reason = REASON_icmp_type)}},
	{"an error opens nothing",
	 .steps = {ERROR_IN(UNREACHABLE, sent_syn, UNRELATED),
		   ACK_IN_SHUT,
		   SYN_OUT,
		   ERROR_IN(UNREACHABLE, sent_syn, .reason = REASON_icmp_error),
		   {.recipe = {INWARD, .source_port = 443, .flags = SYN}, SHUT}}},
	{"no error about a flow that ended",
	 .steps = {UDP_OUT, AFTER(UDP_IDLE,
				  .recipe = {.source = &STRANGER,
					     .message = MESSAGE_TOO_BIG,
					     .quote = &sent_udp},
				  UNRELATED)}},
};

#define ADD(table) add_scripts(&suite, table, sizeof(table) / sizeof(*(table)))

static int run(struct world *world, void *unused)
{
	struct suite suite = {.name = "flows", .bench = {.world = world}};
	char *site = site_text("");
	int err = world_apply(world, site);

	(void)unused;
	free(site);
	if (err || world_stop_clock(world))
		return 1;
	ADD(tcp_scripts);
	ADD(timeout_scripts);
	ADD(other_scripts);
	ADD(error_scripts);
	return run_suite(&suite, true) != 0;
}

int main(void)
{
	return world_run(run, NULL);
}
