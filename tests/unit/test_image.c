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

static void write_site(FILE *out)
{
	struct prefix prefix;
	char text[PREFIX_TEXT];

	fprintf(out, "version: 1\ninterfaces: [eth0]\npools:\n");
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
			"  - {roles: [%s], ports: [%u-%u], protocols: [tcp, udp], from: [%s, \"%s\"]}\n",
			roles[draw(6)], 1000 + draw(500), 1500 + draw(4000), roles[draw(7)],
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

static bool plain_admits(const struct policy *policy, const struct grant *grant,
			 const struct prefix *source)
{
	const struct peers *peers = &policy->peers[grant->peers];
	size_t pool = plain_pool(policy, source);

	if (!grant->peers)
		return true;
	for (size_t i = 0; i < peers->n_pools; i++)
		if (peers->pools[i] == pool)
			return true;
	for (size_t i = 0; i < peers->n_prefixes; i++)
		if (prefix_covers(&peers->prefixes[i], source))
			return true;
	return false;
}

/* Id of the first row that opens the port, 0 = shut, ROW_OTHER_SOURCE = not to this source. */
static const char *plain_row(const struct policy *policy, const struct prefix *source, size_t pool,
			     enum transport transport, unsigned int port)
{
	const char *found = NULL;
	size_t best = (size_t)-1;
	bool open = false;

	for (size_t i = 0; i < policy->pools[pool].n_grants; i++) {
		const struct grant *grant = &policy->pools[pool].grants[i];

		if (grant->direction != DIRECTION_IN || grant->transport != transport ||
		    port < grant->ports.first || port > grant->ports.last)
			continue;
		open = true;
		if (grant->row < best && plain_admits(policy, grant, source)) {
			best = grant->row;
			found = policy->rows[grant->row]->id;
		}
	}
	return found ? found : open ? "another source" : "shut";
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

static void compare_lookup(const struct policy *policy, const struct registries *registries)
{
	struct book book = {.cells = host.cells, .mask = host.mask};
	unsigned int port = draw(2) ? draw(65536) : 440 + draw(6000);
	enum image_record table = draw(2) ? RECORD_TCP : RECORD_UDP;
	struct prefix source, destination;
	struct end from, to;
	size_t pool;
	__u32 row;

	draw_address(policy, &source);
	draw_address(policy, &destination);
	assert_true(classify(&book, source.family, &source.address, &from));
	assert_true(classify(&book, destination.family, &destination.address, &to));
	pool = plain_pool(policy, &destination);
	assert_int_equal(is_guarded(&to), pool != (size_t)-1 && policy->pools[pool].guarded);
	if (pool == (size_t)-1) {
		assert_int_equal(record_cell(&book, &to, RECORD_POOL), 0);
		return;
	}
	assert_string_equal(registries->pools.names[record_cell(&book, &to, RECORD_POOL)],
			    policy->pools[pool].name);
	row = find_row(&book, &to, table, (__u16)port, from.cell);
	assert_string_equal(row == ROW_NONE           ? "shut"
			    : row == ROW_OTHER_SOURCE ? "another source"
						      : registries->rows.names[row],
			    plain_row(policy, &source, pool,
				      table == RECORD_TCP ? TRANSPORT_TCP : TRANSPORT_UDP, port));
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
				assert_true(row == ROW_OTHER_SOURCE || row < ROW_IDS_MAX);
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
	{"magic", IN_HEADER, HEADER_MAGIC, 0, "not an image of layout 1"},
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
	{"a pool id", IN_RECORD, RECORD_POOL, POOL_IDS_MAX, "record 1: pool id 4096"},
	{"a row id", IN_RECORD, RECORD_TCP, ROW_IDS_MAX, "row id 1024"},
	{"a port page out", IN_RECORD, RECORD_UDP, CELL_POINTER | 0x3fff0000,
	 "0x7fff0000 leads nowhere in a port table"},
	{"a table by source out", IN_RECORD, RECORD_TCP, CELL_BY_SOURCE | 0x3fff0000,
	 "table by source"},
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
	struct CMUnitTest tests[32];
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
