/* SPDX-License-Identifier: MIT */
/* What `rolewall watch` knows of one drop, which drops it is asked for, and how it prints them. */
#ifndef ROLEWALL_WATCH_H
#define ROLEWALL_WATCH_H

#include <jansson.h>

#include "event.h"
#include "frame_read.h"
#include "reason.h"

struct sight {
	const struct drop_event *event;
	struct frame_facts facts;
	uint64_t time; /* ns since 1970 */
	const char *interface;
	const char *source_roles, *destination_roles; /* "front-end+mediation" */
	const char *source_pool, *destination_pool; /* NULL = none */
};

/* NULL, 0 and false: anything. */
struct watch_filter {
	bool by_reason;
	enum reason reason;
	const char *pool; /* of either end */
	const char *role; /* of either end */
	const struct prefix *source, *destination;
	int protocol; /* IP protocol number; -1 = any */
	unsigned int port; /* of either end */
	const char *interface;
};

bool watch_matches(const struct watch_filter *filter, const struct sight *sight);

/* One line, without its end. */
void watch_line(const struct sight *sight, char *text, size_t size);
/* The comment of a captured packet: what its bytes do not say. */
void watch_comment(const struct sight *sight, char *text, size_t size);
/* The same as one object; NULL = no memory. */
json_t *watch_json(const struct sight *sight);

#endif
