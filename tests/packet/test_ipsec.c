/* SPDX-License-Identifier: MIT */
/*
 * IPsec between the ends of a pair, and everybody else's (case 68): ESP, AH and IKE, both ways,
 * whole and in fragments. Front ends are exempt by the matrix, directors are not.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include "script.h"

/* Both of a peer role or of no pool, so only the other end is guarded. */
static const struct party SMB_SERVER = {"10.5.0.1", "2001:db8:5::1", false};
static const struct party BESIDE_SMB = {"10.6.0.1", "2001:db8:6::1", false};

static const char pairs[] = "ipsec:\n"
			    "  - {between: [front-end, pstn-gateway]}\n"
			    "  - {between: [10.5.0.0/16, director]}\n"
			    "  - {between: [\"2001:db8:5::/48\", director]}\n"
			    "  - {between: [front-end, 10.1.2.2]}\n"
			    "  - {between: [\"2001:db8:2::2\", front-end]}\n";

#define FROM_TO(from, to) .source = &(from), .destination = &(to)
#define ESP(from, to) FROM_TO(from, to), .raw_protocol = IPPROTO_ESP
#define AH(from, to) FROM_TO(from, to), .raw_protocol = IPPROTO_AH
#define IKE(from, to)                                                                              \
	FROM_TO(from, to), .protocol = IPPROTO_UDP, .source_port = 500, .destination_port = 500
#define IKE_NAT(from, to)                                                                          \
	FROM_TO(from, to), .protocol = IPPROTO_UDP, .source_port = 4500, .destination_port = 4500

#define STEP(reason_, ...)                                                                         \
	{                                                                                          \
		.recipe = {__VA_ARGS__}, .reason = REASON_##reason_                                \
	}
/* All four kinds get the same. */
#define EACH(reason_, from, to)                                                                    \
	STEP(reason_, ESP(from, to)), STEP(reason_, AH(from, to)), STEP(reason_, IKE(from, to)),   \
		STEP(reason_, IKE_NAT(from, to))

#define HEAD .fragment = true, .more = true, .length = 32, .data = 56
#define TAIL .fragment = true, .offset = 32, .data = 56
#define RECORDED(reason_, ...)                                                                     \
	{                                                                                          \
		.recipe = {__VA_ARGS__, HEAD}, .reason = REASON_##reason_, .fragments = 1          \
	}
#define FIRST(reason_, ...) STEP(reason_, __VA_ARGS__, HEAD)
#define LATER(reason_, ...) STEP(reason_, __VA_ARGS__, TAIL)

