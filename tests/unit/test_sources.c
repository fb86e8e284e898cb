/* SPDX-License-Identifier: MIT */
/* An image gives back what it was made of, and says so where it cannot. */
#include "expect.h"

#include <errno.h>

#include "draw_site.h"
#include "policy_diff.h"
#include "sources.h"
#include "state_dir.h"

struct world {
	struct input input;
	struct registries registries;
	struct pages image;
};

static int set_up(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	assert_non_null(world);
	draw_input(&world->input);
	compile_input(&world->input, &world->registries, &world->image);
	*state = world;
	return 0;
}

static int take_down(void **state)
{
	struct world *world = *state;

	pages_free(&world->image);
	registries_free(&world->registries);
	input_free(&world->input);
	free(world);
	return 0;
}

static int load(const struct world *world, struct input *again)
{
	return sources_load(world->image.page, world->image.count, NULL, again);
}

static void test_round_trip(void **state)
{
	struct world *world = *state;
	struct policy_diff diff;
	struct input again;

	assert_int_equal(load(world, &again), 0);
	assert_int_equal(again.site.text.size, world->input.site.text.size);
	assert_memory_equal(again.site.text.bytes, world->input.site.text.bytes,
			    again.site.text.size);
	assert_int_equal(again.matrix.text.size, world->input.matrix.text.size);
	assert_memory_equal(again.matrix.text.bytes, world->input.matrix.text.bytes,
			    again.matrix.text.size);
	assert_int_equal(policy_diff(&again.policy, &world->input.policy, &diff), 0);
	assert_false(policy_diff_any(&diff));
	policy_diff_free(&diff);
	input_free(&again);
}

/* The matrix that is known is taken if its text is the same, byte by byte, and stays its owner's. */
static void test_known_matrix(void **state)
{
	struct world *world = *state;
	const struct image_page *page = world->image.page;
	struct matrix other = matrix_borrow(&world->input.matrix);
	struct input again;

	assert_int_equal(sources_load(page, world->image.count, &other, &again), 0);
	assert_ptr_equal(again.matrix.rows, other.rows);
	input_free(&again);
	assert_string_equal(other.rows[0].id, "servers/01");
	other.text.size--;
	assert_int_equal(sources_load(page, world->image.count, &other, &again), 0);
	assert_ptr_not_equal(again.matrix.rows, other.rows);
	assert_string_equal(again.matrix.rows[0].id, "servers/01");
	input_free(&again);
}

/* It was that matrix, whatever lies at its path by now. */
static void test_matrix_gone(void **state)
{
	struct diagnostics diags = {0};
	struct world world = {0};
	struct input again;
	struct bench bench;

	(void)state;
	bench_begin(&bench);
	assert_int_equal(input_load(bench.site, &world.input, &diags), 0);
	compile_input(&world.input, &world.registries, &world.image);
	assert_int_equal(unlink(bench.matrix), 0);
	assert_int_equal(load(&world, &again), 0);
	assert_int_equal(again.matrix.text.size, strlen(TEST_MATRIX));
	input_free(&again);
	pages_free(&world.image);
	registries_free(&world.registries);
	input_free(&world.input);
	diag_free(&diags);
	bench_end(&bench);
}

static void test_older_image(void **state)
{
	struct world *world = *state;
	struct input again;

	world->image.page[0].cell[HEADER_SOURCES_BYTES] = 0;
	assert_int_equal(load(world, &again), -ENODATA);
	input_free(&again);
}

/* Whatever byte is wrong: refused, or, where zlib's checksum is not reached, never read too far. */
static void test_damage(void **state)
{
	struct world *world = *state;
	__u32 *header = world->image.page[0].cell;
	unsigned char *bytes =
		(unsigned char *)&world->image.page[header[HEADER_SOURCES] >> PAGE_SHIFT];
	__u32 size = header[HEADER_SOURCES_BYTES], address = header[HEADER_SOURCES];
	/* what the image has from there on */
	size_t left = (world->image.count - (address >> PAGE_SHIFT)) * sizeof(struct image_page);
	struct input again;

	for (int i = 0; i < 200; i++) {
		__u32 at = i < 8 ? (__u32)i : draw(size);

		bytes[at] ^= 0x55;
		/* a wrong size is told as such: nobody gets to parse what is too short for it */
		if (i < 8)
			assert_int_equal(load(world, &again), -EBADMSG);
		else
			assert_int_not_equal(load(world, &again), 0);
		input_free(&again);
		bytes[at] ^= 0x55;
	}
	header[HEADER_SOURCES_BYTES] = (__u32)left + 1;
	assert_int_equal(load(world, &again), -EBADMSG);
	input_free(&again);
	header[HEADER_SOURCES_BYTES] = size / 2;
	assert_int_not_equal(load(world, &again), 0);
	input_free(&again);
	header[HEADER_SOURCES_BYTES] = 7;
	assert_int_equal(load(world, &again), -EBADMSG);
	input_free(&again);
	header[HEADER_SOURCES_BYTES] = 0xffffffffU;
	assert_int_equal(load(world, &again), -EBADMSG);
	input_free(&again);
	header[HEADER_SOURCES_BYTES] = size;
	header[HEADER_SOURCES] = 0xffffff00U;
	assert_int_equal(load(world, &again), -EBADMSG);
	input_free(&again);
	header[HEADER_SOURCES] = address;
	assert_int_equal(load(world, &again), 0);
	input_free(&again);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_round_trip, set_up, take_down),
		cmocka_unit_test_setup_teardown(test_known_matrix, set_up, take_down),
		cmocka_unit_test(test_matrix_gone),
		cmocka_unit_test_setup_teardown(test_older_image, set_up, take_down),
		cmocka_unit_test_setup_teardown(test_damage, set_up, take_down),
	};

	return RUN_TESTS("sources", tests, sizeof(tests) / sizeof(tests[0]));
}
