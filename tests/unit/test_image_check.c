/* SPDX-License-Identifier: MIT */
/* Images with a wrong cell, which the checker must refuse or which must do no harm. */
#include "expect.h"

#include <errno.h>

#include "detail.h"
#include "draw_site.h"
#include "host_env.h"
#include "image_check.h"
#include "running.h"

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
	{"more records than are accepted", IN_HEADER, HEADER_N_RECORDS, RECORDS_MAX + 1,
	 "16385 records"},
	{"more records than there are", IN_HEADER, HEADER_N_RECORDS, RECORDS_MAX,
	 "the records leave the image"},
	{"sources", IN_HEADER, HEADER_SOURCES, 0x3fffff00, "sources at"},
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

/* A node that leads to itself: the lookup has an end, the checker's walk would have none. */
static void test_endless_path(void **state)
{
	char text[IMAGE_FAULT_TEXT];
	struct registries registries;
	struct pages image = {0};
	struct input input;
	__u32 root, node, table;

	(void)state;
	seed = 6;
	draw_input(&input);
	compile_input(&input, &registries, &image);
	root = image.page[0].cell[HEADER_ROOT6];
	assert_int_equal(root & CELL_KIND, CELL_POINTER);
	node = root & CELL_PAYLOAD;
	table = image.page[node >> PAGE_SHIFT].cell[(node & (PAGE_CELLS - 1)) + NODE_TABLE];
	image.page[table >> PAGE_SHIFT].cell[0] = root;
	image_seal(&image, 0);
	assert_int_equal(image_check(image.page, image.count, text), -EBADMSG);
	assert_memory_equal(text, "node ", 5);
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

	tests[count++] = (struct CMUnitTest)cmocka_unit_test(test_wrong_cells);
	tests[count++] = (struct CMUnitTest)cmocka_unit_test(test_endless_path);
	tests[count++] = (struct CMUnitTest)cmocka_unit_test(test_checksum);
	ADD_ROWS(tests, count, wrongs, test_wrong);
	failed = RUN_TESTS("image check", tests, count);
	free(host.cells);
	return failed;
}
