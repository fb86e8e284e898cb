/* SPDX-License-Identifier: MIT */
/*
 * Images of random sites, read by the program's own classify.h and held against a plain search
 * through the policy.
 */
#include <errno.h>

#include "expect.h"

#include "draw_site.h"
#include "host_env.h"
#include "image_check.h"
#include "role_sets.h"
#include "running.h"

#define SITES 25
#define LOOKUPS 4000

/* --- the plain search */

static size_t plain_pool(const struct policy *policy, const struct prefix *address)
{
	size_t best = (size_t)-1;
	int length = -1;

	for (size_t i = 0; i < policy->n_prefixes; i++)
		if (prefix_covers(&policy->prefixes[i].prefix, address) &&
		    policy->prefixes[i].prefix.length > length) {
			length = policy->prefixes[i].prefix.length;
			best = policy->prefixes[i].pool;
		}
	return best;
}

static bool plain_matches(const struct policy *policy, size_t index, const struct prefix *address)
{
	const struct peers *peers = &policy->peers[index];
	size_t pool = plain_pool(policy, address);

	if (!index)
		return true;
	for (size_t i = 0; i < peers->n_pools; i++)
		if (peers->pools[i] == pool)
			return true;
	for (size_t i = 0; i < peers->n_prefixes; i++)
		if (prefix_covers(&peers->prefixes[i], address))
			return true;
	return false;
}

static const struct policy_pool *plain_guard(const struct policy *policy,
					     const struct prefix *address)
{
	size_t pool = plain_pool(policy, address);

	return pool != (size_t)-1 && policy->pools[pool].guarded ? &policy->pools[pool] : NULL;
}

/* A question to the policy: two ends, a transport and a port. */
struct lookup {
	const struct policy *policy;
	struct prefix source, destination;
	enum transport transport;
	unsigned int port;
};

static bool plain_covers(const struct lookup *lookup, const struct grant *grant,
			 enum direction direction)
{
	return grant->direction == direction && grant->transport == lookup->transport &&
	       lookup->port >= grant->ports.first && lookup->port <= grant->ports.last;
}

/* Id of the first row that opens the port. */
static const char *plain_row(const struct lookup *lookup)
{
	const struct policy_pool *pool = plain_guard(lookup->policy, &lookup->destination);
	const char *found = NULL;
	size_t best = (size_t)-1;
	bool open = false;

	for (size_t i = 0; pool && i < pool->n_grants; i++) {
		const struct grant *grant = &pool->grants[i];

		if (!plain_covers(lookup, grant, DIRECTION_IN))
			continue;
		open = true;
		if (grant->row < best &&
		    plain_matches(lookup->policy, grant->peers, &lookup->source)) {
			best = grant->row;
			found = lookup->policy->rows[grant->row]->id;
		}
	}
	return found ? found : open ? "another source" : "shut";
}

/* What IPsec's rules say of the two ends, NULL = nothing. */
static const char *plain_ipsec(const struct lookup *lookup)
{
	const struct policy *policy = lookup->policy;
	const struct prefix *ends[] = {&lookup->source, &lookup->destination};

	for (size_t i = 0; i < policy->n_ipsec; i++)
		for (int turn = 0; turn < 2; turn++)
			if (plain_matches(policy, policy->ipsec[i].peers[0], ends[turn]) &&
			    plain_matches(policy, policy->ipsec[i].peers[1], ends[!turn]))
				return "ipsec";
	for (int end = 0; end < 2; end++)
		if (plain_guard(policy, ends[end]) && plain_guard(policy, ends[end])->ipsec_exempt)
			return "ipsec_exempt";
	return NULL;
}

static bool plain_is_ike(const struct lookup *lookup)
{
	return lookup->transport == TRANSPORT_UDP && (lookup->port == 500 || lookup->port == 4500);
}

/* The words that are no row's id have no slash. */
static bool is_row_id(const char *said)
{
	return strchr(said, '/');
}

