/* SPDX-License-Identifier: MIT */
/*
 * The policy at its edges: first and last addresses of prefixes, pools inside pools, first and
 * last ports, sources of rows, and the site's options.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "script.h"

#define NO_PACKET N_REASONS
#define IP4(reason) .ip4 = REASON_##reason, .ip6 = NO_PACKET
#define IP6(reason) .ip4 = NO_PACKET, .ip6 = REASON_##reason
#define BOTH(reason) .ip4 = REASON_##reason, .ip6 = REASON_##reason

#define AT4(address)                                                                               \
	&(const struct party)                                                                      \
	{                                                                                          \
		address, "::2", false                                                              \
	}
#define AT6(address)                                                                               \
	&(const struct party)                                                                      \
	{                                                                                          \
		"192.0.2.2", address, false                                                        \
	}

struct policy_case {
	const char *name;
	struct recipe recipe; /* ACK where it says no other flags, so that no flow starts */
	enum reason ip4, ip6;
	const char *row; /* that lets it in; NULL: not looked at */
};

#define TO4(address, port, reason)                                                                 \
	{                                                                                          \
		.name = "to " address " port " #port,                                              \
		.recipe = {.destination = AT4(address), .destination_port = port}, IP4(reason)     \
	}
#define TO6(address, port, reason)                                                                 \
	{                                                                                          \
		.name = "to " address " port " #port,                                              \
		.recipe = {.destination = AT6(address), .destination_port = port}, IP6(reason)     \
	}
#define FROM4(address, port, reason)                                                               \
	{                                                                                          \
		.name = "from " address " to a director's port " #port,                            \
		.recipe = {.source = AT4(address),                                                 \
			   .destination = &DIRECTOR,                                               \
			   .destination_port = port},                                              \
		IP4(reason)                                                                        \
	}
#define FROM6(address, port, reason)                                                               \
	{                                                                                          \
		.name = "from " address " to a director's port " #port,                            \
		.recipe = {.source = AT6(address),                                                 \
			   .destination = &DIRECTOR,                                               \
			   .destination_port = port},                                              \
		IP6(reason)                                                                        \
	}
#define PORT(party, port, reason)                                                                  \
	{                                                                                          \
		.name = "TCP to " #party " port " #port,                                           \
		.recipe = {.destination = &party, .destination_port = port}, BOTH(reason)          \
	}
#define UDP_PORT(party, port, reason)                                                              \
	{                                                                                          \
		.name = "UDP to " #party " port " #port,                                           \
		.recipe = {.destination = &party,                                                  \
			   .destination_port = port,                                               \
			   .protocol = IPPROTO_UDP},                                               \
		BOTH(reason)                                                                       \
	}
#define BETWEEN(from, to, port, reason)                                                            \
	{                                                                                          \
		.name = #from " to " #to " port " #port,                                           \
		.recipe = {.source = &from, .destination = &to, .destination_port = port},         \
		BOTH(reason)                                                                       \
	}
#define ROW(party, port, id)                                                                       \
	{                                                                                          \
		.name = #party " port " #port " by " id,                                           \
		.recipe = {.destination = &party, .destination_port = port}, .row = id,            \
		BOTH(matrix)                                                                       \
	}

