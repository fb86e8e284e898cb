/* SPDX-License-Identifier: MIT */
/*
 * Sources and directions: `outbound: matrix`, `failsafe:`, `ipsec:` and profile least-privilege.
 * A front end's port 40000 is open to nobody, its 443 and 50000 to everybody (but for the last two
 * sites), 500 and 4500 are IKE's.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include "parties.h"
#include "script.h"

static const struct party ADMIN = {"10.99.0.5", "2001:db8:99::5", false};
static const struct party MEDIATION = {"10.1.2.20", "2001:db8:3::20", false};

/* --- steps */

#define STEP(from, to, reason_, ...)                                                               \
	{                                                                                          \
		.recipe = {.source = &from, .destination = &to, __VA_ARGS__},                      \
		.reason = REASON_##reason_                                                         \
	}
#define STARTS(from, to, reason_, ...)                                                             \
	{                                                                                          \
		.recipe = {.source = &from,                                                        \
			   .destination = &to,                                                     \
			   .source_port = 40000,                                                   \
			   __VA_ARGS__},                                                           \
		.reason = REASON_##reason_, .flows = 1                                             \
	}
#define TCP_TO(port) .source_port = 40000, .destination_port = port
#define UDP_TO(port) TCP_TO(port), .protocol = IPPROTO_UDP
#define TCP_FROM(port, bits) .source_port = port, .destination_port = 40000, .flags = (bits)
#define UDP_FROM(port) .source_port = port, .destination_port = 40000, .protocol = IPPROTO_UDP
#define PROTOCOL(number) .raw_protocol = number
#define FIRST .fragment = true, .more = true, .data = 56, .id = 7
#define LATER .fragment = true, .offset = 64, .data = 120, .id = 7

/* --- outbound: matrix, failsafe, unlisted: drop */

#define OUTBOUND                                                                                   \
	"outbound: matrix\nunlisted: drop\nicmp_echo: allow\n"                                     \
	"failsafe:\n"                                                                              \
	"  from: [10.99.0.0/24, \"2001:db8:99::/48\", 10.1.2.16, \"2001:db8:3::10\"]\n"            \
	"  ports: [22/tcp, 161-162/udp]\n"

static const struct recipe OWN_DATAGRAM = {.source = &FRONT_END,
					   .destination = &CLIENT,
					   .protocol = IPPROTO_UDP,
					   .source_port = 50000,
					   .destination_port = 9};
static const struct recipe FAILSAFE_ANSWER = {
	.source = &FRONT_END, .destination = &ADMIN, .source_port = 22, .destination_port = 40000};

