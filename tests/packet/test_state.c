/* SPDX-License-Identifier: MIT */
/*
 * What a site says about state: `timeouts:`, held to the second, and `asymmetric: true`, where what
 * may be a reply passes without a flow. Port 40000 of a front end is open to nobody.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include "script.h"

#define PASS_OUT .reason = REASON_outbound
#define PASS_FLOW .reason = REASON_flow
#define WEAK .reason = REASON_asymmetric
#define SHUT .reason = REASON_port_not_in_matrix

/* --- timeouts: all differ from the usual ones, and from each other */

#define SITE_TIMEOUTS                                                                              \
	"timeouts: {tcp_opening: 20, tcp: 5m, tcp_closing: 40, udp: 50s, icmp_echo: 9, fragment: " \
	"7}\n"

#define TCP_IN(bits, ...)                                                                          \
	{                                                                                          \
		.recipe = {INWARD, .source_port = 443, .flags = bits}, __VA_ARGS__                 \
	}
#define TCP_OUT(bits, ...)                                                                         \
	{                                                                                          \
		.recipe = {OUTWARD, .flags = bits}, PASS_OUT, __VA_ARGS__                          \
	}
#define UDP_OUT(...)                                                                               \
	{                                                                                          \
		.recipe = {OUTWARD, .protocol = IPPROTO_UDP}, PASS_OUT, __VA_ARGS__                \
	}
#define UDP_IN(...)                                                                                \
	{                                                                                          \
		.recipe = {INWARD, .protocol = IPPROTO_UDP, .source_port = 443}, __VA_ARGS__       \
	}
#define PING_OUT                                                                                   \
	{                                                                                          \
		.recipe = {.source = &FRONT_END,                                                   \
			   .destination = &CLIENT,                                                 \
			   .message = MESSAGE_REQUEST},                                            \
		PASS_OUT, .flows = 1                                                               \
	}
#define PONG_IN(...)                                                                               \
	{                                                                                          \
		.recipe = {.message = MESSAGE_REPLY}, __VA_ARGS__                                  \
	}
#define FIRST_IN(...)                                                                              \
	{                                                                                          \
		.recipe = {.protocol = IPPROTO_UDP,                                                \
			   .destination_port = PORT_OPEN_UDP,                                      \
			   .fragment = true,                                                       \
			   .more = true,                                                           \
			   .data = 56,                                                             \
			   .id = 7},                                                               \
		.reason = REASON_matrix, __VA_ARGS__                                               \
	}
#define LATER_IN(...)                                                                              \
	{                                                                                          \
		.recipe = {.protocol = IPPROTO_UDP,                                                \
			   .destination_port = PORT_OPEN_UDP,                                      \
			   .fragment = true,                                                       \
			   .offset = 64,                                                           \
			   .data = 120,                                                            \
			   .id = 7},                                                               \
		__VA_ARGS__                                                                        \
	}

static const struct script timeout_scripts[] = {
	{"tcp_opening: 20",
	 .steps = {TCP_OUT(SYN, .flows = 1), TCP_IN(RST, PASS_FLOW, .wait = 19),
		   TCP_OUT(SYN, .wait = 19), TCP_IN(SYN | ACK, SHUT, .wait = 20)}},
	{"tcp: 5m", .steps = {TCP_OUT(SYN, .flows = 1), TCP_IN(SYN | ACK, PASS_FLOW),
			      TCP_OUT(ACK, .wait = 299), TCP_IN(ACK, PASS_FLOW, .wait = 299),
			      TCP_IN(ACK, SHUT, .wait = 300)}},
	{"tcp_closing: 40",
	 .steps = {TCP_OUT(SYN, .flows = 1), TCP_IN(SYN | ACK, PASS_FLOW), TCP_OUT(FIN | ACK),
		   TCP_IN(ACK, PASS_FLOW, .wait = 39), TCP_IN(ACK, SHUT, .wait = 40)}},
	{"udp: 50s", .steps = {UDP_OUT(.flows = 1), UDP_IN(PASS_FLOW, .wait = 49),
			       UDP_IN(SHUT, .wait = 50), UDP_OUT(.flows = 1)}},
	{"icmp_echo: 9", .steps = {PING_OUT, PONG_IN(PASS_FLOW, .wait = 8),
				   PONG_IN(.reason = REASON_icmp_unrelated, .wait = 9)}},
};

/* A script's steps have ids of their own, so fragments of one packet are sent here. */
static void outlives_by_no_second(void **state)
{
	const struct task *task = *state;
	const struct serving serving = {
		.family = task->family,
		.variation = next_variation(task->bench),
	};
	const struct step steps[] = {
		FIRST_IN(.fragments = 1),
		LATER_IN(.reason = REASON_fragment, .wait = 5),
		LATER_IN(.reason = REASON_fragment, .wait = 1),
		LATER_IN(.reason = REASON_fragment_unmatched, .wait = 1),
	};

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct frame frame;
		struct expectation e = {
			.frame = &frame,
			.tc = task->tc,
			.fragments = steps[i].fragments,
			.reason = steps[i].reason,
		};

		world_wait(task->bench->world, steps[i].wait);
		make_frame(&steps[i].recipe, &serving, &frame);
		expect(task->bench, &e);
	}
}

