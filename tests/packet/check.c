/* SPDX-License-Identifier: MIT */
#include <bpf/libbpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "drop_detail.h"
#include "running.h"

#define SKB_MAX 3500 /* bytes that every kernel takes as an skb */
#define HEX_SHOWN 200 /* bytes of a frame in a message */

/* --- messages */

static const char *reason_or_none(enum reason reason)
{
	return reason < N_REASONS ? reason_name(reason) : "(not exactly one counter)";
}

/* What went wrong with which frame. Does not return. */
static void complain(const struct expectation *e, const char *how, const char *what)
{
	char hex[2 * HEX_SHOWN + 1] = "";

	for (size_t i = 0; i < e->frame->length && i < HEX_SHOWN; i++)
		sprintf(hex + 2 * i, "%02x", e->frame->bytes[i]);
	fail_msg("%s: %s; expected %s; %s, device %d, linear %zu, %zu bytes: %s%s", how, what,
		 reason_name(e->reason), e->tc ? "TC" : "XDP", (int)e->device, e->linear,
		 e->frame->length, hex, e->frame->length > HEX_SHOWN ? "..." : "");
}

static void complain_reason(const struct expectation *e, const char *how, bool passed,
			    enum reason reason)
{
	char what[128];

	snprintf(what, sizeof(what), "%s %s", passed ? "pass" : "drop", reason_or_none(reason));
	complain(e, how, what);
}

/* --- the assertion */

/* Twice: as packets go, and past the fast way. All of the answers must be the same. */
static void expect_probe(const struct bench *bench, const struct expectation *e,
			 const struct shot *shot, bool passes)
{
	struct probe_result result = {0}, full = {0};
	struct counters counters;
	struct shot past = *shot;

	past.full = true;
	assert_int_equal(world_probe(bench->world, shot, &result), 0);
	if (result.reason != e->reason || result.passed != passes)
		complain_reason(e, "probe", result.passed, result.reason);
	assert_int_equal(world_probe(bench->world, &past, &full), 0);
	if (full.reason != e->reason)
		complain_reason(e, "probe of the full program", full.passed, full.reason);
	if (full.passed != result.passed || full.row != result.row ||
	    full.source_record != result.source_record ||
	    full.destination_record != result.destination_record)
		complain(e, "probe of the full program", "another row or record");
	assert_int_equal(world_count(bench->world, &counters), 0);
	if (memcmp(&counters.tables, &bench->world->last.tables, sizeof(counters.tables)) != 0)
		complain(e, "probe", "a flow or a fragment of it is kept");
}

static void expect_tables(const struct expectation *e, const struct table_counters *tables)
{
	char what[128];

	if (tables->flows_created == e->flows && tables->fragments_created == e->fragments &&
	    !tables->flows_evicted && !tables->flows_lost)
		return;
	snprintf(what, sizeof(what), "flows +%llu (not %u), fragments +%llu (not %u)",
		 tables->flows_created, e->flows, tables->fragments_created, e->fragments);
	complain(e, "live", what);
}

/* Where the IP packet ends; beyond the frame if there is none. */
static size_t packet_end(const struct frame *frame)
{
	const unsigned char *type = frame->bytes + frame->ip - 2, *ip = frame->bytes + frame->ip;

	if (type[0] == 0x08 && type[1] == 0x00)
		return frame->ip + ((size_t)ip[2] << 8 | ip[3]);
	if (type[0] == 0x86 && type[1] == 0xdd)
		return frame->ip + 40 + ((size_t)ip[4] << 8 | ip[5]);
	return SIZE_MAX;
}

/* XDP need not ask for buffers behind the one that the packet ends in: they are padding. */
static bool is_length(const struct expectation *e, __u64 bytes)
{
	return bytes == e->frame->length ||
	       (!e->tc && bytes < e->frame->length && bytes >= packet_end(e->frame));
}