static const struct policy_case cases[] = {
	/* /28 with a /30 (inherits) and a /31 (does not) inside; /32, /31 and gaps behind it */
	TO4("10.1.1.255", 5061, transit),
	TO4("10.1.2.0", 5061, matrix),
	TO4("10.1.2.7", 5061, matrix),
	TO4("10.1.2.7", 5041, port_not_in_matrix),
	TO4("10.1.2.8", 5041, matrix),
	TO4("10.1.2.8", 5061, matrix),
	TO4("10.1.2.11", 5041, matrix),
	TO4("10.1.2.11", 5061, matrix),
	TO4("10.1.2.12", 5041, port_not_in_matrix),
	TO4("10.1.2.12", 5061, port_not_in_matrix),
	TO4("10.1.2.12", 443, matrix),
	TO4("10.1.2.13", 443, matrix),
	TO4("10.1.2.13", 5061, port_not_in_matrix),
	TO4("10.1.2.14", 5061, matrix),
	TO4("10.1.2.15", 5061, matrix),
	TO4("10.1.2.15", 5041, port_not_in_matrix),
	TO4("10.1.2.16", 5061, matrix),
	TO4("10.1.2.16", 5062, port_not_in_matrix),
	TO4("10.1.2.17", 5061, transit),
	TO4("10.1.2.19", 5070, transit),
	TO4("10.1.2.20", 5070, matrix),
	TO4("10.1.2.21", 5070, matrix),
	TO4("10.1.2.22", 5070, transit),
	TO4("10.1.3.0", 5061, transit),
	TO4("10.9.0.0", 5061, transit),
	TO4("11.1.2.1", 5061, transit),
	TO4("138.1.2.1", 5061, transit),

	TO6("2001:db8:1:ffff:ffff:ffff:ffff:ffff", 5061, transit),
	TO6("2001:db8:2::", 5061, matrix),
	TO6("2001:db8:2:0:7:ffff:ffff:ffff", 5041, port_not_in_matrix),
	TO6("2001:db8:2:0:8::", 5041, matrix),
	TO6("2001:db8:2:0:8::", 5061, matrix),
	TO6("2001:db8:2:0:8:ffff:ffff:ffff", 5041, matrix),
	TO6("2001:db8:2:0:9::", 5041, port_not_in_matrix),
	TO6("2001:db8:2:0:9::", 5061, matrix),
	TO6("2001:db8:2:0:c::", 443, matrix),
	TO6("2001:db8:2:0:c::", 5061, port_not_in_matrix),
	TO6("2001:db8:2:0:c:ffff:ffff:ffff", 5061, port_not_in_matrix),
	TO6("2001:db8:2:0:d::", 5061, matrix),
	TO6("2001:db8:2:0:ffff:ffff:ffff:ffff", 5061, matrix),
	TO6("2001:db8:2:1::", 5061, transit),
	TO6("2001:db8:3::f", 5061, transit),
	TO6("2001:db8:3::10", 5061, matrix),
	TO6("2001:db8:3::11", 5061, transit),
	TO6("2001:db8:3::1:10", 5061, transit),
	TO6("2001:db8:3::1f", 5070, transit),
	TO6("2001:db8:3::20", 5070, matrix),
	TO6("2001:db8:3::21", 5070, matrix),
	TO6("2001:db8:3::22", 5070, transit),
	TO6("2001:db9:2::1", 5061, transit),
	TO6("a01:201::", 5061, transit),

	/* ports at the ends of ranges, and beside them */
	PORT(DIRECTOR, 1, matrix),
	PORT(DIRECTOR, 2, port_not_in_matrix),
	PORT(DIRECTOR, 255, port_not_in_matrix),
	PORT(DIRECTOR, 256, matrix),
	PORT(DIRECTOR, 511, matrix),
	PORT(DIRECTOR, 512, port_not_in_matrix),
	PORT(DIRECTOR, 65534, port_not_in_matrix),
	PORT(DIRECTOR, 65535, matrix),
	UDP_PORT(DIRECTOR, 1, matrix),
	UDP_PORT(DIRECTOR, 2, port_not_in_matrix),
	UDP_PORT(DIRECTOR, 65535, matrix),
	UDP_PORT(DIRECTOR, 5061, port_not_in_matrix),
	UDP_PORT(DIRECTOR, 1434, matrix),
	PORT(DIRECTOR, 1434, port_not_in_matrix),
	PORT(FRONT_END, 49151, port_not_in_matrix),
	PORT(FRONT_END, 49152, matrix),
	PORT(FRONT_END, 65535, matrix),
	UDP_PORT(FRONT_END, 49151, port_not_in_matrix),
	UDP_PORT(FRONT_END, 49152, matrix),
	UDP_PORT(FRONT_END, 65535, matrix),
	PORT(FRONT_END, 134, port_not_in_matrix),
	PORT(FRONT_END, 135, matrix),
	PORT(FRONT_END, 136, port_not_in_matrix),

	/* rows for certain sources */
	PORT(FRONT_END, 5089, port_not_in_matrix),
	PORT(FRONT_END, 5090, source_not_allowed),
	PORT(FRONT_END, 5094, source_not_allowed),
	PORT(FRONT_END, 5095, port_not_in_matrix),
	UDP_PORT(FRONT_END, 5090, port_not_in_matrix),
	BETWEEN(FRONT_END_TWO, FRONT_END, 5090, matrix),
	BETWEEN(FRONT_END_TWO, FRONT_END, 5094, matrix),
	BETWEEN(FRONT_END_TWO, FRONT_END, 5095, port_not_in_matrix),
	BETWEEN(CHAT, FRONT_END, 5090, matrix),
	BETWEEN(WEB_APPS, FRONT_END, 5090, source_not_allowed),
	BETWEEN(DIRECTOR, FRONT_END, 5090, source_not_allowed),
	BETWEEN(FRONT_END, CHAT, 5090, matrix),
	BETWEEN(FRONT_END, WEB_APPS, 5090, port_not_in_matrix),
	BETWEEN(FRONT_END, DIRECTOR, 5090, port_not_in_matrix),
	BETWEEN(PHONE_GATEWAY, FRONT_END, 5090, source_not_allowed),
	BETWEEN(TRUSTED, FRONT_END, 9000, matrix),
	BETWEEN(STRANGER, FRONT_END, 9000, source_not_allowed),
	PORT(FRONT_END, 9000, source_not_allowed),
	UDP_PORT(FRONT_END, 9000, source_not_allowed),
	BETWEEN(PHONE_GATEWAY, DIRECTOR, 6999, port_not_in_matrix),
	BETWEEN(PHONE_GATEWAY, DIRECTOR, 7000, matrix),
	BETWEEN(PHONE_GATEWAY, DIRECTOR, 7010, matrix),
	BETWEEN(PHONE_GATEWAY, DIRECTOR, 7011, port_not_in_matrix),
	PORT(DIRECTOR, 7000, source_not_allowed),
	FROM4("10.8.255.255", 7000, source_not_allowed),
	FROM4("10.9.0.0", 7000, matrix),
	FROM4("10.9.0.255", 7000, matrix),
	FROM4("10.9.1.0", 7000, source_not_allowed),
	FROM6("2001:db8:8:ffff:ffff:ffff:ffff:ffff", 7000, source_not_allowed),
	FROM6("2001:db8:9::", 7000, matrix),
	FROM6("2001:db8:9:ffff:ffff:ffff:ffff:ffff", 7000, matrix),
	FROM6("2001:db8:a::", 7000, source_not_allowed),
	FROM4("10.5.7.15", 7200, source_not_allowed),
	FROM4("10.5.7.16", 7200, matrix),
	FROM4("10.5.7.31", 7200, matrix),
	FROM4("10.5.7.32", 7200, source_not_allowed),
	FROM4("10.5.8.0", 7200, source_not_allowed),
	FROM4("10.5.8.1", 7200, matrix),
	FROM4("10.5.8.2", 7200, source_not_allowed),
	FROM6("2001:db8:5:6:ffff:ffff:ffff:ffff", 7200, source_not_allowed),
	FROM6("2001:db8:5:7::", 7200, matrix),
	FROM6("2001:db8:5:7:ffff:ffff:ffff:ffff", 7200, matrix),
	FROM6("2001:db8:5:8::1", 7200, source_not_allowed),
	FROM6("2001:db8:5:8::2", 7200, matrix),
	FROM6("2001:db8:5:8::3", 7200, matrix),
	FROM6("2001:db8:5:8::4", 7200, source_not_allowed),
	UDP_PORT(DIRECTOR, 7200, port_not_in_matrix),
	/* from: 0.0.0.0/0 is every IPv4 address, ::/0 every IPv6 address, guarded ones too */
	{.name = "7100 is for IPv4",
	 .recipe = {.destination = &DIRECTOR, .destination_port = 7100, .protocol = IPPROTO_UDP},
	 .ip4 = REASON_matrix,
	 .ip6 = REASON_source_not_allowed},
	{.name = "7101 is for IPv6",
	 .recipe = {.destination = &DIRECTOR, .destination_port = 7101, .protocol = IPPROTO_UDP},
	 .ip4 = REASON_source_not_allowed,
	 .ip6 = REASON_matrix},
	{.name = "7100 is for listed hosts too",
	 .recipe = {.source = &PHONE_GATEWAY,
		    .destination = &DIRECTOR,
		    .destination_port = 7100,
		    .protocol = IPPROTO_UDP},
	 .ip4 = REASON_matrix,
	 .ip6 = REASON_source_not_allowed},

	/* between guarded hosts the destination decides; a host that is only listed is not guarded */
	BETWEEN(FRONT_END, DIRECTOR, 5061, matrix),
	BETWEEN(FRONT_END, DIRECTOR, 4242, port_not_in_matrix),
	BETWEEN(CLIENT, PHONE_GATEWAY, 5061, transit),
	BETWEEN(FRONT_END, PHONE_GATEWAY, 5061, outbound),

	ROW(FRONT_END, 5061, "servers/03"),
	ROW(FRONT_END, 135, "servers/05"),
	ROW(DIRECTOR, 444, "servers/43"),
	ROW(CHAT, 5041, "servers/51"),
	ROW(WEB_APPS, 443, "servers/41"),
	ROW(DIRECTOR, 65535, "extra/07"),
};

