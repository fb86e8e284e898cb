/* SPDX-License-Identifier: MIT */
#include "expectation.h"

#include "packet.h"
#include "port_tables.h"

static bool covered(const struct peers *peers, const struct prefix *address)
{
	for (size_t i = 0; i < peers->n_prefixes; i++)
		if (prefix_covers(&peers->prefixes[i], address))
			return true;
	return false;
}

/* The other end is in no pool, so no role stands for it. */
static bool admits_other(const struct expectation *expectation, size_t peers)
{
	return !peers || covered(&expectation->policy->peers[peers], &expectation->other);
}

static bool admits_own(const struct expectation *expectation, size_t index)
{
	const struct peers *peers = &expectation->policy->peers[index];

	for (size_t i = 0; i < peers->n_pools; i++)
		if (&expectation->policy->pools[peers->pools[i]] == expectation->pool)
			return true;
	return covered(peers, &expectation->own);
}

static bool is_failsafe(const struct expectation *expectation)
{
	const struct site *site = expectation->policy->site;

	for (size_t i = 0; i < site->n_failsafe_ports; i++) {
		const struct failsafe_port *port = &site->failsafe_ports[i];

		if (port->transport == expectation->transport &&
		    expectation->port >= port->ports.first && expectation->port <= port->ports.last)
			return admits_other(expectation, expectation->policy->failsafe);
	}
	return false;
}

/* 0 where IPsec's rules have nothing to say. */
static enum reason expect_ipsec(const struct expectation *expectation)
{
	const struct policy *policy = expectation->policy;

	if (!is_ike_port(expectation->transport, expectation->port))
		return REASON_undecided;
	for (size_t i = 0; i < policy->n_ipsec; i++) {
		const size_t *ends = policy->ipsec[i].peers;

		if ((admits_own(expectation, ends[0]) && admits_other(expectation, ends[1])) ||
		    (admits_own(expectation, ends[1]) && admits_other(expectation, ends[0])))
			return REASON_ipsec;
	}
	return expectation->pool->ipsec_exempt ? REASON_ipsec_exempt : REASON_undecided;
}

static const struct opening *find_covering(const struct expectation *expectation,
					   enum direction direction)
{
	for (size_t i = 0; i < expectation->n_openings; i++) {
		const struct opening *opening = &expectation->openings[i];

		if (opening->direction == direction &&
		    opening->transport == expectation->transport &&
		    expectation->port >= opening->ports.first &&
		    expectation->port <= opening->ports.last)
			return opening;
	}
	return NULL;
}

static bool admits_some(const struct expectation *expectation, const struct opening *opening)
{
	for (size_t i = 0; i < opening->n_grants; i++)
		if (admits_other(expectation, opening->grants[i]->peers))
			return true;
	return false;
}

/* `asymmetric: true`; in TCP the packet is a SYN, never a reply. */
static bool may_be_reply(const struct expectation *expectation)
{
	return expectation->policy->site->asymmetric && expectation->transport == TRANSPORT_UDP &&
	       expectation->port >= FIRST_DYNAMIC_PORT;
}

enum reason expect_inbound(const struct expectation *expectation)
{
	const struct opening *opening = find_covering(expectation, DIRECTION_IN);
	enum reason ipsec = expect_ipsec(expectation);

	if (is_failsafe(expectation))
		return REASON_failsafe;
	if (ipsec == REASON_ipsec)
		return ipsec;
	if (opening && admits_some(expectation, opening))
		return REASON_matrix;
	if (ipsec)
		return ipsec;
	if (may_be_reply(expectation))
		return REASON_asymmetric;
	return opening ? REASON_source_not_allowed : REASON_port_not_in_matrix;
}

enum reason expect_outbound(const struct expectation *expectation)
{
	const struct opening *opening = find_covering(expectation, DIRECTION_OUT);
	enum reason ipsec = expect_ipsec(expectation);

	if (ipsec == REASON_ipsec)
		return ipsec;
	if (expectation->policy->site->outbound_matrix && opening &&
	    admits_some(expectation, opening))
		return REASON_matrix;
	if (ipsec)
		return ipsec;
	return expectation->policy->site->outbound_matrix ? REASON_outbound_not_in_matrix
							  : REASON_outbound;
}
