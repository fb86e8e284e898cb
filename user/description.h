/* SPDX-License-Identifier: MIT */
/*
 * What an image says of itself: pools, roles, rows, so that commands can name what the running
 * program found without any file. JSON, packed by zlib behind its length (docs/image.md).
 */
#ifndef ROLEWALL_DESCRIPTION_H
#define ROLEWALL_DESCRIPTION_H

#include <jansson.h>

#include "policy.h"
#include "pool_kinds.h"
#include "records.h"

/* *bytes is to be freed. Returns 0 or -ENOMEM. */
int description_pack(const struct policy *policy, const struct records *records,
		     const struct pool_kinds *kinds, void **bytes, size_t *size);
/* The JSON of a packed description. 0, -EBADMSG or -ENOMEM. */
int description_unpack(const void *bytes, size_t size, json_t **description);

/* Roles of a record, a borrowed array; empty for a record without pool. */
json_t *description_roles(const json_t *description, __u32 record);
/* Name of a record's pool, borrowed; NULL if it has none. */
const char *description_pool(const json_t *description, __u32 record);
/* A packet that a row let pass: records of its ends, and the port it goes to. */
struct passage {
	__u32 source, destination;
	enum transport transport;
	unsigned int port;
};

/*
 * Ids of all rows by which it may: those of the destination, else those of the source that let it
 * go. A new array; the program counts the first.
 */
json_t *description_rows(const json_t *description, const struct passage *passage);

#endif
