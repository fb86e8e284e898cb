/* SPDX-License-Identifier: MIT */
#include "selftest.h"

#include <errno.h>
#include <search.h>
#include <stdio.h>

#include "cleanup.h"
#include "port_tables.h"
#include "progress.h"
#include "selftest_ask.h"
#include "selftest_hosts.h"
#include "selftest_peers.h"
#include "string_list.h"

/* What the prefixes of one pool and family are looked up by, once their pool was asked. */
struct service {
	bool asked;
	bool open; /* the next two hold */
	enum transport transport;
	unsigned int port; /* the first that somebody reaches */
	size_t peers; /* who: index into policy.peers */
	unsigned int shut; /* of TCP */
};

struct run {
	const struct policy *policy;
	struct asker asker;
	struct hosts hosts;
	struct peers_test peers;
	struct service *services; /* by host_group() */
	struct hsearch_data kinds; /* of pools that were asked in whole */
	char **keys;
	size_t n_keys;
	bool tc; /* which program gets every question; the other one gets some of each kind */
};

/* One pool that is being asked. */
struct subject {
	struct party own, outside;
	const struct opening *openings;
	size_t n_openings;
	bool whole; /* the first of its kind: what lies beside the openings, too */
};

static const struct party *outside_of(const struct run *run, const struct party *own)
{
	return &run->hosts.outside[own->address.family == FAMILY_IPV6];
}

static struct expectation from_to(const struct run *run, const struct party *source,
				  const struct party *destination)
{
	return (struct expectation){
		.policy = run->policy,
		.source = *source,
		.destination = *destination,
		.transport = TRANSPORT_TCP,
	};
}

/* --- a pool */

/* The ends of an opening and the ports beside it; not WHOLE: its first port alone. */
static int ask_opening(const struct run *run, const struct subject *subject,
		       const struct opening *opening, bool whole, bool tc)
{
	const struct port_range range = opening->ports;
	const int ports[] = {range.first, range.last, range.first - 1, range.last + 1};
	bool in = opening->direction == DIRECTION_IN;
	struct expectation expectation = from_to(run, in ? &subject->outside : &subject->own,
						 in ? &subject->own : &subject->outside);
	int err = 0;

	expectation.transport = opening->transport;
	for (int i = 0; i < (whole ? 4 : 1) && !err; i++) {
		if (ports[i] < 1 || ports[i] > 65535)
			continue;
		expectation.port = (unsigned int)ports[i];
		err = ask_packet(&run->asker, &expectation, tc);
	}
	return err;
}

/* IKE, and what the matrix does not mention: no row may be behind them. */
static int ask_others(const struct run *run, const struct subject *subject)
{
	static const unsigned int ports[] = {PORT_IKE, PORT_IKE_NAT, 9};
	struct expectation in = from_to(run, &subject->outside, &subject->own);
	struct expectation out = from_to(run, &subject->own, &subject->outside);
	int err = 0;

	in.transport = out.transport = TRANSPORT_UDP;
	for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]) && !err; i++) {
		in.port = out.port = ports[i];
		err = ask_packet(&run->asker, &in, run->tc);
		if (!err)
			err = ask_packet(&run->asker, &out, run->tc);
	}
	return err;
}

/* Every opening, so every row; of the first of a kind through the other program, too. */
static int ask_openings(struct run *run, const struct subject *subject)
{
	struct limited_pool limited = {
		.own = &subject->own,
		.openings = subject->openings,
		.n_openings = subject->n_openings,
		.whole = subject->whole,
		.tc = run->tc,
	};
	int err = 0;

	for (size_t i = 0; i < subject->n_openings && !err; i++) {
		const struct opening *opening = &subject->openings[i];

		err = ask_opening(run, subject, opening, subject->whole, run->tc);
		if (!err && subject->whole)
			err = ask_opening(run, subject, opening, false, !run->tc);
	}
	if (!err)
		err = ask_peers(&run->peers, &limited);
	if (err || !subject->whole)
		return err;
	limited.tc = !run->tc;
	err = ask_peers(&run->peers, &limited);
	return err ? err : ask_others(run, subject);
}

/* Whom one of the opening's conditions lets in, if anybody. */
static bool find_user(const struct run *run, const struct subject *subject,
		      const struct opening *opening, struct service *service)
{
	struct expectation expectation = from_to(run, &subject->outside, &subject->own);

	expectation.transport = opening->transport;
	expectation.port = opening->ports.first;
	for (size_t i = 0; i < opening->n_grants; i++) {
		size_t peers = opening->grants[i]->peers;

		if (peers && !host_admitted(&run->hosts, peers, &subject->own.address, 0,
					    &expectation.source))
			continue;
		if (expect_verdict(&expectation).reason != REASON_matrix)
			continue;
		service->open = true;
		service->peers = peers;
		service->transport = opening->transport;
		service->port = opening->ports.first;
		return true;
	}
	return false;
}

static void find_service(const struct run *run, const struct subject *subject,
			 struct service *service)
{
	static const unsigned int ports[] = {9, 1, 4242, 30000, 40000};
	struct expectation expectation = from_to(run, &subject->outside, &subject->own);

