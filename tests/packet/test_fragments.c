/* SPDX-License-Identifier: MIT */
/* Fragments (cases 21-31, 40-45): later ones follow their first, or drop. */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "script.h"

#define LIFETIME 30 /* seconds from the first fragment on */
#define FLOOD 20000 /* more fragmented packets than the table holds */

/* A UDP packet of 64 bytes in two halves, or a TCP segment of 64. */
#define TO_OPEN .protocol = IPPROTO_UDP, .destination_port = PORT_OPEN_UDP, .data = 56
#define TCP_TO_OPEN .flags = ACK, .data = 44
#define HEAD .fragment = true, .more = true, .length = 32
#define TAIL .fragment = true, .offset = 32
#define MIDDLE .fragment = true, .offset = 32, .more = true, .length = 16
#define END .fragment = true, .offset = 48

#define MATRIX .reason = REASON_matrix
#define FOLLOWS .reason = REASON_fragment
#define UNMATCHED .reason = REASON_fragment_unmatched
#define CONFLICT .reason = REASON_fragment_conflict
#define FIRST                                                                                      \
	{                                                                                          \
		.recipe = {TO_OPEN, HEAD}, MATRIX, .fragments = 1                                  \
	}
#define LATER                                                                                      \
	{                                                                                          \
		.recipe = {TO_OPEN, TAIL}, FOLLOWS                                                 \
	}
#define LATER_ALONE                                                                                \
	{                                                                                          \
		.recipe = {TO_OPEN, TAIL}, UNMATCHED                                               \
	}

#define DESTINATION_OPTIONS 60
#define FRAGMENT_THEN_OPTIONS                                                                      \
	.extensions = {HEADER(FRAGMENT_KIND, 0), HEADER(DESTINATION_OPTIONS, 0)}, .n_extensions = 2
/* A later fragment of a packet whose fragment header names destination options. */
#define BEHIND_OPTIONS .raw_protocol = DESTINATION_OPTIONS, .fragment = true, .first = 1

static const struct script plain_scripts[] = {
	{"the first, then the last", .steps = {FIRST, LATER}},
	{"the last comes before the first (31)", .steps = {LATER_ALONE, FIRST, LATER}},
	{"three fragments", .steps = {FIRST,
				      {.recipe = {TO_OPEN, MIDDLE}, FOLLOWS},
				      {.recipe = {TO_OPEN, END}, FOLLOWS}}},
	{"three fragments, the last before the middle",
	 .steps = {FIRST,
		   {.recipe = {TO_OPEN, END}, FOLLOWS},
		   {.recipe = {TO_OPEN, MIDDLE}, FOLLOWS}}},
	{"every fragment twice",
	 .steps = {FIRST, {.recipe = {TO_OPEN, HEAD}, MATRIX}, LATER, LATER}},
	{"TCP", .steps = {{.recipe = {TCP_TO_OPEN, HEAD}, MATRIX, .fragments = 1},
			  {.recipe = {TCP_TO_OPEN, TAIL}, FOLLOWS}}},
	{"a first fragment to a shut port lets nothing follow",
	 .steps = {{.recipe = {.protocol = IPPROTO_UDP,
			       .destination_port = PORT_SHUT,
			       .data = 56,
			       HEAD},
		    .reason = REASON_port_not_in_matrix},
		   LATER_ALONE}},
	{"a refused first fragment lets nothing follow",
	 .steps = {{.recipe = {TO_OPEN, .fragment = true, .more = true, .length = 31},
		    .reason = REASON_fragment_length},
		   {.recipe = {TO_OPEN, .udp_length = 7, HEAD}, .reason = REASON_udp_length},
		   LATER_ALONE}},
	{"a protocol of its own",
	 .steps = {{.recipe = {.raw_protocol = IPPROTO_SCTP, .data = 56, HEAD},
		    .reason = REASON_protocol_not_in_matrix},
		   {.recipe = {.raw_protocol = IPPROTO_SCTP, .data = 56, TAIL}, UNMATCHED}}},
	{"not of another id (26)",
	 .steps = {FIRST, {.recipe = {TO_OPEN, TAIL, .id = 1}, UNMATCHED}}},
	{"not from somebody else (26)",
	 .steps = {FIRST, {.recipe = {.source = &STRANGER, TO_OPEN, TAIL}, UNMATCHED}}},
	{"not to somebody else (26)",
	 .steps = {FIRST, {.recipe = {.destination = &FRONT_END_TWO, TO_OPEN, TAIL}, UNMATCHED}}},
	{"not of another protocol (26)",
	 .steps = {FIRST, {.recipe = {TCP_TO_OPEN, TAIL}, UNMATCHED}}},
	{"not back the other way",
	 .steps = {FIRST,
		   {.recipe = {.source = &FRONT_END, .destination = &CLIENT, TO_OPEN, TAIL},
		    .reason = REASON_outbound}}},
	{"they have thirty seconds",
	 .steps = {FIRST,
		   {.recipe = {TO_OPEN, MIDDLE}, FOLLOWS, .wait = LIFETIME - 1},
		   {.recipe = {TO_OPEN, END}, UNMATCHED, .wait = 1},
		   FIRST,
		   LATER}},
	{"a tail inside the TCP header (22)",
	 .steps = {{.recipe = {TCP_TO_OPEN, HEAD}, MATRIX, .fragments = 1},
		   {.recipe = {TCP_TO_OPEN, .fragment = true, .offset = 8},
		    .reason = REASON_fragment_offset},
		   {.recipe = {TCP_TO_OPEN, .fragment = true, .offset = 16},
		    .reason = REASON_fragment_offset},
		   {.recipe = {TCP_TO_OPEN, .fragment = true, .offset = 24}, FOLLOWS}}},
	{"a tail that overlaps the data is the host's to refuse (45)",
	 .steps = {FIRST, {.recipe = {TO_OPEN, .fragment = true, .offset = 8}, FOLLOWS}}},
};