static void expect_row(const struct task *task, const struct frame *frame, const char *row)
{
	const struct shot shot = {.bytes = frame->bytes, .length = frame->length, .tc = task->tc};
	struct probe_result result;
	struct row_counter *rows;
	size_t count;

	assert_int_equal(world_probe(task->bench->world, &shot, &result), 0);
	assert_int_equal(counters_rows(&task->bench->world->kernel, &rows, &count), 0);
	assert_true(result.row < count);
	assert_string_equal(rows[result.row].row, row);
	assert_true(rows[result.row].packets > 0);
	free(rows);
}

static void test_case(void **state)
{
	const struct task *task = *state;
	const struct policy_case *policy_case = task->row;
	const struct serving serving = {
		.family = task->family,
		.variation = next_variation(task->bench),
	};
	struct recipe recipe = policy_case->recipe;
	struct frame frame;
	struct expectation e = {
		.frame = &frame,
		.tc = task->tc,
		.reason = task->family == FAMILY_IPV4 ? policy_case->ip4 : policy_case->ip6,
	};

	if (!recipe.flags)
		recipe.flags = ACK;
	make_frame(&recipe, &serving, &frame);
	expect(task->bench, &e);
	if (policy_case->row)
		expect_row(task, &frame, policy_case->row);
}