void expect(struct bench *bench, const struct expectation *e)
{
	const struct shot shot = {
		.bytes = e->frame->bytes,
		.length = e->frame->length,
		.device = e->device,
		.tc = e->tc,
		.linear = e->linear,
		.gso_size = e->gso_size,
	};
	bool passes = is_pass_reason(e->reason);
	struct outcome outcome;
	char what[64];

	/* A probe lies in one buffer, and is never a super-packet. */
	if (!e->linear && !e->gso_size && e->frame->length + sizeof(struct probe) <= SKB_MAX)
		expect_probe(bench, e, &shot, passes);
	assert_int_equal(world_send(bench->world, &shot, &outcome), 0);
	bench->sent++;
	if (outcome.reason != e->reason || outcome.passed != (passes || bench->audit))
		complain_reason(e, "live", outcome.passed, outcome.reason);
	if (!is_length(e, outcome.bytes)) {
		snprintf(what, sizeof(what), "counted %llu bytes", outcome.bytes);
		complain(e, "live", what);
	}
	if (outcome.audited != (bench->audit && !passes))
		complain(e, "live", outcome.audited ? "audited" : "not audited");
	expect_tables(e, &outcome.tables);
}

bool tc_takes(const struct frame *frame)
{
	unsigned int type = (unsigned int)frame->bytes[12] << 8 | frame->bytes[13];
	size_t least = type == 0x0800 ? 34 : type == 0x86dd ? 54 : 14;

	return frame->length >= least && frame->length <= SKB_MAX;
}

unsigned int next_variation(struct bench *bench)
{
	return ++bench->variation;
}

/* A view by looks: less than one gap a CPU may be to come (detail.h), nothing if there were few drops. */
static void expect_sum(__u64 sum, __u64 dropped)
{
	__u64 pending = (__u64)libbpf_num_possible_cpus() * (DETAIL_GAP - 1);

	assert_true(sum <= dropped && dropped - sum <= (dropped <= DETAIL_EXACT ? 0 : pending));
}

/* Every drop has a port or none, and the roles of two ends: these views add up to the reasons. */
static void expect_views(const struct kernel *kernel, __u64 dropped)
{
	__u64 *ports, by_port = 0, by_pair = 0;
	struct counter *pairs;

	assert_int_equal(drop_ports(kernel, &ports), 0);
	assert_int_equal(drop_role_pairs(kernel, &pairs), 0);
	for (size_t i = 0; i <= PORT_NONE; i++)
		by_port += ports[i];
	for (size_t i = 0; i < ROLE_PAIRS; i++)
		by_pair += pairs[i].packets;
	free(ports);
	free(pairs);
	expect_sum(by_port, dropped);
	expect_sum(by_pair, dropped);
}

void expect_conservation(struct bench *bench)
{
	struct counters counters;
	__u64 counted = 0;

	assert_int_equal(counters_read(&bench->world->kernel, &counters), 0);
	for (int i = 0; i < N_DROP_REASONS; i++)
		counted += counters.drops[i].packets;
	expect_views(&bench->world->kernel, counted);
	for (int i = 0; i < N_PASS_REASONS; i++)
		counted += counters.passes[i].packets;
	assert_int_equal(counted, bench->sent);
}

/* --- suites */

void add_task(struct suite *suite, char *name, CMUnitTestFunction function, const struct task *task)
{
	struct task *own = malloc(sizeof(*own));

	if (suite->count == suite->room) {
		suite->room = suite->room ? suite->room * 2 : 64;
		suite->tests = realloc(suite->tests, suite->room * sizeof(*suite->tests));
	}
	if (!own || !suite->tests || !name)
		abort();
	*own = *task;
	own->bench = &suite->bench;
	suite->tests[suite->count++] =
		(struct CMUnitTest){.name = name, .test_func = function, .initial_state = own};
}

static void test_conservation(void **state)
{
	const struct task *task = *state;

	expect_conservation(task->bench);
}

int run_suite(struct suite *suite, bool conservation)
{
	int failures;

	if (conservation)
		add_task(suite, strdup("every frame was counted once"), test_conservation,
			 &(struct task){0});
	failures = _cmocka_run_group_tests(suite->name, suite->tests, suite->count, NULL, NULL);
	for (size_t i = 0; i < suite->count; i++) {
		free((char *)suite->tests[i].name);
		free(suite->tests[i].initial_state);
	}
	free(suite->tests);
	return failures;
}
