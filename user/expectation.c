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

/* The pools are sorted. */
static bool among(const struct peers *peers, size_t pool)
{
	size_t low = 0, high = peers->n_pools;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (peers->pools[middle] < pool)
			low = middle + 1;
		else
			high = middle;
	}
	return low < peers->n_pools && peers->pools[low] == pool;
}

bool expect_admits(const struct policy *policy, size_t peers, const struct party *party)
{
	const struct peers *condition = &policy->peers[peers];

	return !peers || (party->pool && among(condition, (size_t)(party->pool - policy->pools))) ||
	       covered(condition, &party->address);
}

bool expect_guarded(const struct party *party)
{
	return party->pool && party->pool->guarded;
}

static bool is_failsafe(const struct expectation *expectation)
{
	const struct policy *policy = expectation->policy;
	const struct site *site = policy->site;

	for (size_t i = 0; i < site->n_failsafe_ports && policy->failsafe; i++) {
		const struct failsafe_port *port = &site->failsafe_ports[i];

		if (port->transport == expectation->transport &&
		    expectation->port >= port->ports.first && expectation->port <= port->ports.last)
			return expect_admits(policy, policy->failsafe, &expectation->source);
	}
	return false;
}

static bool is_exempt(const struct party *party)
{
	return expect_guarded(party) && party->pool->ipsec_exempt;
}

/* 0 where IPsec's rules have nothing to say. */
static enum reason expect_ipsec(const struct expectation *expectation)
{
	const struct policy *policy = expectation->policy;
	const struct party *one = &expectation->source, *other = &expectation->destination;

	if (!is_ike_port(expectation->transport, expectation->port))
		return REASON_undecided;
	for (size_t i = 0; i < policy->n_ipsec; i++) {
		const size_t *ends = policy->ipsec[i].peers;

		if ((expect_admits(policy, ends[0], one) &&
		     expect_admits(policy, ends[1], other)) ||
		    (expect_admits(policy, ends[1], one) && expect_admits(policy, ends[0], other)))
			return REASON_ipsec;
	}
	return is_exempt(one) || is_exempt(other) ? REASON_ipsec_exempt : REASON_undecided;
}

static bool opens(const struct expectation *expectation, enum row_side side,
		  const struct grant *grant)
{
	return grant->direction == (side == SIDE_OF_SOURCE ? DIRECTION_OUT : DIRECTION_IN) &&
	       grant->transport == expectation->transport &&
	       expectation->port >= grant->ports.first && expectation->port <= grant->ports.last;
}

/* What the grants of one side say of the port. */
struct said {
	bool open; /* to somebody */
	bool admits; /* to the other side */
	bool starts; /* the other side is known to start such connections */
};

static struct said ask_side(const struct expectation *expectation, enum row_side side)
{
	const struct policy *policy = expectation->policy;
	bool is_source = side == SIDE_OF_SOURCE;
	const struct party *own = is_source ? &expectation->source : &expectation->destination;
	const struct party *other = is_source ? &expectation->destination : &expectation->source;
	struct said said = {0};

	for (size_t i = 0; i < own->pool->n_grants; i++) {
		const struct grant *grant = &own->pool->grants[i];

		if (!opens(expectation, side, grant))
			continue;
		said.open = true;
		said.admits = said.admits || expect_admits(policy, grant->peers, other);
		said.starts = said.starts || expect_admits(policy, grant->initiators, other);
	}
	return said;
}

bool expect_row(const struct expectation *expectation, enum row_side side, size_t row)
{
	bool is_source = side == SIDE_OF_SOURCE;
	const struct party *own = is_source ? &expectation->source : &expectation->destination;
	const struct party *other = is_source ? &expectation->destination : &expectation->source;

	for (size_t i = 0; i < own->pool->n_grants; i++) {
		const struct grant *grant = &own->pool->grants[i];

		if (grant->row == row && opens(expectation, side, grant) &&
		    expect_admits(expectation->policy, grant->peers, other))
			return true;
	}
	return false;
}

/* `asymmetric: true`; in TCP the packet is a SYN, never a reply. */
static bool may_be_reply(const struct expectation *expectation)
{
	return expectation->policy->site->asymmetric && expectation->transport == TRANSPORT_UDP &&
	       expectation->port >= FIRST_DYNAMIC_PORT;
}

struct expected expect_arrival(const struct expectation *expectation)
{
	struct said said = ask_side(expectation, SIDE_OF_DESTINATION);
	enum reason ipsec = expect_ipsec(expectation);

	if (is_failsafe(expectation))
		return (struct expected){.reason = REASON_failsafe};
	if (ipsec == REASON_ipsec)
		return (struct expected){.reason = ipsec};
	if (said.admits)
		return (struct expected){REASON_matrix, SIDE_OF_DESTINATION};
	if (ipsec)
		return (struct expected){.reason = ipsec};
	if (may_be_reply(expectation))
		return (struct expected){.reason = REASON_asymmetric};
	return (struct expected){.reason = said.open ? REASON_source_not_allowed
						     : REASON_port_not_in_matrix};
}

/* From a guarded host. What the destination says of IPsec, if it is guarded, has been heard. */
static struct expected expect_departure(const struct expectation *expectation)
{
	bool to_guarded = expect_guarded(&expectation->destination);
	enum reason ipsec = to_guarded ? REASON_undecided : expect_ipsec(expectation);

	if (ipsec == REASON_ipsec)
		return (struct expected){.reason = ipsec};
	if (!expectation->policy->site->outbound_matrix)
		return (struct expected){.reason = ipsec ? ipsec : REASON_outbound};
	if (ask_side(expectation, SIDE_OF_SOURCE).admits)
		return (struct expected){REASON_matrix, SIDE_OF_SOURCE};
	if (ipsec)
		return (struct expected){.reason = ipsec};
	if (to_guarded && ask_side(expectation, SIDE_OF_DESTINATION).starts)
		return (struct expected){.reason = REASON_outbound};
	return (struct expected){.reason = REASON_outbound_not_in_matrix};
}

/* Neither end is guarded. */
static struct expected expect_transit(const struct expectation *expectation)
{
	if (!expectation->policy->site->unlisted_drop)
		return (struct expected){.reason = REASON_transit};
	return (struct expected){.reason = is_failsafe(expectation) ? REASON_failsafe
								    : REASON_unlisted};
}

/* Both sides have to let it pass; failsafe and IPsec that is permitted come before the source's. */
struct expected expect_verdict(const struct expectation *expectation)
{
	bool to_guarded = expect_guarded(&expectation->destination);
	struct expected found = {.reason = REASON_outbound}, own;

	if (!to_guarded && !expect_guarded(&expectation->source))
		return expect_transit(expectation);
	if (to_guarded)
		found = expect_arrival(expectation);
	if (!expect_guarded(&expectation->source) || found.reason < FIRST_PASS_REASON ||
	    found.reason == REASON_failsafe || found.reason == REASON_ipsec)
		return found;
	own = expect_departure(expectation);
	return to_guarded && own.reason >= FIRST_PASS_REASON ? found : own;
}