static void add_case(struct suite *suite, const struct policy_case *policy_case, enum family family)
{
	struct task task = {.row = policy_case, .family = family};
	char *name;

	for (int tc = 0; tc < 2; tc++) {
		task.tc = tc;
		if (asprintf(&name, "%s, %s, %s", policy_case->name, family_name(family),
			     tc ? "TC" : "XDP") < 0)
			abort();
		add_task(suite, name, test_case, &task);
	}
}

static void add_cases(struct suite *suite)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		if (cases[i].ip4 != NO_PACKET)
			add_case(suite, &cases[i], FAMILY_IPV4);
		if (cases[i].ip6 != NO_PACKET)
			add_case(suite, &cases[i], FAMILY_IPV6);
	}
}

/* --- options of the site */

#define SHUT .reason = REASON_port_not_in_matrix

static const struct script audit_scripts[] = {
	{"audit: what would drop passes, and counts as audited",
	 .steps = {{.recipe = {.destination_port = PORT_SHUT}, SHUT},
		   {.recipe = {.data_offset = 4}, .reason = REASON_tcp_header_length},
		   {.recipe = {.source = &FRONT_END}, .reason = REASON_land},
		   {.recipe = {.message = MESSAGE_REQUEST}, .reason = REASON_icmp_echo},
		   {.recipe = {.raw_protocol = IPPROTO_GRE},
		    .reason = REASON_protocol_not_in_matrix},
		   {.recipe = {.source = &FRONT_END_TWO},
		    .device = DEVICE_OUTSIDE,
		    .reason = REASON_spoofed},
		   {.recipe = {.fragment = true, .offset = 1480, .first = 1, .length = 16},
		    .reason = REASON_fragment_unmatched}}},
	{"audit: what passes passes",
	 .steps = {{.recipe = {.flags = ACK}, .reason = REASON_matrix},
		   {.recipe = {.destination = &STRANGER}, .reason = REASON_transit}}},
	{"audit: a segment of a guarded host starts a flow",
	 .steps = {{.recipe = {INWARD, .source_port = 443, .flags = ACK}, SHUT},
		   {.recipe = {OUTWARD, .flags = ACK}, .reason = REASON_outbound, .flows = 1},
		   {.recipe = {INWARD, .source_port = 443, .flags = ACK}, .reason = REASON_flow},
		   {.recipe = {INWARD, .source_port = 443, .flags = ACK},
		    .reason = REASON_flow,
		    .wait = 7440 - 1}}},
	{"audit: a SYN does as ever",
	 .steps = {{.recipe = {OUTWARD}, .reason = REASON_outbound, .flows = 1},
		   {.recipe = {INWARD, .source_port = 443, .flags = SYN | ACK},
		    .reason = REASON_flow}}},
	{"audit: an answer or a RST of a guarded host starts none",
	 .steps = {{.recipe = {OUTWARD, .flags = SYN | ACK}, .reason = REASON_outbound},
		   {.recipe = {OUTWARD, .flags = RST | ACK}, .reason = REASON_outbound},
		   {.recipe = {INWARD, .source_port = 443, .flags = ACK}, SHUT}}},
	{"audit: a SYN from outside is still no reply",
	 .steps = {{.recipe = {OUTWARD}, .reason = REASON_outbound, .flows = 1},
		   {.recipe = {INWARD, .source_port = 443}, SHUT}}},
};

