/* SPDX-License-Identifier: MIT */
/*
 * What the policy says of a packet, by plain search: what the self-test holds the loaded program
 * against. The packet opens a connection (TCP) or stands for itself (UDP), between an address of a
 * guarded pool and one that no pool holds.
 */
#ifndef ROLEWALL_EXPECTATION_H
#define ROLEWALL_EXPECTATION_H

#include "policy.h"
#include "reason.h"

struct expectation {
	const struct policy *policy;
	const struct policy_pool *pool;
	const struct opening *openings; /* of the pool */
	size_t n_openings;
	struct prefix own, other; /* addresses: the pool's, and the one outside */
	enum transport transport;
	unsigned int port; /* of the destination */
};

/* From the other to the pool's. */
enum reason expect_inbound(const struct expectation *expectation);
/* From the pool's to the other. */
enum reason expect_outbound(const struct expectation *expectation);

#endif