static const char *plain_inbound(const struct lookup *lookup)
{
	const struct site *site = lookup->policy->site;
	bool guarded = plain_guard(lookup->policy, &lookup->destination);

	if (!guarded && !site->unlisted_drop)
		return "shut"; /* nobody asks */
	for (size_t i = 0; i < site->n_failsafe_ports; i++) {
		const struct failsafe_port *port = &site->failsafe_ports[i];

		if (port->transport == lookup->transport && lookup->port >= port->ports.first &&
		    lookup->port <= port->ports.last &&
		    plain_matches(lookup->policy, lookup->policy->failsafe, &lookup->source))
			return "failsafe";
	}
	if (!guarded || !plain_is_ike(lookup) || !plain_ipsec(lookup))
		return plain_row(lookup);
	return strcmp(plain_ipsec(lookup), "ipsec") && is_row_id(plain_row(lookup))
		       ? plain_row(lookup)
		       : plain_ipsec(lookup);
}

/* Does an inbound row of the destination name the source as one who starts such connections? */
static bool plain_known(const struct lookup *lookup)
{
	const struct policy_pool *pool = plain_guard(lookup->policy, &lookup->destination);

	for (size_t i = 0; pool && i < pool->n_grants; i++)
		if (plain_covers(lookup, &pool->grants[i], DIRECTION_IN) &&
		    plain_matches(lookup->policy, pool->grants[i].initiators, &lookup->source))
			return true;
	return false;
}

static const char *plain_outbound(const struct lookup *lookup)
{
	const struct policy_pool *pool = plain_guard(lookup->policy, &lookup->source);
	bool guarded = plain_guard(lookup->policy, &lookup->destination);
	const char *found = NULL, *ipsec = NULL;
	size_t best = (size_t)-1;

	if (!guarded && plain_is_ike(lookup))
		ipsec = plain_ipsec(lookup);
	if (ipsec && !strcmp(ipsec, "ipsec"))
		return ipsec;
	if (!lookup->policy->site->outbound_matrix)
		return ipsec ? ipsec : "outbound";
	for (size_t i = 0; i < pool->n_grants; i++) {
		const struct grant *grant = &pool->grants[i];

		if (plain_covers(lookup, grant, DIRECTION_OUT) && grant->row < best &&
		    plain_matches(lookup->policy, grant->peers, &lookup->destination)) {
			best = grant->row;
			found = lookup->policy->rows[grant->row]->id;
		}
	}
	if (found || ipsec)
		return found ? found : ipsec;
	return plain_known(lookup) ? "outbound" : "not in a row";
}

/* --- comparison */

static const char *value_text(const struct registries *registries, __u32 value, const char *none)
{
	if (is_row(value))
		return registries->rows.names[value];
	if (!value)
		return none;
	if (value == REASON_CELL(REASON_port_not_in_matrix))
		return "shut";
	return value == ROW_OTHER_SOURCE ? "another source" : reason_name(reason_of(value));
}

static void compare_outbound(const struct lookup *lookup, const struct registries *registries,
			     const struct end *from, const struct end *to)
{
	struct book book = {.cells = host.cells, .mask = host.mask};
	__u8 protocol = lookup->transport == TRANSPORT_TCP ? PROTOCOL_TCP : PROTOCOL_UDP;
	bool to_guarded = is_guarded(to);
	const char *ipsec = to_guarded ? NULL : plain_ipsec(lookup);

	assert_string_equal(
		value_text(registries,
			   find_outbound(&book, from, protocol, (__u16)lookup->port, to->cell),
			   "not in a row"),
		plain_outbound(lookup));
	assert_string_equal(value_text(registries,
				       record_value(&book, from, RECORD_IPSEC_OUT, to->cell),
				       "no IPsec"),
			    ipsec ? ipsec : "no IPsec");
}

static void compare_pool(const struct policy_pool *pool, const struct registries *registries,
			 __u32 value)
{
	char held[ROLE_SET_TEXT];

	role_set_text(&pool->roles, held);
	assert_string_equal(registries->pools.names[POOL_OF(value)], pool->name);
	assert_string_equal(registries->role_sets.names[ROLES_OF(value)], held);
}