static const struct script unlisted_scripts[] = {
	{"unlisted: drop",
	 .steps = {{.recipe = {.destination = &STRANGER}, .reason = REASON_unlisted},
		   {.recipe = {.source = &STRANGER, .destination = &PHONE_GATEWAY},
		    .reason = REASON_unlisted},
		   {.recipe = {.destination = &STRANGER, .message = MESSAGE_REQUEST},
		    .reason = REASON_unlisted},
		   {.recipe = {.destination = &STRANGER, .raw_protocol = IPPROTO_GRE},
		    .reason = REASON_unlisted},
		   {.recipe = {.destination = &STRANGER,
			       .fragment = true,
			       .offset = 1480,
			       .first = 1,
			       .length = 16},
		    .reason = REASON_unlisted},
		   {.recipe = {.destination = &STRANGER, .data_offset = 4},
		    .reason = REASON_tcp_header_length}}},
	{"unlisted: drop, for guarded hosts nothing changes",
	 .steps = {{.recipe = {.flags = ACK}, .reason = REASON_matrix},
		   {.recipe = {.destination_port = PORT_SHUT}, SHUT},
		   {.recipe = {OUTWARD}, .reason = REASON_outbound, .flows = 1},
		   {.recipe = {INWARD, .source_port = 443, .flags = SYN | ACK},
		    .reason = REASON_flow}}},
	{"unlisted: drop, neighbour discovery and listeners pass", .ip6_only = true,
	 .steps = {{.recipe = {.destination = &STRANGER,
			       .protocol = IPPROTO_ICMPV6,
			       .type = 135,
			       .hops = 255,
			       .data = 16},
		    .reason = REASON_neighbour_discovery},
		   {.recipe = {.source = AT6("fe80::2"),
			       .destination = AT6("ff02::16"),
			       .protocol = IPPROTO_ICMPV6,
			       .type = 143,
			       .hops = 1,
			       .data = 20},
		    .reason = REASON_multicast_listener}}},
};

