/* SPDX-License-Identifier: MIT */
/* A text and what is to change in it: stretches of bytes, each with what takes its place. */
#ifndef ROLEWALL_SPLICE_H
#define ROLEWALL_SPLICE_H

#include <stdbool.h>
#include <stdio.h>

#include "source_text.h"

struct splice {
	size_t start, end; /* bytes; the same: nothing goes, something comes */
	char *text; /* owned */
	size_t number; /* of those at one place the first added comes first */
};

struct splices {
	struct splice *items; /* in the order they were added until splices_order() */
	size_t count;
};

/* Adds one. TEXT is LENGTH bytes. Returns 0 or -ENOMEM. */
int splices_add(struct splices *splices, size_t start, size_t end, const char *text, size_t length);
static inline int splices_remove(struct splices *splices, size_t start, size_t end)
{
	return splices_add(splices, start, end, "", 0);
}

/* By place; stretches that go and overlap become one. Call it before the two below. */
void splices_order(struct splices *splices);
/* The text as it would be; to be freed. Returns 0 or -ENOMEM. */
int splices_apply(const struct splices *splices, const struct source_text *text,
		  struct source_text *edited);
/* What changes, as a unified diff with NAME as the file's. Returns 0 or -ENOMEM. */
int splices_diff(const struct splices *splices, const struct source_text *text, const char *name,
		 FILE *out);
void splices_free(struct splices *splices);

/* Lines as YAML counts them. */

/* Bytes of the line break at AT, 0 = there is none. */
size_t line_break(const struct source_text *text, size_t at);
/* The first byte of the line that AT is on, and the one behind its last, where its break is. */
size_t line_start(const struct source_text *text, size_t at);
size_t line_end(const struct source_text *text, size_t at);

#endif