/* What holds with either way of `outbound:`. */
#define COMMON_SCRIPTS                                                                             \
	{"a pair, to the exempt end", .steps = {EACH(ipsec, PHONE_GATEWAY, FRONT_END)}},           \
		{"a pair, from the exempt end", .steps = {EACH(ipsec, FRONT_END, PHONE_GATEWAY)}}, \
		{"a pair, to the end that is not exempt",                                          \
		 .steps = {EACH(ipsec, SMB_SERVER, DIRECTOR)}},                                    \
		{"a pair, from the end that is not exempt",                                        \
		 .steps = {EACH(ipsec, DIRECTOR, SMB_SERVER)}},                                    \
		{"a pair of two guarded hosts, one way",                                           \
		 .steps = {EACH(ipsec, FRONT_END, FRONT_END_TWO)}},                                \
		{"a pair of two guarded hosts, the other way",                                     \
		 .steps = {EACH(ipsec, FRONT_END_TWO, FRONT_END)}},                                \
		{"a pool inside that inherits the pair's role",                                    \
		 .steps = {EACH(ipsec, CHAT, PHONE_GATEWAY)}},                                     \
		{"a pool inside that does not",                                                    \
		 .steps = {STEP(protocol_not_in_matrix, ESP(PHONE_GATEWAY, WEB_APPS)),             \
			   STEP(port_not_in_matrix, IKE(PHONE_GATEWAY, WEB_APPS))}},               \
		{"the other pair's end, to the exempt host",                                       \
		 .steps = {EACH(ipsec_exempt, SMB_SERVER, FRONT_END)}},                            \
		{"the other pair's end, from the exempt host",                                     \
		 .steps = {EACH(ipsec_exempt, FRONT_END, SMB_SERVER)}},                            \
		{"beside the pair's prefix",                                                       \
		 .steps = {STEP(protocol_not_in_matrix, ESP(BESIDE_SMB, DIRECTOR)),                \
			   STEP(protocol_not_in_matrix, AH(BESIDE_SMB, DIRECTOR)),                 \
			   STEP(port_not_in_matrix, IKE_NAT(BESIDE_SMB, DIRECTOR)),                \
			   STEP(matrix, IKE(BESIDE_SMB, DIRECTOR))}},                              \
		{"nobody's pair, to an exempt host",                                               \
		 .steps = {EACH(ipsec_exempt, CLIENT, FRONT_END)}},                                \
		{"nobody's pair, from an exempt host",                                             \
		 .steps = {EACH(ipsec_exempt, FRONT_END, CLIENT)}},                                \
		{"two guarded hosts that are no pair",                                             \
		 .steps = {EACH(ipsec_exempt, DIRECTOR, FRONT_END),                                \
			   STEP(ipsec_exempt, ESP(FRONT_END, DIRECTOR)),                           \
			   STEP(ipsec_exempt, AH(FRONT_END, DIRECTOR)),                            \
			   STEP(ipsec_exempt, IKE_NAT(FRONT_END, DIRECTOR))}},                     \
		{"a row's port is no IKE", .steps = {{.recipe = {IKE(FRONT_END, DIRECTOR)},        \
						      .reason = REASON_matrix,                     \
						      .flows = 1}}},                               \
		{"neither end guarded", .steps = {EACH(transit, PHONE_GATEWAY, SMB_SERVER)}},      \
		{"UDP of a pair to other ports, and TCP to 500",                                   \
		 .steps = {STEP(port_not_in_matrix, FROM_TO(PHONE_GATEWAY, FRONT_END),             \
				.protocol = IPPROTO_UDP, .destination_port = 501),                 \
			   STEP(port_not_in_matrix, FROM_TO(PHONE_GATEWAY, FRONT_END),             \
				.protocol = IPPROTO_UDP, .destination_port = 4499),                \
			   STEP(port_not_in_matrix, FROM_TO(PHONE_GATEWAY, FRONT_END),             \
				.protocol = IPPROTO_UDP, .source_port = 500,                       \
				.destination_port = 4242),                                         \
			   STEP(port_not_in_matrix, FROM_TO(PHONE_GATEWAY, FRONT_END),             \
				.destination_port = 500)}},                                        \
		{"a pair's host as source on the outside",                                         \
		 .steps = {{.recipe = {ESP(FRONT_END, PHONE_GATEWAY)},                             \
			    .device = DEVICE_OUTSIDE,                                              \
			    .reason = REASON_spoofed}}},                                           \
		{"fragments of a pair",                                                            \
		 .steps = {RECORDED(ipsec, ESP(PHONE_GATEWAY, FRONT_END)),                         \
			   LATER(fragment, ESP(PHONE_GATEWAY, FRONT_END))}},                       \
		{"fragments of a pair's AH",                                                       \
		 .steps = {RECORDED(ipsec, AH(SMB_SERVER, DIRECTOR)),                              \
			   LATER(fragment, AH(SMB_SERVER, DIRECTOR))}},                            \
		{"fragments of a pair's IKE",                                                      \
		 .steps = {RECORDED(ipsec, IKE(PHONE_GATEWAY, FRONT_END)),                         \
			   LATER(fragment, IKE(PHONE_GATEWAY, FRONT_END))}},                       \
		{"fragments of no pair",                                                           \
		 .steps = {FIRST(ipsec_exempt, ESP(CLIENT, FRONT_END)),                            \
			   LATER(fragment_unmatched, ESP(CLIENT, FRONT_END)),                      \
			   FIRST(ipsec_exempt, IKE_NAT(CLIENT, FRONT_END)),                        \
			   LATER(fragment_unmatched, IKE_NAT(CLIENT, FRONT_END))}},                \
	{                                                                                          \
		"fragments of a pair, the later one first", .steps = {                             \
			LATER(fragment_unmatched, ESP(PHONE_GATEWAY, FRONT_END)),                  \
			RECORDED(ipsec, ESP(PHONE_GATEWAY, FRONT_END))                             \
		}                                                                                  \
	}

static const struct script open_scripts[] = {
	COMMON_SCRIPTS,
	{"not exempt, no pair, to anybody, and the answer",
	 .steps = {STEP(outbound, ESP(DIRECTOR, CLIENT)),
		   STEP(outbound, AH(DIRECTOR, CLIENT)),
		   {.recipe = {IKE_NAT(DIRECTOR, CLIENT)}, .reason = REASON_outbound, .flows = 1},
		   STEP(flow, IKE_NAT(CLIENT, DIRECTOR))}},
	{"fragments of a pair, from the guarded end",
	 .steps = {FIRST(ipsec, ESP(FRONT_END, PHONE_GATEWAY)),
		   LATER(outbound, ESP(FRONT_END, PHONE_GATEWAY))}},
};