static const struct script outbound_scripts[] = {
	{"a row lets a host start what it has, and the answer comes by its flow",
	 .steps = {STARTS(FRONT_END, CLIENT, matrix, .destination_port = 5081),
		   STEP(CLIENT, FRONT_END, flow, TCP_FROM(5081, SYN | ACK)),
		   STEP(FRONT_END, CLIENT, matrix, TCP_TO(5081), .flags = ACK)}},
	{"no row, no connection",
	 .steps = {STEP(FRONT_END, CLIENT, outbound_not_in_matrix, TCP_TO(443)),
		   STEP(FRONT_END, CLIENT, outbound_not_in_matrix, UDP_TO(53)),
		   STEP(FRONT_END, CLIENT, outbound_not_in_matrix, UDP_TO(5081)),
		   STEP(FRONT_END, CLIENT, outbound_not_in_matrix, TCP_TO(443), .flags = ACK),
		   STEP(DIRECTOR, CLIENT, outbound_not_in_matrix, TCP_TO(5081)),
		   STEP(CLIENT, FRONT_END, port_not_in_matrix, TCP_FROM(443, SYN | ACK))}},
	{"answers come from open ports and start nothing",
	 .steps = {STEP(FRONT_END, CLIENT, outbound, TCP_FROM(443, SYN | ACK)),
		   STEP(FRONT_END, CLIENT, outbound, TCP_FROM(443, ACK)),
		   STEP(FRONT_END, CLIENT, outbound_not_in_matrix, TCP_FROM(443, SYN)),
		   STEP(FRONT_END, CLIENT, outbound, UDP_FROM(50000)),
		   STEP(DIRECTOR, CLIENT, outbound_not_in_matrix, UDP_FROM(7100 + 1000)),
		   STEP(FRONT_END, CLIENT, outbound_not_in_matrix, UDP_FROM(9000)),
		   STEP(FRONT_END, TRUSTED, outbound, UDP_FROM(9000))}},
	{"between guarded hosts the rows of the far end say who starts",
	 .steps = {STEP(FRONT_END, DIRECTOR, matrix, TCP_TO(5061), .flags = ACK),
		   STEP(DIRECTOR, FRONT_END, matrix, TCP_TO(5061), .flags = ACK),
		   STEP(FRONT_END, WEB_APPS, matrix, TCP_TO(443), .flags = ACK),
		   STEP(FRONT_END, FRONT_END_TWO, matrix, TCP_TO(5090), .flags = ACK)}},
	{"an open port is not enough where no row names the source",
	 .steps = {STEP(WEB_APPS, FRONT_END, outbound_not_in_matrix, TCP_TO(443)),
		   STEP(WEB_APPS, FRONT_END, outbound_not_in_matrix, UDP_TO(50000)),
		   STEP(WEB_APPS, FRONT_END, outbound_not_in_matrix, TCP_TO(5061), .flags = ACK),
		   STEP(DIRECTOR, FRONT_END, source_not_allowed, TCP_TO(5090)),
		   STEP(FRONT_END, DIRECTOR, port_not_in_matrix, TCP_TO(5070))}},
	{"ICMP: errors and echo replies",
	 .steps = {STEP(FRONT_END, CLIENT, outbound, .message = MESSAGE_REPLY),
		   STEP(FRONT_END, CLIENT, outbound, .message = MESSAGE_UNREACHABLE,
			.quote = &OWN_DATAGRAM),
		   STEP(FRONT_END, CLIENT, outbound, .message = MESSAGE_TIME),
		   STEP(FRONT_END, CLIENT, outbound_not_in_matrix, .message = MESSAGE_REQUEST),
		   STEP(FRONT_END, DIRECTOR, outbound_not_in_matrix, .message = MESSAGE_REQUEST),
		   STEP(CLIENT, DIRECTOR, echo, .message = MESSAGE_REQUEST),
		   STEP(FRONT_END, CLIENT, outbound_not_in_matrix, .message = MESSAGE_REDIRECT)}},
	{"other protocols",
	 .steps = {STEP(FRONT_END, CLIENT, outbound_not_in_matrix, PROTOCOL(IPPROTO_GRE)),
		   STEP(DIRECTOR, CLIENT, outbound_not_in_matrix, PROTOCOL(IPPROTO_ESP)),
		   STEP(FRONT_END, CLIENT, ipsec_exempt, PROTOCOL(IPPROTO_ESP))}},
	{"fragments from a guarded host follow their first",
	 .steps =
		 {{.recipe = {.source = &FRONT_END, .destination = &CLIENT, UDP_FROM(50000), FIRST},
		   .reason = REASON_outbound,
		   .fragments = 1},
		  STEP(FRONT_END, CLIENT, fragment, UDP_FROM(50000), LATER)}},
	{"a fragment from a guarded host without its first",
	 .steps = {STEP(FRONT_END, CLIENT, fragment_unmatched, UDP_FROM(50000), LATER),
		   STEP(FRONT_END, CLIENT, outbound_not_in_matrix, UDP_TO(53), FIRST),
		   STEP(FRONT_END, CLIENT, fragment_unmatched, UDP_TO(53), LATER)}},
	{"a first fragment that the far end takes and the source may not send",
	 .steps = {STEP(WEB_APPS, FRONT_END, outbound_not_in_matrix, UDP_TO(50000), FIRST),
		   STEP(WEB_APPS, FRONT_END, fragment_unmatched, UDP_TO(50000), LATER)}},
};

