/* SPDX-License-Identifier: MIT */
/*
 * What the policy says of a packet, by plain search: what the self-test holds the loaded program
 * against. The packet opens a connection (TCP) or stands for itself (UDP).
 */
#ifndef ROLEWALL_EXPECTATION_H
#define ROLEWALL_EXPECTATION_H

#include "policy.h"
#include "reason.h"

/* One end of a packet. */
struct party {
	struct prefix address;
	const struct policy_pool *pool; /* that holds the address, or NULL */
};

struct expectation {
	const struct policy *policy;
	struct party source, destination;
	enum transport transport;
	unsigned int port; /* of the destination */
};

/* Whose row lets a packet pass that is expected to pass by one. */
enum row_side { SIDE_OF_NONE, SIDE_OF_DESTINATION, SIDE_OF_SOURCE };

struct expected {
	enum reason reason;
	enum row_side side;
};

struct expected expect_verdict(const struct expectation *expectation);
/* By the side of the destination alone, which is guarded. */
struct expected expect_arrival(const struct expectation *expectation);
/* True if ROW, an index into policy.rows, is one of those that open the port from that side. */
bool expect_row(const struct expectation *expectation, enum row_side side, size_t row);
/* True if the condition, an index into policy.peers, admits the party. */
bool expect_admits(const struct policy *policy, size_t peers, const struct party *party);
bool expect_guarded(const struct party *party);

#endif
