/* SPDX-License-Identifier: MIT */
/*
 * Whole ranges where the tables have examples: every protocol, flag and ICMP type, every length a
 * frame can be cut to, every length its first buffer can have.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

#define FIN 0x01
#define SYN 0x02
#define RST 0x04
#define ACK 0x10
#define LINEAR_MAX 600 /* all headers that are looked for lie in fewer bytes */
#define FLOOD 5000

/* --- every protocol */

/* Behind the IP header lie a UDP header, 9c40 01bb 0028 1234, and 32 zero bytes. */
static enum reason protocol_reason(int protocol, enum family family)
{
	bool ip6 = family == FAMILY_IPV6;

	switch (protocol) {
	case IPPROTO_TCP:
		return REASON_tcp_header_length; /* its data offset is 0 */
	case IPPROTO_UDP:
		return REASON_port_not_in_matrix;
	case IPPROTO_ICMP:
		return ip6 ? REASON_protocol_not_in_matrix : REASON_icmp_type;
	case IPPROTO_ICMPV6:
		return ip6 ? REASON_icmp_type : REASON_protocol_not_in_matrix;
	case IPPROTO_HOPOPTS:
		return ip6 ? REASON_ip6_extension_cut : REASON_ip_protocol;
	case IPPROTO_ROUTING:
	case IPPROTO_DSTOPTS:
		return ip6 ? REASON_ip6_extension_cut : REASON_protocol_not_in_matrix;
	case IPPROTO_FRAGMENT:
		return ip6 ? REASON_fragment_unmatched : REASON_protocol_not_in_matrix;
	case IPPROTO_NONE:
		return ip6 ? REASON_ip6_no_next_header : REASON_protocol_not_in_matrix;
	case IPPROTO_ESP:
	case IPPROTO_AH:
		return REASON_ipsec_exempt;
	case 255:
		return ip6 ? REASON_protocol_not_in_matrix : REASON_ip_protocol;
	default:
		return REASON_protocol_not_in_matrix;
	}
}

static struct serving serving_of(const struct task *task)
{
	return (struct serving){
		.family = task->family,
		.tagging = task->tagging,
		.variation = next_variation(task->bench),
	};
}

static void test_protocols(void **state)
{
	const struct task *task = *state;
	const struct serving serving = serving_of(task);
	struct recipe recipe = {.data = 32};
	struct frame frame;
	struct expectation e = {.frame = &frame, .tc = task->tc};

	for (int protocol = 0; protocol < 256; protocol++) {
		recipe.raw_protocol = protocol ? protocol : A_REAL_ZERO;
		make_frame(&recipe, &serving, &frame);
		e.reason = protocol_reason(protocol, task->family);
		expect(task->bench, &e);
	}
}

/* --- every combination of TCP flags */

static bool is_good(int flags)
{
	int kind = flags & (FIN | SYN | RST | ACK);

	return kind == SYN || kind == (SYN | ACK) || (kind & (ACK | RST) && !(kind & SYN));
}

/* To a port, and from a guarded host to one: SHUT says which reason is right in good packets. */
static void sweep_flags(const struct task *task, const struct recipe *base, enum reason good)
{
	const struct serving serving = serving_of(task);
	struct recipe recipe = *base;
	struct frame frame;
	struct expectation e = {.frame = &frame, .tc = task->tc};

	for (int flags = 0; flags < 256; flags++) {
		recipe.flags = flags ? flags : A_REAL_ZERO;
		make_frame(&recipe, &serving, &frame);
		e.reason = is_good(flags) ? good : REASON_tcp_flags;
		/* the first SYN starts a flow, which every later one belongs to */
		e.flows = good == REASON_outbound && flags == SYN;
		expect(task->bench, &e);
	}
}

static void test_flags(void **state)
{
	static const struct recipe open = {0}, shut = {.destination_port = PORT_SHUT},
				   outward = {.source = &FRONT_END, .destination = &CLIENT};
	const struct task *task = *state;

	sweep_flags(task, &open, REASON_matrix);
	sweep_flags(task, &shut, REASON_port_not_in_matrix);
	sweep_flags(task, &outward, REASON_outbound);
}

/* --- every ICMP type */

static enum reason icmp4_reason(int type)
{
	switch (type) {
	case 8:
		return REASON_icmp_echo;
	case 0:
	case 3:
	case 11:
	case 12:
		return REASON_icmp_unrelated;
	default:
		return REASON_icmp_type;
	}
}

static enum reason icmp6_reason(int type)
{
	switch (type) {
	case 128:
		return REASON_icmp_echo;
	case 2:
		return REASON_icmp_mtu; /* it announces 0 */
	case 1:
	case 3:
	case 4:
	case 129:
		return REASON_icmp_unrelated;
	case 133 ... 136:
		return REASON_nd_invalid; /* the hop limit is 64 */
	default:
		return REASON_icmp_type;
	}
}