static void compare_lookup(const struct policy *policy, const struct registries *registries)
{
	struct book book = {.cells = host.cells, .mask = host.mask};
	struct lookup lookup = {
		.policy = policy,
		.port = draw(4)   ? 300 + draw(6000)
			: draw(2) ? draw(65536)
				  : 500 * (1 + 8 * draw(2)),
		.transport = draw(2) ? TRANSPORT_TCP : TRANSPORT_UDP,
	};
	enum image_record table = lookup.transport == TRANSPORT_TCP ? RECORD_TCP : RECORD_UDP;
	const char *ipsec;
	struct end from, to;
	size_t pool;

	draw_address(policy, &lookup.source);
	draw_address(policy, &lookup.destination);
	assert_true(classify(&book, lookup.source.family, &lookup.source.address, &from));
	assert_true(classify(&book, lookup.destination.family, &lookup.destination.address, &to));
	pool = plain_pool(policy, &lookup.destination);
	assert_int_equal(is_guarded(&to), pool != (size_t)-1 && policy->pools[pool].guarded);
	if (pool == (size_t)-1)
		assert_int_equal(record_cell(&book, &to, RECORD_POOL), 0);
	else
		compare_pool(&policy->pools[pool], registries,
			     record_cell(&book, &to, RECORD_POOL));
	assert_string_equal(value_text(registries,
				       find_row(&book, &to, table, (__u16)lookup.port, from.cell),
				       "shut"),
			    plain_inbound(&lookup));
	ipsec = is_guarded(&to) ? plain_ipsec(&lookup) : NULL;
	assert_string_equal(value_text(registries,
				       record_value(&book, &to, RECORD_IPSEC_IN, from.cell),
				       "no IPsec"),
			    ipsec ? ipsec : "no IPsec");
	if (is_guarded(&from))
		compare_outbound(&lookup, registries, &from, &to);
}

static void test_lookups(void **state)
{
	(void)state;
	for (seed = 1; seed <= SITES; seed++) {
		__u32 site_seed = seed;
		char text[IMAGE_FAULT_TEXT];
		struct registries registries;
		struct pages image = {0};
		struct input input;

		draw_input(&input);
		compile_input(&input, &registries, &image);
		assert_int_equal(image_check(image.page, image.count, text), 0);
		host_load(image.page, image.count);
		for (int i = 0; i < LOOKUPS; i++)
			compare_lookup(&input.policy, &registries);
		pages_free(&image);
		registries_free(&registries);
		input_free(&input);
		seed = site_seed;
	}
}

static void test_deterministic(void **state)
{
	struct registries first_ids, second_ids;
	struct pages first = {0}, second = {0};
	struct input input;

	(void)state;
	seed = 77;
	draw_input(&input);
	compile_input(&input, &first_ids, &first);
	compile_input(&input, &second_ids, &second);
	assert_int_equal(first.count, second.count);
	assert_memory_equal(first.page, second.page, first.count * sizeof(*first.page));
	pages_free(&first);
	pages_free(&second);
	registries_free(&first_ids);
	registries_free(&second_ids);
	input_free(&input);
}

static void limits_pages(void **state)
{
	struct pages pages = {0};
	int error;

	(void)state;
	pages_add(&pages, IMAGE_PAGES_MAX, &error);
	assert_int_equal(error, 0);
	assert_int_equal(pages.count, 262144);
	pages_add(&pages, 1, &error);
	assert_int_equal(error, -ENOSPC);
	assert_int_equal(pages_intern(&pages, pages.page, &error), 0);
	assert_int_equal(error, -ENOSPC);
	assert_int_equal(pages.count, IMAGE_PAGES_MAX);
	pages_free(&pages);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lookups),
		cmocka_unit_test(test_deterministic),
		cmocka_unit_test(limits_pages),
	};
	int failed = RUN_TESTS("image", tests, 3);

	free(host.cells);
	return failed;
}
