/* SPDX-License-Identifier: MIT */
/* An image's description: the JSON, packed here so that it need not be guessed. */
#include "fuzz.h"

#include <stdlib.h>
#include <zlib.h>

#include "description.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uLongf room = compressBound(size);
	__u32 *packed = malloc(sizeof(*packed) + room);
	json_t *description;

	if (!packed)
		return 0;
	*packed = (__u32)size;
	compress2((Bytef *)(packed + 1), &room, data, size, 1);
	if (!description_unpack(packed, sizeof(*packed) + room, &description))
		json_decref(description);
	free(packed);
	/* and as it comes */
	if (!description_unpack(data, size, &description))
		json_decref(description);
	return 0;
}