static const struct script conflict_scripts[] = {
	{"another first fragment, from another port (25)",
	 .steps = {FIRST,
		   {.recipe = {TO_OPEN, .source_port = 50000, HEAD}, CONFLICT},
		   {.recipe = {TO_OPEN, TAIL}, CONFLICT}}},
	{"another first fragment, to another open port (25)",
	 .steps = {{.recipe = {TCP_TO_OPEN, HEAD}, MATRIX, .fragments = 1},
		   {.recipe = {TCP_TO_OPEN, .destination_port = 5061, HEAD}, CONFLICT},
		   {.recipe = {TCP_TO_OPEN, TAIL}, CONFLICT}}},
	{"a poisoned id stays so until it ends (25)",
	 .steps = {FIRST,
		   {.recipe = {TO_OPEN, .source_port = 50000, HEAD}, CONFLICT},
		   {.recipe = {TO_OPEN, HEAD}, CONFLICT},
		   {.recipe = {TO_OPEN, TAIL}, CONFLICT},
		   {.recipe = {TO_OPEN, TAIL}, UNMATCHED, .wait = LIFETIME},
		   FIRST,
		   LATER}},
	{"another first fragment that is refused anyway reaches nobody (25)",
	 .steps = {FIRST,
		   {.recipe = {.protocol = IPPROTO_UDP,
			       .destination_port = PORT_SHUT,
			       .data = 56,
			       HEAD},
		    .reason = REASON_port_not_in_matrix},
		   LATER}},
	{"the same ports twice are no conflict",
	 .steps = {FIRST, {.recipe = {TO_OPEN, HEAD}, MATRIX}, LATER}},
};