	for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
		service->shut = expectation.port = ports[i];
		if (expect_verdict(&expectation).reason == REASON_port_not_in_matrix)
			break;
	}
	for (size_t i = 0; i < subject->n_openings; i++)
		if (subject->openings[i].direction == DIRECTION_IN &&
		    find_user(run, subject, &subject->openings[i], service))
			break;
}

/* Pools with the same roles open the same; the first of each kind and family is asked in whole. */
static bool is_first_of_kind(struct run *run, const struct party *own)
{
	_cleanup_free_ char *roles = strings_join(&own->pool->roles, " ");
	ENTRY entry = {0}, *found;

	if (!roles || asprintf(&entry.key, "%u %s", own->address.family, roles) < 0)
		return true;
	if (hsearch_r(entry, FIND, &found, &run->kinds)) {
		free(entry.key);
		return false;
	}
	run->keys[run->n_keys++] = entry.key;
	hsearch_r(entry, ENTER, &found, &run->kinds);
	return true;
}

static int ask_pool(struct run *run, const struct party *own, struct service *service)
{
	struct subject subject = {.own = *own, .outside = *outside_of(run, own)};
	struct opening *openings;
	int err;

	service->asked = true;
	service->shut = 9;
	if (!own->pool->guarded)
		return 0;
	err = policy_openings(own->pool, &openings, &subject.n_openings);
	if (err)
		return err;
	subject.openings = openings;
	subject.whole = is_first_of_kind(run, own);
	err = ask_openings(run, &subject);
	if (!err)
		find_service(run, &subject, service);
	openings_free(openings, subject.n_openings);
	return err;
}

/* --- a prefix */

/* True for all of them, or for as many as are looked up, evenly. */
static bool is_looked_up(const struct policy *policy, size_t index)
{
	__u64 n = policy->n_prefixes, most = SELFTEST_LOOKUPS_MAX;

	return n <= most || index * most / n != (index + 1) * most / n;
}

/* A port that is shut, and one that is not; the first tells whose address it is in the other program. */
static int look_up(const struct run *run, const struct party *own, const struct service *service)
{
	struct expectation shut = from_to(run, outside_of(run, own), own), open = shut;
	bool ask_open = service->open &&
			(!service->peers || host_admitted(&run->hosts, service->peers,
							  &own->address, 0, &open.source));
	int err;

	shut.port = service->shut;
	open.transport = service->transport;
	open.port = service->port;
	err = ask_packet(&run->asker, &shut, run->tc);
	if (!err && ask_open)
		err = ask_packet(&run->asker, &open, run->tc);
	return err ? err : ask_packet(&run->asker, &shut, !run->tc);
}

static int ask_prefix(struct run *run, size_t index)
{
	const struct policy_prefix *held = &run->policy->prefixes[index];
	struct service *service = &run->services[host_group(held->pool, held->prefix.family)];
	bool looked_up = is_looked_up(run->policy, index);
	struct party own;
	int err = 0;

	if ((service->asked && !looked_up) || !host_of_prefix(run->policy, index, 0, &own) ||
	    !outside_of(run, &own)->address.family)
		return 0;
	if (!service->asked) {
		err = ask_pool(run, &own, service);
		looked_up = true;
	}
	return err || !looked_up ? err : look_up(run, &own, service);
}

/* --- the whole */

/* The kind of program that the site's interfaces use, if it is only one; a change may need both. */
static bool is_all_tc(const struct site *site)
{
	for (size_t i = 0; i < site->n_interfaces; i++)
		if (site->interfaces[i].hook != HOOK_TC)
			return false;
	return site->n_interfaces;
}

static int run_init(struct selftest *test, struct run *run)
{
	const struct policy *policy = test->policy;
	size_t groups = policy->n_pools * 2 + 1;
	int err = asker_init(test, &run->asker);

	run->policy = policy;
	run->tc = is_all_tc(policy->site);
	run->services = calloc(groups, sizeof(*run->services));
	run->keys = calloc(groups, sizeof(*run->keys));
	run->peers = (struct peers_test){
		.asker = &run->asker,
		.hosts = &run->hosts,
		.asked = calloc(policy->n_peers + 1, sizeof(*run->peers.asked)),
	};
	if (err || !run->services || !run->keys || !run->peers.asked ||
	    !hcreate_r(groups * 2 + 8, &run->kinds))
		return -ENOMEM;
	return hosts_find(policy, &run->hosts);
}

static void run_free(struct run *run)
{
	hdestroy_r(&run->kinds);
	for (size_t i = 0; i < run->n_keys; i++)
		free(run->keys[i]);
	free(run->keys);
	free(run->services);
	free(run->peers.asked);
	hosts_free(&run->hosts);
	asker_free(&run->asker);
}

int selftest_run(struct selftest *test)
{
	_cleanup_(run_free) struct run run = {0};
	int err = run_init(test, &run);
	struct progress progress;

	progress_begin(&progress, "self-test", "prefixes");
	for (size_t i = 0; i < test->policy->n_prefixes && !err; i++) {
		progress_step(&progress, i, test->policy->n_prefixes);
		err = ask_prefix(&run, i);
	}
	return err ? err : ask_pairs(test, &run.hosts);
}