static void test_icmp_types(void **state)
{
	const struct task *task = *state;
	const struct serving serving = serving_of(task);
	struct recipe recipe = {.protocol = IPPROTO_ICMP, .data = 64};
	struct frame frame;
	struct expectation e = {.frame = &frame, .tc = task->tc};

	for (int type = 0; type < 256; type++) {
		recipe.type = type ? type : A_REAL_ZERO;
		make_frame(&recipe, &serving, &frame);
		e.reason = task->family == FAMILY_IPV4 ? icmp4_reason(type) : icmp6_reason(type);
		expect(task->bench, &e);
	}
}

/* --- frames of each kind, cut */

static const struct recipe answer = {
	.source = &FRONT_END,
	.destination = &CLIENT,
	.source_port = PORT_OPEN,
	.destination_port = 40000,
};

struct kind {
	const char *name;
	struct recipe recipe;
	bool ip6_only;
	enum reason reason;
	unsigned int fragments;
};

#define CHAIN(n, ...) .extensions = {__VA_ARGS__}, .n_extensions = n
#define UDP_TO_OPEN .protocol = IPPROTO_UDP, .destination_port = PORT_OPEN_UDP

static const struct kind kinds[] = {
	{"TCP", {.flags = ACK}, .reason = REASON_matrix},
	{"TCP with options",
	 {.flags = ACK, .data_offset = 15, .data = 40},
	 .reason = REASON_matrix},
	{"UDP", {UDP_TO_OPEN, .data = 30}, .reason = REASON_matrix},
	{"an ICMP error",
	 {.message = MESSAGE_TOO_BIG, .quote = &answer},
	 .reason = REASON_icmp_error},
	{"TCP behind extension headers",
	 {.flags = ACK, CHAIN(3, HEADER(0, 0), HEADER(60, 5), HEADER(60, 0))},
	 .ip6_only = true,
	 .reason = REASON_matrix},
	{"TCP behind 256 bytes of extension headers",
	 {.flags = ACK, CHAIN(2, HEADER(0, 15), HEADER(60, 15))},
	 .ip6_only = true,
	 .reason = REASON_matrix},
	{"an atomic fragment",
	 {.flags = ACK, .fragment = true},
	 .ip6_only = true,
	 .reason = REASON_matrix},
	{"neighbour solicitation",
	 {.protocol = IPPROTO_ICMPV6, .type = 135, .hops = 255, .data = 16},
	 .ip6_only = true,
	 .reason = REASON_neighbour_discovery},
	{"a first fragment",
	 {.flags = ACK, .fragment = true, .more = true, .data = 4},
	 .reason = REASON_matrix,
	 .fragments = 1},
};

static void set_length(struct frame *frame, enum family family)
{
	size_t length = frame->length - frame->ip;

	if (family == FAMILY_IPV4)
		put16(frame->bytes + frame->ip + 2, (unsigned int)length);
	else
		put16(frame->bytes + frame->ip + 4, (unsigned int)(length - 40));
}

/* One byte more each time, the IP length with it or not: nothing may pass before the last. */
static void sweep_cuts(const struct task *task, struct frame *frame, const char *how, bool adjust)
{
	const struct kind *kind = task->row;
	struct shot shot = {.bytes = frame->bytes, .tc = task->tc};
	size_t whole = frame->length, fixed = task->family == FAMILY_IPV4 ? 20 : 40;
	struct outcome outcome;

	for (size_t length = adjust ? frame->ip + fixed : 14; length < whole; length++) {
		frame->length = shot.length = length;
		if (adjust)
			set_length(frame, task->family);
		if (task->tc && !tc_takes(frame))
			continue;
		assert_int_equal(world_send(task->bench->world, &shot, &outcome), 0);
		task->bench->sent++;
		if (outcome.passed || outcome.reason >= N_DROP_REASONS || outcome.bytes != length)
			fail_msg("%s, %s to %zu of %zu bytes: reason %d, %llu bytes", kind->name,
				 how, length, whole, (int)outcome.reason, outcome.bytes);
	}
	frame->length = whole;
	if (adjust)
		set_length(frame, task->family);
}

static void test_cuts(void **state)
{
	const struct task *task = *state;
	const struct kind *kind = task->row;
	const struct serving serving = serving_of(task);
	struct frame frame;
	struct expectation e = {.frame = &frame, .tc = task->tc, .reason = kind->reason};

	make_frame(&kind->recipe, &serving, &frame);
	sweep_cuts(task, &frame, "cut", false);
	sweep_cuts(task, &frame, "shortened", true);
	e.fragments = kind->fragments;
	expect(task->bench, &e);
	e.fragments = 0;
	for (size_t padding = 1; padding < 64; padding++) {
		frame.length++;
		expect(task->bench, &e);
	}
}

/* --- first buffers of every length */