static const struct script failsafe_scripts[] = {
	{"failsafe reaches every guarded host, on its ports only",
	 .steps = {STEP(ADMIN, FRONT_END, failsafe, TCP_TO(22)),
		   STEP(ADMIN, WEB_APPS, failsafe, TCP_TO(22), .flags = ACK),
		   STEP(ADMIN, FRONT_END, failsafe, UDP_TO(162)),
		   STEP(ADMIN, FRONT_END, port_not_in_matrix, UDP_TO(163)),
		   STEP(ADMIN, FRONT_END, port_not_in_matrix, UDP_TO(22)),
		   STEP(CLIENT, FRONT_END, port_not_in_matrix, TCP_TO(22)),
		   STEP(ADMIN, FRONT_END, matrix, TCP_TO(443))}},
	{"faults come first",
	 .steps = {STEP(ADMIN, FRONT_END, tcp_flags, TCP_TO(22), .flags = SYN | FIN),
		   STEP(ADMIN, FRONT_END, port_zero, .destination_port = 22,
			.source_port = A_REAL_ZERO)}},
	{"IP options come first", .ip4_only = true,
	 .steps = {STEP(ADMIN, FRONT_END, ip_options, TCP_TO(22), .options = {1, 1, 1, 0},
			.n_options = 4)}},
	{"failsafe comes before spoofing", .steps = {{.recipe = {.source = &DIRECTOR,
								 .destination = &FRONT_END,
								 TCP_TO(22),
								 .flags = ACK},
						      .device = DEVICE_OUTSIDE,
						      .reason = REASON_failsafe},
						     {.recipe = {.source = &DIRECTOR,
								 .destination = &FRONT_END,
								 TCP_TO(22),
								 .flags = SYN | FIN},
						      .device = DEVICE_OUTSIDE,
						      .reason = REASON_tcp_flags},
						     {.recipe = {.source = &DIRECTOR,
								 .destination = &FRONT_END,
								 TCP_TO(5061),
								 .flags = ACK},
						      .device = DEVICE_OUTSIDE,
						      .reason = REASON_spoofed},
						     {.recipe = {.source = &FRONT_END_TWO,
								 .destination = &FRONT_END,
								 TCP_TO(22),
								 .flags = ACK},
						      .device = DEVICE_OUTSIDE,
						      .reason = REASON_spoofed}}},
	{"failsafe comes before the source's outbound",
	 .steps = {STEP(DIRECTOR, WEB_APPS, failsafe, TCP_TO(22), .flags = ACK)}},
	{"answers go out, connections do not",
	 .steps = {STEP(FRONT_END, ADMIN, outbound, TCP_FROM(22, SYN | ACK)),
		   STEP(FRONT_END, ADMIN, outbound, UDP_FROM(161)),
		   STEP(FRONT_END, ADMIN, outbound_not_in_matrix, TCP_FROM(22, SYN)),
		   STEP(FRONT_END, CLIENT, outbound_not_in_matrix, TCP_FROM(22, ACK)),
		   STEP(FRONT_END, ADMIN, outbound_not_in_matrix, TCP_TO(22))}},
	{"errors about answers",
	 .steps = {STEP(ADMIN, FRONT_END, icmp_error, .message = MESSAGE_TOO_BIG,
			.quote = &FAILSAFE_ANSWER),
		   STEP(CLIENT, FRONT_END, icmp_error, .message = MESSAGE_TOO_BIG,
			.quote = &OWN_DATAGRAM)}},
	{"fragments of failsafe",
	 .steps = {{.recipe = {.source = &ADMIN, .destination = &FRONT_END, UDP_TO(161), FIRST},
		    .reason = REASON_failsafe,
		    .fragments = 1},
		   STEP(ADMIN, FRONT_END, fragment, UDP_TO(161), LATER)}},
	{"between hosts that nobody guards, with unlisted: drop",
	 .steps = {STEP(ADMIN, STRANGER, failsafe, TCP_TO(22)),
		   STEP(STRANGER, ADMIN, failsafe, TCP_FROM(22, SYN | ACK)),
		   STEP(STRANGER, ADMIN, unlisted, TCP_FROM(22, SYN)),
		   STEP(ADMIN, PHONE_GATEWAY, failsafe, UDP_TO(161)),
		   STEP(PHONE_GATEWAY, ADMIN, failsafe, UDP_FROM(161)),
		   STEP(CLIENT, STRANGER, unlisted, TCP_TO(22)),
		   STEP(ADMIN, STRANGER, unlisted, TCP_TO(23)),
		   STEP(STRANGER, CLIENT, unlisted, TCP_FROM(22, ACK)),
		   STEP(ADMIN, STRANGER, unlisted, .message = MESSAGE_REQUEST)}},
};