static const struct script flow_scripts[] = {
	{"a fragmented answer", .steps = {{.recipe = {OUTWARD, .protocol = IPPROTO_UDP},
					   .reason = REASON_outbound,
					   .flows = 1},
					  {.recipe = {INWARD, .source_port = 443,
						      .protocol = IPPROTO_UDP, .data = 56, HEAD},
					   .reason = REASON_flow,
					   .fragments = 1},
					  {.recipe = {INWARD, .source_port = 443,
						      .protocol = IPPROTO_UDP, .data = 56, TAIL},
					   FOLLOWS}}},
	{"a fragmented packet from a guarded host starts a flow",
	 .steps = {{.recipe = {OUTWARD, .protocol = IPPROTO_UDP, .data = 56, HEAD},
		    .reason = REASON_outbound,
		    .flows = 1},
		   {.recipe = {OUTWARD, .protocol = IPPROTO_UDP, .data = 56, TAIL},
		    .reason = REASON_outbound},
		   {.recipe = {INWARD, .source_port = 443, .protocol = IPPROTO_UDP},
		    .reason = REASON_flow}}},
	{"a later fragment from a guarded host starts none",
	 .steps = {{.recipe = {OUTWARD, .protocol = IPPROTO_UDP, .data = 56, TAIL},
		    .reason = REASON_outbound},
		   {.recipe = {INWARD, .source_port = 443, .protocol = IPPROTO_UDP},
		    .reason = REASON_port_not_in_matrix}}},
	{"between guarded hosts",
	 .steps = {{.recipe = {.source = &FRONT_END_TWO, TO_OPEN, TAIL}, UNMATCHED},
		   {.recipe = {.source = &FRONT_END_TWO, TO_OPEN, HEAD},
		    MATRIX,
		    .flows = 1,
		    .fragments = 1},
		   {.recipe = {.source = &FRONT_END_TWO, TO_OPEN, TAIL}, FOLLOWS}}},
	{"a fragmented echo reply",
	 .steps = {{.recipe = {.source = &FRONT_END,
			       .destination = &CLIENT,
			       .message = MESSAGE_REQUEST},
		    .reason = REASON_outbound,
		    .flows = 1},
		   {.recipe = {.message = MESSAGE_REPLY, .data = 56, HEAD},
		    .reason = REASON_flow,
		    .fragments = 1},
		   {.recipe = {.message = MESSAGE_REPLY, .data = 56, TAIL}, FOLLOWS}}},
	{"a fragmented echo request",
	 .steps = {{.recipe = {.message = MESSAGE_REQUEST, .data = 56, HEAD},
		    .reason = REASON_icmp_echo},
		   {.recipe = {.message = MESSAGE_REQUEST, .data = 56, TAIL}, UNMATCHED}}},
	{"transit is not looked at",
	 .steps = {{.recipe = {.destination = &STRANGER, TO_OPEN, TAIL}, .reason = REASON_transit},
		   {.recipe = {.destination = &STRANGER, TO_OPEN, HEAD}, .reason = REASON_transit},
		   {.recipe = {.destination = &STRANGER, TO_OPEN, .source_port = 1, HEAD},
		    .reason = REASON_transit}}},
};

static const struct script ip6_scripts[] = {
	{"options behind the fragment header", .ip6_only = true,
	 .steps = {{.recipe = {TO_OPEN, HEAD, FRAGMENT_THEN_OPTIONS}, MATRIX, .fragments = 1},
		   {.recipe = {BEHIND_OPTIONS, .offset = 40, .length = 32}, FOLLOWS}}},
	{"a tail that names another header than its first", .ip6_only = true,
	 .steps = {{.recipe = {TO_OPEN, HEAD, FRAGMENT_THEN_OPTIONS}, MATRIX, .fragments = 1},
		   {.recipe = {TO_OPEN, .fragment = true, .offset = 40}, UNMATCHED}}},
	{"a tail over the UDP header behind options (22, 45)", .ip6_only = true,
	 .steps = {{.recipe = {TO_OPEN, HEAD, FRAGMENT_THEN_OPTIONS}, MATRIX, .fragments = 1},
		   {.recipe = {BEHIND_OPTIONS, .offset = 8, .length = 32},
		    .reason = REASON_fragment_offset},
		   {.recipe = {BEHIND_OPTIONS, .offset = 16, .length = 24}, FOLLOWS}}},
	{"a tail over the TCP header behind options (22, 45)", .ip6_only = true,
	 .steps = {{.recipe = {TCP_TO_OPEN, HEAD, FRAGMENT_THEN_OPTIONS}, MATRIX, .fragments = 1},
		   {.recipe = {BEHIND_OPTIONS, .offset = 8, .length = 32},
		    .reason = REASON_fragment_offset},
		   {.recipe = {BEHIND_OPTIONS, .offset = 24, .length = 16},
		    .reason = REASON_fragment_offset},
		   {.recipe = {BEHIND_OPTIONS, .offset = 32, .length = 8}, FOLLOWS}}},
	{"headers in front that differ between fragments (44)", .ip6_only = true,
	 .steps = {FIRST,
		   {.recipe = {TO_OPEN, TAIL, .extensions = {HEADER(0, 0)}, .n_extensions = 1},
		    FOLLOWS}}},
	{"ids that differ in their high half only", .ip6_only = true,
	 .steps = {FIRST, {.recipe = {TO_OPEN, TAIL, .id = 0x10000000}, UNMATCHED}}},
	{"an atomic fragment leaves nothing behind (41)", .ip6_only = true,
	 .steps = {{.recipe = {TO_OPEN, .fragment = true}, MATRIX}, LATER_ALONE}},
	{"a later fragment of neighbour discovery (51)", .ip6_only = true,
	 .steps =
		 {{.recipe =
			   {.protocol = IPPROTO_ICMPV6, .type = 135, .hops = 255, .data = 56, HEAD},
		   .reason = REASON_nd_invalid},
		  {.recipe =
			   {.protocol = IPPROTO_ICMPV6, .type = 135, .hops = 255, .data = 56, TAIL},
		   UNMATCHED}}},
};