static void sweep_linear(const struct task *task, const struct frame *frame, enum reason reason)
{
	struct expectation e = {.frame = frame, .reason = reason};

	for (e.linear = 1; e.linear < LINEAR_MAX && e.linear < frame->length; e.linear++)
		expect(task->bench, &e);
}

/* The headers alone, and in front of 800 bytes that the IP length counts or does not count. */
static void test_linear(void **state)
{
	const struct task *task = *state;
	const struct kind *kind = task->row;
	const struct serving serving = serving_of(task);
	struct recipe recipe = kind->recipe;
	struct frame frame;
	struct expectation e = {.frame = &frame, .reason = kind->reason};

	make_frame(&recipe, &serving, &frame);
	e.fragments = kind->fragments;
	expect(task->bench, &e);
	sweep_linear(task, &frame, kind->reason);
	recipe.padding = 800;
	make_frame(&recipe, &serving, &frame);
	sweep_linear(task, &frame, kind->reason);
	recipe.padding = 0;
	recipe.data += 800;
	make_frame(&recipe, &serving, &frame);
	sweep_linear(task, &frame, kind->reason);
	frame.length--;
	sweep_linear(task, &frame, REASON_ip_length);
}

/* Frames of all sizes up to 9000, in one buffer as far as that goes, and in two. */
static void test_sizes(void **state)
{
	const struct task *task = *state;
	const struct serving serving = serving_of(task);
	struct recipe recipe = {.flags = ACK};
	struct frame frame;
	struct expectation e = {.frame = &frame, .tc = task->tc, .reason = REASON_matrix};

	for (recipe.data = 0; recipe.data < 8900; recipe.data += 89) {
		make_frame(&recipe, &serving, &frame);
		if (task->tc && !tc_takes(&frame))
			break;
		e.linear = 0;
		expect(task->bench, &e);
		e.linear = frame.length / 2;
		if (!task->tc)
			expect(task->bench, &e);
	}
}

/* --- floods from outside (73, 74) */

static void test_flood(void **state)
{
	const struct task *task = *state;
	struct recipe recipes[] = {
		{.flags = SYN},
		{.flags = SYN, .destination_port = PORT_SHUT},
		{UDP_TO_OPEN},
		{.message = MESSAGE_REQUEST},
		{.destination = &STRANGER},
	};
	struct frame frame;
	struct shot shot = {.bytes = frame.bytes, .tc = task->tc};
	struct outcome outcome;

	for (int i = 0; i < FLOOD; i++) {
		const struct serving serving = serving_of(task);
		struct recipe *recipe = &recipes[i % 5];

		recipe->source_port = 1024 + i;
		make_frame(recipe, &serving, &frame);
		shot.length = frame.length;
		assert_int_equal(world_send(task->bench->world, &shot, &outcome), 0);
		task->bench->sent++;
		assert_int_equal(outcome.tables.flows_created, 0);
		assert_int_equal(outcome.tables.fragments_created, 0);
	}
}

/* --- all of them */

static void add_sweep(struct suite *suite, const char *what, CMUnitTestFunction function,
		      struct task task)
{
	const struct kind *kind = task.row;
	char *name;

	if (asprintf(&name, "%s%s%s, %s, %s, %s", what, kind ? ": " : "", kind ? kind->name : "",
		     family_name(task.family), tagging_name(task.tagging),
		     task.tc ? "TC" : "XDP") < 0)
		abort();
	add_task(suite, name, function, &task);
}

static void add_kinds(struct suite *suite, struct task task)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (kinds[i].ip6_only && task.family == FAMILY_IPV4)
			continue;
		task.row = &kinds[i];
		add_sweep(suite, "cut at every byte", test_cuts, task);
		if (!task.tc && (task.tagging == UNTAGGED || task.tagging == TAG_88A8_8100))
			add_sweep(suite, "every first buffer", test_linear, task);
	}
}

static void add_all(struct suite *suite, struct task task)
{
	add_sweep(suite, "every protocol", test_protocols, task);
	add_sweep(suite, "every TCP flag", test_flags, task);
	add_sweep(suite, "every ICMP type", test_icmp_types, task);
	add_sweep(suite, "every size", test_sizes, task);
	if (task.tagging == UNTAGGED)
		add_sweep(suite, "a flood from outside", test_flood, task);
	add_kinds(suite, task);
}

static int run(struct world *world, void *unused)
{
	struct suite suite = {.name = "sweeps", .bench = {.world = world}};
	char *site = site_text("");
	int err = world_apply(world, site);

	(void)unused;
	free(site);
	if (err || world_stop_clock(world))
		return 1;
	for (int i = 0; i < N_TAGGINGS * 4; i++)
		add_all(&suite, (struct task){
					.family = i & 1 ? FAMILY_IPV6 : FAMILY_IPV4,
					.tc = i & 2,
					.tagging = (enum tagging)(i / 4),
				});
	return run_suite(&suite, true) != 0;
}

int main(void)
{
	return world_run(run, NULL);
}