/* --- outbound: matrix where only one direction is seen */

static const struct script asymmetric_scripts[] = {
	{"the middle of a connection goes out, a new one does not",
	 .steps = {STEP(FRONT_END, CLIENT, asymmetric, TCP_TO(443), .flags = ACK),
		   STEP(FRONT_END, CLIENT, asymmetric, TCP_TO(443), .flags = SYN | ACK),
		   STEP(FRONT_END, CLIENT, outbound_not_in_matrix, TCP_TO(443)),
		   STEP(FRONT_END, CLIENT, outbound_not_in_matrix, UDP_TO(53))}},
};

/* --- ipsec: pairs, with and without outbound: matrix */

#define IPSEC                                                                                      \
	"ipsec:\n  - {between: [front-end, pstn-gateway]}\n  - {between: [director, director]}\n"

#define IPSEC_SCRIPTS                                                                              \
	{"a pair may, in both directions",                                                         \
	 .steps = {STEP(PHONE_GATEWAY, FRONT_END, ipsec, PROTOCOL(IPPROTO_ESP)),                   \
		   STEP(FRONT_END, PHONE_GATEWAY, ipsec, PROTOCOL(IPPROTO_ESP)),                   \
		   STEP(PHONE_GATEWAY, FRONT_END, ipsec, PROTOCOL(IPPROTO_AH)),                    \
		   STEP(FRONT_END, PHONE_GATEWAY, ipsec, PROTOCOL(IPPROTO_AH)),                    \
		   STEP(PHONE_GATEWAY, FRONT_END, ipsec, UDP_TO(500)),                             \
		   STEP(FRONT_END, PHONE_GATEWAY, ipsec, .source_port = 50000,                     \
			.destination_port = 4500, .protocol = IPPROTO_UDP)}},                      \
		{"others of an exempt role may not",                                               \
		 .steps = {STEP(CLIENT, FRONT_END, ipsec_exempt, PROTOCOL(IPPROTO_ESP)),           \
			   STEP(FRONT_END, CLIENT, ipsec_exempt, PROTOCOL(IPPROTO_AH)),            \
			   STEP(CLIENT, FRONT_END, ipsec_exempt, UDP_TO(4500)),                    \
			   STEP(FRONT_END, CLIENT, ipsec_exempt, UDP_TO(500)),                     \
			   STEP(DIRECTOR, FRONT_END, ipsec_exempt, UDP_TO(500)),                   \
			   STEP(FRONT_END, DIRECTOR, ipsec_exempt, UDP_TO(4500)),                  \
			   {.recipe = {.source = &FRONT_END,                                       \
				       .destination = &DIRECTOR,                                   \
				       UDP_TO(500)},                                               \
			    .reason = REASON_matrix,                                               \
			    .flows = 1},                                                           \
			   STEP(MEDIATION, DIRECTOR, ipsec_exempt, PROTOCOL(IPPROTO_ESP))}},       \
		{"TCP to these ports is no IKE",                                                   \
		 .steps = {STEP(CLIENT, FRONT_END, port_not_in_matrix, TCP_TO(500))}},             \
	{                                                                                          \
		"fragments of IPsec", .steps = {                                                   \
			{.recipe = {.source = &PHONE_GATEWAY,                                      \
				    .destination = &FRONT_END,                                     \
				    PROTOCOL(IPPROTO_ESP),                                         \
				    FIRST},                                                        \
			 .reason = REASON_ipsec,                                                   \
			 .fragments = 1},                                                          \
			STEP(PHONE_GATEWAY, FRONT_END, fragment, PROTOCOL(IPPROTO_ESP), LATER)     \
		}                                                                                  \
	}

