/* SPDX-License-Identifier: MIT */
#include "selftest_ask.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>

#include "port_tables.h"
#include "row.h"
#include "running.h"

int asker_init(struct selftest *test, struct asker *asker)
{
	const struct policy *policy = test->policy;

	*asker = (struct asker){
		.test = test,
		.rows = malloc(ROW_IDS_MAX * sizeof(*asker->rows)),
		.pool_ids = calloc(policy->n_pools + 1, sizeof(*asker->pool_ids)),
	};
	if (!asker->rows || !asker->pool_ids)
		return -ENOMEM;
	for (size_t i = 0; i < ROW_IDS_MAX; i++)
		asker->rows[i] = NO_ROW;
	for (size_t i = 0; i < policy->n_rows; i++)
		if (policy->rows[i]->opens)
			asker->rows[registry_id(&test->registries->rows, policy->rows[i]->id)] = i;
	for (size_t i = 0; i < policy->n_pools; i++)
		asker->pool_ids[i] = registry_id(&test->registries->pools, policy->pools[i].name);
	return 0;
}

void asker_free(struct asker *asker)
{
	free(asker->rows);
	free(asker->pool_ids);
}

int ask_program(struct selftest *test, const struct question *question, bool tc,
		struct probe_result *result)
{
	unsigned char frame[FRAME_BUILD_MAX];
	const struct probe_request request = {
		.frame = frame,
		.length = frame_build(question, frame),
		.slot = test->slot,
		.tc = tc,
	};
	int err = kernel_probe(test->kernel, &request, result);

	test->probes++;
	if (err)
		fprintf(stderr, "rolewall: self-test: cannot run the %s program: %s\n",
			tc ? "TC" : "XDP", strerror(-err));
	return err;
}

/*
 * Where the packet comes from: a guarded host that asks does so from a port that is shut, or its
 * datagram could be an answer. 0: all that are tried are open.
 */
static uint16_t source_port(const struct expectation *expectation)
{
	static const uint16_t ports[] = {40000, 30000, 9, 1};

	for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
		struct expectation back = *expectation;

		back.source = expectation->destination;
		back.destination = expectation->source;
		back.port = ports[i];
		if (!expect_guarded(&back.destination) ||
		    expect_arrival(&back).reason < FIRST_PASS_REASON)
			return ports[i];
	}
	return 0;
}

/* --- the answer */

/* Counter id of the pool that a record of the image belongs to, 0 = none. */
static __u32 pool_of_record(const struct asker *asker, __u32 record)
{
	struct pages *image = asker->test->image;

	if (record >= image->page[0].cell[HEADER_N_RECORDS])
		return POOL_IDS_MAX;
	return POOL_OF(*pages_cell(image, record_address(record) + RECORD_POOL));
}

/* What is wrong about whom an end was taken for; NULL: nothing. */
static const char *judge_end(const struct asker *asker, const struct party *party, __u32 record,
			     const char *words)
{
	__u32 want = 0;

	if (party->pool)
		want = asker->pool_ids[party->pool - asker->test->policy->pools];
	return pool_of_record(asker, record) == want ? NULL : words;
}

/* What is wrong about an answer for the right reason; NULL: nothing. */
static const char *judge_rest(const struct asker *asker, const struct expectation *expectation,
			      struct expected want, const struct probe_result *result)
{
	size_t row = result->row < ROW_IDS_MAX ? asker->rows[result->row] : NO_ROW;
	const char *fault;

	if (want.reason == REASON_matrix &&
	    (row == NO_ROW || !expect_row(expectation, want.side, row)))
		return "by a row that does not open the port";
	if (want.reason != REASON_matrix && result->row)
		return "by a row";
	fault = judge_end(asker, &expectation->source, result->source_record,
			  "the source taken for another pool's");
	return fault ? fault
		     : judge_end(asker, &expectation->destination, result->destination_record,
				 "the destination taken for another pool's");
}

/* It can be a packet of a flow by now, which passes, and that is right. */
static bool is_of_flow(const struct expectation *expectation, struct expected want,
		       const struct probe_result *result)
{
	return want.reason < N_DROP_REASONS &&
	       result->reason ==
		       (expect_guarded(&expectation->destination) ? REASON_flow : REASON_outbound);
}

static int complain(const struct expectation *expectation, bool tc, const char *words)
{
	const struct party *source = &expectation->source;
	const struct party *destination = &expectation->destination;
	const struct policy_pool *pool = destination->pool ? destination->pool : source->pool;
	char from[PREFIX_TEXT], to[PREFIX_TEXT];

	fprintf(stderr, "rolewall: self-test: pool %s: from %s to %s port %s/%u by %s: %s\n",
		pool ? pool->name : "(none)", prefix_format(&source->address, from, sizeof(from)),
		prefix_format(&destination->address, to, sizeof(to)),
		transports_name(expectation->transport), expectation->port, tc ? "TC" : "XDP",
		words);
	return -EBADMSG;
}

int ask_packet(const struct asker *asker, const struct expectation *expectation, bool tc)
{
	struct expected want = expect_verdict(expectation);
	const struct question question = {
		.source = expectation->source.address,
		.destination = expectation->destination.address,
		.protocol = expectation->transport == TRANSPORT_TCP ? IPPROTO_TCP : IPPROTO_UDP,
		.source_port = source_port(expectation),
		.destination_port = (uint16_t)expectation->port,
	};
	struct probe_result result;
	const char *fault;
	char words[128];
	int err;

	/* Between guarded hosts a flow would let it pass by whatever the destination says. */
	if (!question.source_port || (want.reason == REASON_outbound_not_in_matrix &&
				      expect_guarded(&expectation->destination)))
		return 0;
	err = ask_program(asker->test, &question, tc, &result);
	if (err || is_of_flow(expectation, want, &result))
		return err;
	if (result.reason != want.reason) {
		snprintf(words, sizeof(words), "%s, not %s", reason_name(result.reason),
			 reason_name(want.reason));
		return complain(expectation, tc, words);
	}
	fault = judge_rest(asker, expectation, want, &result);
	if (!fault)
		return 0;
	snprintf(words, sizeof(words), "%s, but %s", reason_name(result.reason), fault);
	return complain(expectation, tc, words);
}