static const struct script echo_scripts[] = {
	{"icmp_echo: allow",
	 .steps = {{.recipe = {.message = MESSAGE_REQUEST}, .reason = REASON_echo},
		   {.recipe = {.source = &FRONT_END,
			       .destination = &CLIENT,
			       .message = MESSAGE_REPLY},
		    .reason = REASON_outbound},
		   {.recipe = {.message = MESSAGE_REPLY}, .reason = REASON_icmp_unrelated},
		   {.recipe = {.message = MESSAGE_REQUEST, .code = 1}, .reason = REASON_echo}}},
	{"icmp_echo: allow, in fragments", .steps = {{.recipe = {.message = MESSAGE_REQUEST,
								 .data = 56,
								 .fragment = true,
								 .more = true,
								 .length = 32},
						      .reason = REASON_echo,
						      .fragments = 1},
						     {.recipe = {.message = MESSAGE_REQUEST,
								 .data = 56,
								 .fragment = true,
								 .offset = 32},
						      .reason = REASON_fragment}}},
	{"icmp_echo: allow, between guarded hosts",
	 .steps = {{.recipe = {.source = &DIRECTOR, .message = MESSAGE_REQUEST},
		    .reason = REASON_echo,
		    .flows = 1},
		   {.recipe = {.source = &FRONT_END,
			       .destination = &DIRECTOR,
			       .message = MESSAGE_REPLY},
		    .reason = REASON_flow}}},
	{"icmp_echo: allow, but not spoofed",
	 .steps = {{.recipe = {.source = &DIRECTOR, .message = MESSAGE_REQUEST},
		    .device = DEVICE_OUTSIDE,
		    .reason = REASON_spoofed}}},
	{"icmp_echo: allow, other types do not pass",
	 .steps = {{.recipe = {.message = MESSAGE_REDIRECT}, .reason = REASON_icmp_type}}},
};

static const struct script nobody_scripts[] = {
	{"a row for roles that nobody holds",
	 .steps = {{.recipe = {.destination = &DIRECTOR, .destination_port = 7300},
		    .reason = REASON_source_not_allowed},
		   {.recipe = {.source = &PHONE_GATEWAY,
			       .destination = &DIRECTOR,
			       .destination_port = 7300},
		    .reason = REASON_source_not_allowed},
		   {.recipe = {.destination = &DIRECTOR, .destination_port = 7301}, SHUT}}},
};

struct part {
	const char *name, *options, *rows;
	const struct script *scripts; /* NULL: the cases above */
	size_t count;
};

#define SCRIPTS(table) table, sizeof(table) / sizeof(*(table))

static void test_apply(void **state)
{
	const struct task *task = *state;

	assert_int_equal(task->choice, 0);
}

/* One site's tests, the first of which is that it can be applied; true if one failed. */
static bool run_part(const struct part *part, struct bench *bench)
{
	struct suite suite = {.name = part->name, .bench = *bench};
	char *site = part->rows ? site_with_rows(part->rows) : site_text(part->options);
	int failures, err = world_apply(bench->world, site);

	free(site);
	if (!err)
		err = world_stop_clock(bench->world);
	add_task(&suite, strdup("the site is applied"), test_apply, &(struct task){.choice = err});
	suite.bench.audit = part->scripts == audit_scripts;
	if (!err && part->scripts)
		add_scripts(&suite, part->scripts, part->count);
	else if (!err)
		add_cases(&suite);
	failures = run_suite(&suite, !err);
	bench->sent = suite.bench.sent;
	return failures;
}

static int run(struct world *world, void *unused)
{
	static const struct part parts[] = {
		{.name = "policy", .options = ""},
		{"audit", "mode: audit\n", NULL, SCRIPTS(audit_scripts)},
		{"unlisted", "unlisted: drop\n", NULL, SCRIPTS(unlisted_scripts)},
		{"echo", "icmp_echo: allow\n", NULL, SCRIPTS(echo_scripts)},
		{"nobody", NULL,
		 "  - {roles: [director], ports: [7300], protocols: [tcp], from: [sba]}\n",
		 SCRIPTS(nobody_scripts)},
	};
	struct bench bench = {.world = world};
	bool failed = false;

	(void)unused;
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		failed |= run_part(&parts[i], &bench);
	return failed;
}

int main(void)
{
	return world_run(run, NULL);
}