static const struct script ipsec_scripts[] = {
	IPSEC_SCRIPTS,
	{"other roles are like any other",
	 .steps = {STEP(CLIENT, DIRECTOR, protocol_not_in_matrix, PROTOCOL(IPPROTO_ESP)),
		   STEP(DIRECTOR, CLIENT, outbound, PROTOCOL(IPPROTO_ESP)),
		   STARTS(DIRECTOR, CLIENT, outbound, .destination_port = 4500,
			  .protocol = IPPROTO_UDP),
		   STARTS(FRONT_END, CLIENT, outbound, .destination_port = 501,
			  .protocol = IPPROTO_UDP)}},
};
static const struct script ipsec_matrix_scripts[] = {
	IPSEC_SCRIPTS,
	{"other roles need a row",
	 .steps = {STEP(DIRECTOR, CLIENT, outbound_not_in_matrix, PROTOCOL(IPPROTO_ESP)),
		   STEP(DIRECTOR, CLIENT, outbound_not_in_matrix, UDP_TO(4500))}},
	{"fragments of IPsec on the way out",
	 .steps = {{.recipe = {.source = &FRONT_END,
			       .destination = &PHONE_GATEWAY,
			       PROTOCOL(IPPROTO_ESP),
			       FIRST},
		    .reason = REASON_ipsec,
		    .fragments = 1},
		   STEP(FRONT_END, PHONE_GATEWAY, fragment, PROTOCOL(IPPROTO_ESP), LATER)}},
};

/* --- profile least-privilege; nobody here holds client */

