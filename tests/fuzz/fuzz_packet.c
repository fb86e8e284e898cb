/* SPDX-License-Identifier: MIT */
/* A frame through the program's own parser. The first byte: bit 0, of several segments; bit 1, its tag was taken off. */
#include "../unit/host_env.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct packet packet = {0};
	struct frame frame;
	uint8_t *copy;

	if (!size)
		return 0;
	/* Its end is where the sanitizer looks; IP headers lie on a multiple of 4, as in a driver. */
	copy = malloc(size + 1);
	memcpy(copy + 2, data + 1, size - 1);
	frame = (struct frame){
		.data = copy + 2,
		.end = copy + size + 1,
		.length = (__u32)size - 1,
		.home = FRAME_HOST,
		.super_packet = data[0] & 1,
		.tag_stripped = data[0] & 2,
	};
	if (parse(&frame, &packet) >= N_REASONS)
		__builtin_trap();
	free(copy);
	return 0;
}
