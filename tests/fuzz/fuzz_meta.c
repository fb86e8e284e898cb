/* SPDX-License-Identifier: MIT */
/* meta.json of the history, its checksum set right; what is read is written and read again. */
#include "fuzz.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#include "state_internal.h"

static void again(const struct state_entry *entry)
{
	struct state_entry copy = {0};
	char *text = meta_write(entry), *fault = NULL;

	if (text && meta_read(text, strlen(text), &copy, &fault))
		__builtin_trap();
	state_entry_free(&copy);
	free(text);
}

/* With the checksum that its members have; NULL if it is no object. */
static char *sealed(const uint8_t *data, size_t size)
{
	json_t *meta = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
	char *text, sum[12];

	json_object_del(meta, "crc32");
	text = json_dumps(meta, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENSURE_ASCII);
	if (text) {
		snprintf(sum, sizeof(sum), "%08lx", crc32_z(0, (const Bytef *)text, strlen(text)));
		json_object_set_new(meta, "crc32", json_string(sum));
		free(text);
		text = json_dumps(meta, 0);
	}
	json_decref(meta);
	return text;
}

static void try(const char *text, size_t size)
{
	struct state_entry entry = {0};
	char *fault = NULL;

	if (!meta_read(text, size, &entry, &fault))
		again(&entry);
	state_entry_free(&entry);
	free(fault);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = sealed(data, size);

	try((const char *)data, size);
	if (text)
		try(text, strlen(text));
	free(text);
	return 0;
}