static const struct script least_scripts[] = {
	{"rows admit their peers alone",
	 .steps = {STEP(CLIENT, FRONT_END, source_not_allowed, TCP_TO(5061)),
		   STEP(DIRECTOR, FRONT_END, matrix, TCP_TO(5061), .flags = ACK),
		   STEP(FRONT_END, FRONT_END_TWO, matrix, TCP_TO(5062), .flags = ACK),
		   STEP(PHONE_GATEWAY, FRONT_END, matrix, TCP_TO(5067)),
		   STEP(PHONE_GATEWAY, FRONT_END, source_not_allowed, TCP_TO(5070)),
		   STEP(FRONT_END, MEDIATION, matrix, TCP_TO(5070), .flags = ACK),
		   STEP(DIRECTOR, MEDIATION, source_not_allowed, TCP_TO(5070))}},
	{"rows of the site keep their own",
	 .steps = {STEP(TRUSTED, FRONT_END, matrix, TCP_TO(9000)),
		   STEP(CLIENT, FRONT_END, source_not_allowed, TCP_TO(9000)),
		   STEP(CLIENT, DIRECTOR, matrix, TCP_TO(256))}},
	{"optional rows are shut",
	 .steps = {STEP(PHONE_GATEWAY, FRONT_END, port_not_in_matrix, TCP_TO(5068)),
		   STEP(FRONT_END, FRONT_END_TWO, port_not_in_matrix, TCP_TO(5075)),
		   STEP(FRONT_END, WEB_APPS, port_not_in_matrix, TCP_TO(443))}},
	{"outgoing rows open nothing at home",
	 .steps = {STEP(PHONE_GATEWAY, FRONT_END, port_not_in_matrix, TCP_TO(5081)),
		   STEP(FRONT_END, MEDIATION, source_not_allowed, TCP_TO(445)),
		   STEP(CLIENT, FRONT_END, source_not_allowed, TCP_TO(445))}},
	{"media only where audio ends",
	 .steps = {STEP(PHONE_GATEWAY, FRONT_END, matrix, UDP_TO(50000)),
		   STEP(PHONE_GATEWAY, MEDIATION, matrix, UDP_TO(50000)),
		   STEP(PHONE_GATEWAY, DIRECTOR, port_not_in_matrix, UDP_TO(50000)),
		   STEP(CLIENT, FRONT_END, source_not_allowed, UDP_TO(50000))}},
};
static const struct script features_scripts[] = {
	{"a row by its id, rows by their feature",
	 .steps = {STEP(PHONE_GATEWAY, FRONT_END, matrix, TCP_TO(5068)),
		   STEP(PHONE_GATEWAY, MEDIATION, port_not_in_matrix, TCP_TO(5068)),
		   STEP(FRONT_END, FRONT_END_TWO, matrix, TCP_TO(5075), .flags = ACK),
		   STEP(DIRECTOR, FRONT_END, port_not_in_matrix, TCP_TO(5071))}},
	{"an outgoing row goes to its far end and nowhere else",
	 .steps = {STEP(FRONT_END, PHONE_GATEWAY, matrix, TCP_TO(5081), .flags = ACK),
		   STEP(FRONT_END, CLIENT, outbound_not_in_matrix, TCP_TO(5081)),
		   STEP(MEDIATION, PHONE_GATEWAY, outbound_not_in_matrix, TCP_TO(5081)),
		   STEP(PHONE_GATEWAY, FRONT_END, port_not_in_matrix, TCP_TO(5081))}},
	{"media goes back where it came from",
	 .steps = {STEP(FRONT_END, PHONE_GATEWAY, outbound, UDP_FROM(50000)),
		   STEP(FRONT_END, CLIENT, outbound_not_in_matrix, UDP_FROM(50000)),
		   STEP(FRONT_END, MEDIATION, matrix, .source_port = 50000,
			.destination_port = 50000, .protocol = IPPROTO_UDP)}},
};

static int run_scripts(struct bench *bench, const char *options, const struct script *scripts,
		       size_t count)
{
	struct suite suite = {.name = "outbound", .bench = *bench};
	char *site = site_text(options);
	int failures, err = world_apply(bench->world, site);

	free(site);
	if (err || world_stop_clock(bench->world))
		return 1;
	add_scripts(&suite, scripts, count);
	failures = run_suite(&suite, true);
	*bench = suite.bench;
	return failures;
}

#define RUN(options, table) run_scripts(&bench, options, table, sizeof(table) / sizeof((table)[0]))

static int run(struct world *world, void *unused)
{
	struct bench bench = {.world = world};
	int failures = RUN(OUTBOUND, outbound_scripts);

	(void)unused;
	failures += RUN(OUTBOUND, failsafe_scripts);
	failures += RUN("outbound: matrix\nasymmetric: true\n", asymmetric_scripts);
	failures += RUN(IPSEC, ipsec_scripts);
	failures += RUN("outbound: matrix\n" IPSEC, ipsec_matrix_scripts);
	failures += RUN("profile: least-privilege\n", least_scripts);
	failures += RUN("profile: least-privilege\noutbound: matrix\n"
			"features: [servers/24, call-park, branch-appliance]\n",
			features_scripts);
	return failures != 0;
}

int main(void)
{
	return world_run(run, NULL);
}
