/* SPDX-License-Identifier: MIT */
/*
 * Images of random sites, read by the program's own classify.h and held against a plain search
 * through the policy; and images with a wrong cell, which the checker must refuse or which must do
 * no harm.
 */
#include "expect.h"

#include <stdio.h>

#include <errno.h>

#include "compile.h"
#include "host_env.h"
#include "image_check.h"
#include "input.h"
#include "role_sets.h"
#include "running.h"

#define POOLS 12
#define SITES 25
#define LOOKUPS 4000

static const char *const roles[] = {"front-end", "director",      "mediation",    "client",
				    "ip-phone",  "front-end-cms", "reverse-proxy"};

static __u32 seed = 1;

static __u32 draw(__u32 below)
{
	seed = seed * 1664525U + 1013904223U;
	return (seed >> 8) % below;
}

/* A prefix near 10.0.0.0/8 or 2001:db8::/32, so that many nest; host bits cleared. */
static void draw_prefix(bool ip6, struct prefix *prefix)
{
	static const __u8 base6[] = {0x20, 0x01, 0x0d, 0xb8, 0, 1};

	*prefix = (struct prefix){.family = ip6 ? FAMILY_IPV6 : FAMILY_IPV4};
	prefix->length = (__u8)(ip6 ? 33 + draw(96) : 9 + draw(24));
	if (ip6)
		memcpy(prefix->address.byte, base6, sizeof(base6));
	else
		prefix->address.byte[0] = 10;
	for (unsigned int bit = ip6 ? 32 : 8; bit < prefix->length; bit++)
		if (draw(5) == 0)
			prefix->address.byte[bit / 8] |= (__u8)(0x80 >> bit % 8);
		else
			prefix->address.byte[bit / 8] &= (__u8) ~(0x80 >> bit % 8);
	for (unsigned int bit = prefix->length; bit < (ip6 ? 128U : 32U); bit++)
		prefix->address.byte[bit / 8] &= (__u8) ~(0x80 >> bit % 8);
}

/* Prefixes as they come, one of them given twice now and then. */
static void write_prefixes(FILE *out, __u32 count)
{
	struct prefix prefix;
	char text[PREFIX_TEXT];

	for (__u32 i = 0; i < count; i++) {
		draw_prefix(draw(2), &prefix);
		fprintf(out, "%s\"%s\"", i ? ", " : "", prefix_format(&prefix, text, sizeof(text)));
	}
}

/* Ports that rows and clients have too, so that they meet. */
static void write_options(FILE *out)
{
	fprintf(out, "profile: %s\noutbound: %s\nunlisted: %s\n",
		draw(2) ? "literal" : "least-privilege", draw(3) ? "matrix" : "open",
		draw(2) ? "pass" : "drop");
	if (draw(2)) {
		fprintf(out, "failsafe: {ports: [22/tcp, 400-500/udp, %u-%u/tcp], from: [",
			1000 + draw(500), 1500 + draw(4000));
		write_prefixes(out, 3);
		fprintf(out, "]}\n");
	}
	if (draw(2)) {
		fprintf(out, "ipsec:\n  - between: [%s, ", roles[draw(7)]);
		write_prefixes(out, 1);
		fprintf(out, "]\n  - between: [%s, %s]\n", roles[draw(7)], roles[draw(7)]);
	}
}

static void write_site(FILE *out)
{
	struct prefix prefix;
	char text[PREFIX_TEXT];

	fprintf(out, "version: 1\ninterfaces: [eth0]\n");
	write_options(out);
	fprintf(out, "pools:\n");
	for (int pool = 0; pool < POOLS; pool++) {
		fprintf(out, "  - name: p%d\n    roles: [%s]\n    addresses:\n", pool,
			roles[draw(7)]);
		for (__u32 i = 0, n = 1 + draw(6); i < n; i++) {
			draw_prefix(draw(2), &prefix);
			fprintf(out, "      - %s\n", prefix_format(&prefix, text, sizeof(text)));
		}
	}
	fprintf(out, "extra:\n");
	for (int row = 0; row < 4; row++) {
		draw_prefix(draw(2), &prefix);
		fprintf(out,
			"  - {roles: [%s], ports: [%u-%u], protocols: [tcp, udp], %s: [%s, \"%s\"]}\n",
			roles[draw(6)], 300 + draw(1200), 1500 + draw(4000),
			row % 2 ? "from" : "direction: out, to", roles[draw(7)],
			prefix_format(&prefix, text, sizeof(text)));
	}
}

/* A site of this seed that resolves; drawn anew where prefixes of two pools collide. */
static void draw_input(struct input *input)
{
	struct diagnostics diags = {0};
	char path[] = "/tmp/rolewall-test-image-XXXXXX";
	int fd = mkstemp(path), err;
	FILE *out = fdopen(fd, "w");

	assert_non_null(out);
	do {
		rewind(out);
		assert_int_equal(ftruncate(fd, 0), 0);
		write_site(out);
		fflush(out);
		err = input_load(path, input, &diags);
		diag_free(&diags);
		if (err)
			input_free(input);
	} while (err);
	fclose(out);
	unlink(path);
}

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

