/* SPDX-License-Identifier: MIT */
#include "selftest_peers.h"

#include <string.h>

static int ask_peer(const struct peers_test *test, const struct limited_pool *pool,
		    const struct opening *opening, const struct party *peer)
{
	bool in = opening->direction == DIRECTION_IN;
	const struct expectation expectation = {
		.policy = test->hosts->policy,
		.source = in ? *peer : *pool->own,
		.destination = in ? *pool->own : *peer,
		.transport = opening->transport,
		.port = opening->ports.first,
	};

	return ask_packet(test->asker, &expectation, pool->tc);
}

static bool is_for_everybody(const struct opening *opening)
{
	for (size_t i = 0; i < opening->n_grants; i++)
		if (!opening->grants[i]->peers)
			return true;
	return false;
}

static int ask_limited(struct peers_test *test, const struct limited_pool *pool,
		       const struct opening *opening)
{
	const struct prefix *own = &pool->own->address;
	struct party peer;
	int err = 0;

	for (size_t i = 0; i < opening->n_grants && !err; i++) {
		size_t peers = opening->grants[i]->peers;

		if (test->asked[peers])
			continue;
		test->asked[peers] = true;
		if (host_admitted(test->hosts, peers, own, test->turn++, &peer))
			err = ask_peer(test, pool, opening, &peer);
	}
	for (size_t i = 0; i < opening->n_grants && pool->whole; i++)
		test->asked[opening->grants[i]->peers] = false;
	if (!err && pool->whole && host_refused(test->hosts, opening, own, test->turn, &peer))
		err = ask_peer(test, pool, opening, &peer);
	return err;
}

int ask_peers(struct peers_test *test, const struct limited_pool *pool)
{
	const struct policy *policy = test->hosts->policy;
	int err = 0;

	memset(test->asked, 0, policy->n_peers * sizeof(*test->asked));
	for (size_t i = 0; i < pool->n_openings && !err; i++) {
		const struct opening *opening = &pool->openings[i];

		if (!is_for_everybody(opening) &&
		    (opening->direction == DIRECTION_IN || policy->site->outbound_matrix))
			err = ask_limited(test, pool, opening);
	}
	return err;
}