static void add_fragments(struct suite *suite)
{
	for (int i = 0; i < 4; i++) {
		const struct task task = {
			.family = i & 1 ? FAMILY_IPV6 : FAMILY_IPV4,
			.tc = i & 2,
		};
		char *name;

		if (asprintf(&name, "fragment: 7, later ones prolong nothing, %s, %s",
			     family_name(task.family), task.tc ? "TC" : "XDP") < 0)
			abort();
		add_task(suite, name, outlives_by_no_second, &task);
	}
}

/* --- asymmetric: true. Office web apps have two open ports, both TCP. */

#define TO_APPS(number)                                                                            \
	.destination = &WEB_APPS, .protocol = IPPROTO_UDP, .source_port = 443,                     \
	.destination_port = (number)

static const struct recipe sent = {OUTWARD};
static const struct recipe sent_by_another = {
	.source = &FRONT_END_TWO, .destination = &CLIENT, .source_port = 40000};
static const struct recipe sent_sctp = {OUTWARD, .raw_protocol = IPPROTO_SCTP};

#define ABOUT(kind, quoted, ...)                                                                   \
	{                                                                                          \
		.recipe = {.source = &STRANGER, .message = MESSAGE_##kind, .quote = &quoted},      \
		__VA_ARGS__                                                                        \
	}

static const struct script asymmetric_scripts[] = {
	{"TCP that is not a SYN alone passes",
	 .steps = {TCP_IN(SYN | ACK, WEAK), TCP_IN(ACK, WEAK), TCP_IN(RST, WEAK),
		   TCP_IN(RST | ACK, WEAK), TCP_IN(FIN | ACK, WEAK),
		   TCP_IN(SYN | ACK | 0xc0, WEAK)}},
	{"a SYN alone does not", .steps = {TCP_IN(SYN, SHUT), TCP_IN(SYN | 0x08, SHUT),
					   TCP_IN(SYN | 0xc0, SHUT), TCP_IN(SYN | 0x20, SHUT)}},
	{"impossible flags do not", .steps = {TCP_IN(A_REAL_ZERO, .reason = REASON_tcp_flags),
					      TCP_IN(SYN | FIN, .reason = REASON_tcp_flags),
					      TCP_IN(FIN, .reason = REASON_tcp_flags),
					      TCP_IN(FIN | 0x28, .reason = REASON_tcp_flags)}},
	{"UDP passes to dynamic ports only", .steps = {{.recipe = {TO_APPS(49151)}, SHUT},
						       {.recipe = {TO_APPS(49152)}, WEAK},
						       {.recipe = {TO_APPS(60000)}, WEAK},
						       {.recipe = {TO_APPS(65535)}, WEAK},
						       {.recipe = {TO_APPS(1)}, SHUT},
						       {.recipe = {TO_APPS(1024)}, SHUT}}},
	{"a port that is open to others only",
	 .steps = {{.recipe = {.destination_port = 9000}, .reason = REASON_source_not_allowed},
		   {.recipe = {.destination_port = 9000, .flags = SYN | ACK}, WEAK},
		   {.recipe = {.destination_port = 9000, .protocol = IPPROTO_UDP},
		    .reason = REASON_source_not_allowed}}},
	{"echo replies pass, requests do not",
	 .steps = {PONG_IN(WEAK),
		   {.recipe = {.message = MESSAGE_REQUEST}, .reason = REASON_icmp_echo}}},
	{"errors that quote a packet of the host's pass",
	 .steps = {ABOUT(TOO_BIG, sent, WEAK), ABOUT(UNREACHABLE, sent, WEAK),
		   ABOUT(TIME, sent, WEAK), ABOUT(PARAMETER, sent, WEAK)}},
	{"other errors do not",
	 .steps = {ABOUT(UNREACHABLE, sent_by_another, .reason = REASON_icmp_unrelated),
		   ABOUT(UNREACHABLE, sent_sctp, .reason = REASON_icmp_unrelated),
		   {.recipe = {.source = &STRANGER,
			       .message = MESSAGE_UNREACHABLE,
			       .quote = &sent,
			       .quote_bytes = 7},
		    .reason = REASON_icmp_unrelated},
		   {.recipe = {.message = MESSAGE_TOO_BIG, .rest = 67, .quote = &sent},
		    .reason = REASON_icmp_mtu},
		   ABOUT(REDIRECT, sent, .reason = REASON_icmp_type)}},
	{"other protocols do not",
	 .steps = {{.recipe = {INWARD, .source_port = 443, .raw_protocol = IPPROTO_SCTP},
		    .reason = REASON_protocol_not_in_matrix}}},
	{"spoofed packets do not", .steps = {{.recipe = {.source = &FRONT_END,
							 .destination = &DIRECTOR,
							 .destination_port = PORT_SHUT,
							 .flags = ACK},
					      .device = DEVICE_OUTSIDE,
					      .reason = REASON_spoofed}}},
	{"rows and flows come first", .steps = {{.recipe = {.flags = ACK}, .reason = REASON_matrix},
						TCP_OUT(SYN, .flows = 1),
						TCP_IN(SYN | ACK, PASS_FLOW),
						TCP_IN(SYN, SHUT),
						UDP_OUT(.flows = 1),
						UDP_IN(PASS_FLOW),
						PING_OUT,
						PONG_IN(PASS_FLOW),
						ABOUT(TOO_BIG, sent, .reason = REASON_icmp_error)}},
	{"one guarded host to another", .steps = {{.recipe = {.source = &FRONT_END,
							      .destination = &DIRECTOR,
							      .destination_port = PORT_SHUT,
							      .flags = ACK},
						   WEAK},
						  {.recipe = {.source = &FRONT_END,
							      .destination = &DIRECTOR,
							      .destination_port = PORT_SHUT},
						   SHUT}}},
	{"what is in no pool stays transit",
	 .steps = {{.recipe = {.destination = &STRANGER, .flags = ACK}, .reason = REASON_transit}}},
	{"fragments: the first decides",
	 .steps = {{.recipe = {TO_APPS(60000), .fragment = true, .more = true, .data = 56, .id = 9},
		    WEAK,
		    .fragments = 1},
		   {.recipe = {TO_APPS(600), .fragment = true, .more = true, .data = 56, .id = 9},
		    SHUT}}},
};

/* With `outbound: matrix`: the SYN of what a guarded host answers may have come another way. */
static const struct script outbound_scripts[] = {
	{"a guarded host's segments that are not a SYN alone pass",
	 .steps = {{.recipe = {OUTWARD, .flags = SYN | ACK}, WEAK},
		   {.recipe = {OUTWARD, .flags = ACK}, WEAK},
		   {.recipe = {OUTWARD, .flags = RST}, WEAK},
		   {.recipe = {OUTWARD}, .reason = REASON_outbound_not_in_matrix},
		   {.recipe = {OUTWARD, .protocol = IPPROTO_UDP},
		    .reason = REASON_outbound_not_in_matrix},
		   {.recipe = {OUTWARD, .protocol = IPPROTO_UDP, .destination_port = 60000},
		    .reason = REASON_outbound_not_in_matrix},
		   {.recipe = {.source = &FRONT_END,
			       .destination = &CLIENT,
			       .message = MESSAGE_REQUEST},
		    .reason = REASON_outbound_not_in_matrix}}},
	{"an open port's answers are outbound as ever",
	 .steps = {{.recipe = {.source = &FRONT_END,
			       .destination = &CLIENT,
			       .source_port = 443,
			       .destination_port = 40000,
			       .flags = SYN | ACK},
		    PASS_OUT}}},
	{"from outside it is as with outbound: open",
	 .steps = {TCP_IN(SYN | ACK, WEAK), TCP_IN(SYN, SHUT), {.recipe = {TO_APPS(60000)}, WEAK}}},
};

/* The same packets, where the site says nothing of the kind. */
static const struct script symmetric_scripts[] = {
	{"without it nothing of that passes",
	 .steps = {TCP_IN(SYN | ACK, SHUT),
		   TCP_IN(ACK, SHUT),
		   TCP_IN(RST, SHUT),
		   {.recipe = {TO_APPS(60000)}, SHUT},
		   {.recipe = {.destination_port = 9000, .flags = ACK},
		    .reason = REASON_source_not_allowed},
		   PONG_IN(.reason = REASON_icmp_unrelated),
		   ABOUT(TOO_BIG, sent, .reason = REASON_icmp_unrelated)}},
};

/* Applies the site with OPTIONS and sends the scripts; *BENCH goes on from site to site. */
static int run_scripts(struct bench *bench, const char *options, const struct script *scripts,
		       size_t count)
{
	struct suite suite = {.name = "state", .bench = *bench};
	char *site = site_text(options);
	int failures, err = world_apply(bench->world, site);

	free(site);
	if (err || world_stop_clock(bench->world))
		return 1;
	add_scripts(&suite, scripts, count);
	if (scripts == timeout_scripts)
		add_fragments(&suite);
	failures = run_suite(&suite, true);
	*bench = suite.bench;
	return failures;
}

#define RUN(options, table) run_scripts(&bench, options, table, sizeof(table) / sizeof((table)[0]))

static int run(struct world *world, void *unused)
{
	struct bench bench = {.world = world};
	int failures = RUN(SITE_TIMEOUTS, timeout_scripts);

	(void)unused;
	failures += RUN("asymmetric: true\n", asymmetric_scripts);
	failures += RUN("asymmetric: true\noutbound: matrix\n", outbound_scripts);
	failures += RUN("asymmetric: false\n", symmetric_scripts);
	return failures != 0;
}

int main(void)
{
	return world_run(run, NULL);
}