static const struct script matrix_scripts[] = {
	COMMON_SCRIPTS,
	{"not exempt, no pair, to anybody",
	 .steps = {STEP(outbound_not_in_matrix, ESP(DIRECTOR, STRANGER)),
		   STEP(outbound_not_in_matrix, AH(DIRECTOR, STRANGER)),
		   STEP(outbound_not_in_matrix, IKE_NAT(DIRECTOR, STRANGER))}},
	{"fragments of a pair, from the guarded end",
	 .steps = {RECORDED(ipsec, ESP(FRONT_END, PHONE_GATEWAY)),
		   LATER(fragment, ESP(FRONT_END, PHONE_GATEWAY))}},
	{"fragments of no pair, from the guarded end",
	 .steps = {FIRST(ipsec_exempt, ESP(FRONT_END, STRANGER)),
		   LATER(fragment_unmatched, ESP(FRONT_END, STRANGER))}},
};

/* Without pairs. */
static const struct script exempt_scripts[] = {
	{"an answer from an open port is no IKE",
	 .steps = {STEP(outbound, FROM_TO(FRONT_END, CLIENT), .protocol = IPPROTO_UDP,
			.source_port = 50000, .destination_port = 4500),
		   STEP(ipsec_exempt, FROM_TO(FRONT_END, CLIENT), .protocol = IPPROTO_UDP,
			.source_port = 9, .destination_port = 4500)}},
	{"to an exempt host", .steps = {EACH(ipsec_exempt, PHONE_GATEWAY, FRONT_END)}},
	{"from an exempt host", .steps = {EACH(ipsec_exempt, FRONT_END, PHONE_GATEWAY)}},
	{"to the next of the pool", .steps = {EACH(ipsec_exempt, FRONT_END, FRONT_END_TWO)}},
	{"from a host that is not exempt, and the answer",
	 .steps = {STEP(outbound, ESP(DIRECTOR, CLIENT)),
		   STEP(outbound, AH(DIRECTOR, CLIENT)),
		   {.recipe = {IKE_NAT(DIRECTOR, CLIENT)}, .reason = REASON_outbound, .flows = 1},
		   STEP(flow, IKE_NAT(CLIENT, DIRECTOR))}},
	{"failsafe comes first", .steps = {STEP(failsafe, IKE(SMB_SERVER, FRONT_END)),
					   STEP(ipsec_exempt, IKE_NAT(SMB_SERVER, FRONT_END)),
					   STEP(ipsec_exempt, ESP(SMB_SERVER, FRONT_END)),
					   STEP(ipsec_exempt, IKE(BESIDE_SMB, FRONT_END))}},
};

static const char no_pairs[] =
	"failsafe: {from: [10.5.0.0/16, \"2001:db8:5::/48\"], ports: [500/udp]}\n";

/* Applies the site with OPTIONS and sends the scripts; *BENCH goes on from site to site. */
static int run_scripts(struct bench *bench, char *site, const struct script *scripts, size_t count)
{
	struct suite suite = {.name = "ipsec", .bench = *bench};
	int failures, err = world_apply(bench->world, site);

	free(site);
	if (err || world_stop_clock(bench->world))
		return 1;
	add_scripts(&suite, scripts, count);
	failures = run_suite(&suite, true);
	*bench = suite.bench;
	return failures;
}

static char *with(const char *first, const char *second)
{
	char *options, *site;

	if (asprintf(&options, "%s%s", first, second) < 0)
		abort();
	site = site_text(options);
	free(options);
	return site;
}

#define RUN(site, table) run_scripts(&bench, site, table, sizeof(table) / sizeof((table)[0]))

static int run(struct world *world, void *unused)
{
	struct bench bench = {.world = world};
	int failures = RUN(with(pairs, ""), open_scripts);

	(void)unused;
	failures += RUN(with(pairs, "outbound: matrix\n"), matrix_scripts);
	failures += RUN(with(pairs, "profile: least-privilege\n"), open_scripts);
	failures += RUN(with(no_pairs, ""), exempt_scripts);
	return failures != 0;
}

int main(void)
{
	return world_run(run, NULL);
}