/* An address at, beside or inside a prefix of the site, or anywhere near. */
static void draw_address(const struct policy *policy, struct prefix *address)
{
	const struct prefix *prefix = &policy->prefixes[draw((__u32)policy->n_prefixes)].prefix;
	unsigned int bytes = prefix->family == FAMILY_IPV4 ? 4 : 16;

	*address = *prefix;
	address->length = (__u8)(bytes * 8);
	switch (draw(4)) {
	case 0:
		return;
	case 1: /* the last one */
		for (unsigned int bit = prefix->length; bit < bytes * 8; bit++)
			address->address.byte[bit / 8] |= (__u8)(0x80 >> bit % 8);
		return;
	case 2: /* one bit off */
		address->address.byte[draw(bytes)] ^= (__u8)(1 << draw(8));
		return;
	default:
		for (unsigned int bit = prefix->length; bit < bytes * 8; bit++)
			if (draw(2))
				address->address.byte[bit / 8] |= (__u8)(0x80 >> bit % 8);
	}
}

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

static void compile_input(const struct input *input, struct registries *registries,
			  struct pages *image)
{
	struct diagnostics diags = {0};

	assert_int_equal(registries_init(registries), 0);
	assert_int_equal(policy_compile(&input->policy, registries, image, &diags), 0);
	assert_int_equal(diags.errors, 0);
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

/* Writes over cells of every structure; what the checker lets through is read without a fault. */
static void test_wrong_cells(void **state)
{
	struct registries registries;
	struct pages image = {0};
	struct input input;
	size_t refused = 0;

	(void)state;
	seed = 99;
	draw_input(&input);
	compile_input(&input, &registries, &image);
	for (int i = 0; i < 4000; i++) {
		char text[IMAGE_FAULT_TEXT];
		size_t address = draw((__u32)(image.count * PAGE_CELLS));
		__u32 *cell = &image.page[address >> PAGE_SHIFT].cell[address & (PAGE_CELLS - 1)];
		__u32 old = *cell;

		*cell = draw(2) ? draw(4) << 30 | draw(1U << 24) : old ^ (1U << draw(32));
		image_seal(&image, 0);
		if (image_check(image.page, image.count, text)) {
			refused++;
		} else {
			host_load(image.page, image.count);
			for (int k = 0; k < 20; k++) {
				struct book book = {.cells = host.cells, .mask = host.mask};
				struct prefix address6;
				struct end end;
				__u32 row;

				draw_address(&input.policy, &address6);
				/* What the checker let through leads to a record and to a row. */
				assert_true(
					classify(&book, address6.family, &address6.address, &end));
				assert_in_range(record_id(end.cell), 0,
						image.page[0].cell[HEADER_N_RECORDS] - 1);
				row = find_row(&book, &end, RECORD_TCP, (__u16)draw(65536),
					       end.cell);
				assert_true(row == ROW_OTHER_SOURCE || row < ROW_IDS_MAX ||
					    reason_of(row));
				row = find_outbound(&book, &end, PROTOCOL_UDP, (__u16)draw(65536),
						    end.cell);
				assert_true(row < ROW_IDS_MAX || reason_of(row));
			}
		}
		*cell = old;
	}
	assert_in_range(refused, 400, 4000);
	pages_free(&image);
	registries_free(&registries);
	input_free(&input);
}

/* One wrong cell of each structure, and what the checker says of it. */
struct wrong {
	const char *name;
	enum { IN_HEADER, IN_ROOT4, IN_NODE6, IN_RECORD } where;
	__u32 offset, value;
	const char *says;
};

static const struct wrong wrongs[] = {
	{"magic", IN_HEADER, HEADER_MAGIC, 0, "not an image of layout 2"},
	{"pages", IN_HEADER, HEADER_PAGES, 7, "7 pages in the header"},
	{"no records", IN_HEADER, HEADER_N_RECORDS, 0, "0 records"},
	{"description", IN_HEADER, HEADER_DESCRIPTION, 0x3fffff00, "description at"},
	{"a record past the last", IN_ROOT4, 0, IMAGE_RECORDS + 16000 * RECORD_CELLS,
	 "cell 0x100: no record"},
	{"inside a record", IN_ROOT4, 1, IMAGE_RECORDS + 1, "cell 0x101: no record"},
	{"a pointer to the header", IN_ROOT4, 0, CELL_POINTER,
	 "cell 0x100: 0x40000000 leads nowhere"},
	{"a pointer out", IN_ROOT4, 0, CELL_POINTER | 0x3fff0000,
	 "cell 0x100: 0x7fff0000 leads nowhere"},
	{"a kind the trie has not", IN_ROOT4, 0, CELL_BY_SOURCE,
	 "cell 0x100: 0x80000000 leads nowhere"},
	{"a depth behind the address", IN_NODE6, NODE_DEPTH, 16, "node"},
	{"a table out", IN_NODE6, NODE_TABLE, 0x3fff0000, "node"},
	{"a table off its page", IN_NODE6, NODE_TABLE, IMAGE_RECORDS + 1, "node"},
	{"a default that is no record", IN_NODE6, NODE_DEFAULT,
	 IMAGE_RECORDS + 16000 * RECORD_CELLS, "node"},
	{"a pool id", IN_RECORD, RECORD_POOL, POOL_IDS_MAX, "record 1: pool and roles 0x1000"},
	{"a role set id", IN_RECORD, RECORD_POOL, POOL_CELL(1, ROLE_SETS_MAX),
	 "record 1: pool and roles 0x400001"},
	{"roles of nobody", IN_HEADER, HEADER_UNREAD, 0, "0 for addresses not looked up"},
	{"a row id", IN_RECORD, RECORD_TCP, ROW_IDS_MAX, "row id 1024 in a port table"},
	{"a reason that no table has", IN_RECORD, RECORD_TCP, REASON_CELL(REASON_matrix),
	 "reason "},
	{"a reason and a row", IN_RECORD, RECORD_UDP, REASON_CELL(REASON_failsafe) | 1, "reason "},
	{"shut in an outbound table", IN_RECORD, RECORD_OUT_TCP,
	 REASON_CELL(REASON_port_not_in_matrix), "reason "},
	{"outbound in a port table", IN_RECORD, RECORD_TCP, REASON_CELL(REASON_outbound),
	 "reason "},
	{"an outbound table out", IN_RECORD, RECORD_OUT_UDP, CELL_POINTER | 0x3fff0000,
	 "0x7fff0000 leads nowhere in an outbound table"},
	{"a row for IPsec", IN_RECORD, RECORD_IPSEC_IN, 1, "row id 1 in a cell for IPsec"},
	{"a page for IPsec", IN_RECORD, RECORD_IPSEC_OUT, CELL_POINTER | IMAGE_ROOT4,
	 "0x40000100 leads nowhere in a cell for IPsec"},
	{"a port page out", IN_RECORD, RECORD_UDP, CELL_POINTER | 0x3fff0000,
	 "0x7fff0000 leads nowhere in a port table"},
	{"a table by source out", IN_RECORD, RECORD_TCP, CELL_BY_SOURCE | 0x3fff0000,
	 "table by record"},
	{"a fault", IN_RECORD, RECORD_TCP, CELL_FAULT, "0xc0000000 leads nowhere in a port table"},
};

static void test_wrong(void **state)
{
	const struct wrong *wrong = *state;
	char text[IMAGE_FAULT_TEXT];
	struct registries registries;
	struct pages image = {0};
	struct input input;
	__u32 address[4], at;

	seed = 4;
	draw_input(&input);
	compile_input(&input, &registries, &image);
	address[IN_HEADER] = 0;
	address[IN_ROOT4] = IMAGE_ROOT4;
	address[IN_NODE6] = image.page[0].cell[HEADER_ROOT6] & CELL_PAYLOAD;
	address[IN_RECORD] = IMAGE_RECORDS + RECORD_CELLS;
	assert_int_equal(image.page[0].cell[HEADER_ROOT6] & CELL_KIND, CELL_POINTER);
	at = address[wrong->where] + wrong->offset;
	image.page[at >> PAGE_SHIFT].cell[at & (PAGE_CELLS - 1)] = wrong->value;
	image_seal(&image, 0);
	assert_int_equal(image_check(image.page, image.count, text), -EBADMSG);
	assert_memory_equal(text, wrong->says, strlen(wrong->says));
	pages_free(&image);
	registries_free(&registries);
	input_free(&input);
}

static void test_checksum(void **state)
{
	char text[IMAGE_FAULT_TEXT];
	struct registries registries;
	struct pages image = {0};
	struct input input;

	(void)state;
	seed = 5;
	draw_input(&input);
	compile_input(&input, &registries, &image);
	image.page[image.count - 1].cell[PAGE_CELLS - 1] ^= 1;
	assert_int_equal(image_check(image.page, image.count, text), -EBADMSG);
	assert_string_equal(text, "the checksum differs");
	pages_free(&image);
	registries_free(&registries);
	input_free(&input);
}

int main(void)
{
	struct CMUnitTest tests[48];
	size_t count = 0;
	int failed;

	tests[count++] = (struct CMUnitTest)cmocka_unit_test(test_lookups);
	tests[count++] = (struct CMUnitTest)cmocka_unit_test(test_deterministic);
	tests[count++] = (struct CMUnitTest)cmocka_unit_test(test_wrong_cells);
	tests[count++] = (struct CMUnitTest)cmocka_unit_test(test_checksum);
	ADD_ROWS(tests, count, wrongs, test_wrong);
	failed = RUN_TESTS("image", tests, count);
	free(host.cells);
	return failed;
}
