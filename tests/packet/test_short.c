/* SPDX-License-Identifier: MIT */
/*
 * Case 1: frames that end inside the Ethernet header. BPF_PROG_TEST_RUN refuses them, and so does
 * a packet socket, so the parser itself is asked, built for this host.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "parse.h"

static __always_inline __u32 frame_whole_length(const struct frame *frame)
{
	return frame->length;
}

static enum reason parse_bytes(const unsigned char *bytes, size_t length)
{
	struct frame frame = {
		.data = bytes,
		.end = bytes + length,
		.length = (__u32)length,
		.home = FRAME_HOST,
	};
	struct packet packet = {0};

	return parse(&frame, &packet);
}

static void test_short_frames(void **state)
{
	static const unsigned char bytes[64] = {2, 0, 0, 0, 0,    1,    2,   0,
						0, 0, 0, 2, 0x08, 0x00, 0x45};

	(void)state;
	for (size_t length = 0; length < 14; length++)
		assert_int_equal(parse_bytes(bytes, length), REASON_frame_cut);
	for (size_t length = 14; length < 34; length++)
		assert_int_equal(parse_bytes(bytes, length), REASON_ip_cut);
	assert_int_equal(parse_bytes(bytes, 34), REASON_ip_length);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{"1 a frame cut inside its Ethernet header", test_short_frames, NULL, NULL, NULL},
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