/* --- a flood (30) */

static void send_fragment(const struct task *task, const struct recipe *recipe,
			  struct outcome *outcome)
{
	const struct serving serving = {.family = task->family, .variation = 1};
	struct frame frame;
	struct shot shot = {.bytes = frame.bytes, .tc = task->tc};

	make_frame(recipe, &serving, &frame);
	shot.length = frame.length;
	assert_int_equal(world_send(task->bench->world, &shot, outcome), 0);
	task->bench->sent++;
}

/* Full means that new packets drop; those that are on their way go on. */
static void test_flood(void **state)
{
	const struct task *task = *state;
	struct recipe head = {TO_OPEN, HEAD}, tail = {TO_OPEN, TAIL};
	unsigned int passed = 0, full = 0;
	struct outcome outcome;

	world_wait(task->bench->world, LIFETIME);
	head.id = tail.id = 60000;
	send_fragment(task, &head, &outcome);
	assert_int_equal(outcome.reason, REASON_matrix);
	for (head.id = 0; head.id < FLOOD; head.id++) {
		send_fragment(task, &head, &outcome);
		assert_true(outcome.reason == REASON_matrix ||
			    outcome.reason == REASON_fragment_table_full);
		assert_int_equal(outcome.tables.fragments_created, outcome.reason == REASON_matrix);
		passed += outcome.passed;
		full += outcome.reason == REASON_fragment_table_full;
	}
	assert_true(passed > 5000);
	assert_true(full > 5000);
	send_fragment(task, &tail, &outcome);
	assert_int_equal(outcome.reason, REASON_fragment);
	world_wait(task->bench->world, LIFETIME);
	send_fragment(task, &tail, &outcome);
	assert_int_equal(outcome.reason, REASON_fragment_unmatched);
	send_fragment(task, &head, &outcome);
	assert_int_equal(outcome.reason, REASON_matrix);
}

static void add_floods(struct suite *suite)
{
	add_task(suite, strdup("a flood of first fragments (30), IPv4, XDP"), test_flood,
		 &(struct task){.family = FAMILY_IPV4});
	add_task(suite, strdup("a flood of first fragments (30), IPv6, TC"), test_flood,
		 &(struct task){.family = FAMILY_IPV6, .tc = true});
}

#define ADD(table) add_scripts(&suite, table, sizeof(table) / sizeof(*(table)))

static int run(struct world *world, void *unused)
{
	struct suite suite = {.name = "fragments", .bench = {.world = world}};
	char *site = site_text("");
	int err = world_apply(world, site);

	(void)unused;
	free(site);
	if (err || world_stop_clock(world))
		return 1;
	ADD(plain_scripts);
	ADD(conflict_scripts);
	ADD(flow_scripts);
	ADD(ip6_scripts);
	add_floods(&suite);
	return run_suite(&suite, true) != 0;
}

int main(void)
{
	return world_run(run, NULL);
}
