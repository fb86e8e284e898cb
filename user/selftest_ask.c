/* SPDX-License-Identifier: MIT */
#include "selftest_ask.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>

#include "row.h"
#include "running.h"

int ask_program(struct selftest *test, const struct question *question, struct probe_result *result)
{
	unsigned char frame[FRAME_BUILD_MAX];
	const struct probe_request request = {
		.frame = frame,
		.length = frame_build(question, frame),
		.slot = test->slot,
	};
	int err = kernel_probe(test->kernel, &request, result);

	test->probes++;
	if (err)
		fprintf(stderr, "rolewall: self-test: cannot run the program: %s\n",
			strerror(-err));
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

/* It can be a packet of a flow by now, which passes, and that is right. */
static bool is_of_flow(const struct expectation *expectation, struct expected want,
		       const struct probe_result *result)
{
	return want.reason < N_DROP_REASONS &&
	       result->reason ==
		       (expect_guarded(&expectation->destination) ? REASON_flow : REASON_outbound);
}

static int complain(const struct expectation *expectation, const char *words)
{
	const struct party *source = &expectation->source;
	const struct party *destination = &expectation->destination;
	const struct policy_pool *pool = destination->pool ? destination->pool : source->pool;
	char from[PREFIX_TEXT], to[PREFIX_TEXT];

	fprintf(stderr, "rolewall: self-test: pool %s: from %s to %s port %s/%u: %s\n",
		pool ? pool->name : "(none)", prefix_format(&source->address, from, sizeof(from)),
		prefix_format(&destination->address, to, sizeof(to)),
		transports_name(expectation->transport), expectation->port, words);
	return -EBADMSG;
}

int ask_packet(struct selftest *test, const struct expectation *expectation)
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
	char words[128];
	int err;

	/* Between guarded hosts a flow would let it pass by whatever the destination says. */
	if (!question.source_port || (want.reason == REASON_outbound_not_in_matrix &&
				      expect_guarded(&expectation->destination)))
		return 0;
	err = ask_program(test, &question, &result);
	if (err || is_of_flow(expectation, want, &result))
		return err;
	if (result.reason == want.reason)
		return 0;
	snprintf(words, sizeof(words), "%s, not %s", reason_name(result.reason),
		 reason_name(want.reason));
	return complain(expectation, words);
}
