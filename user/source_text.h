/* SPDX-License-Identifier: MIT */
/* The bytes a site or matrix was read from: what history keeps, and an image says it was made of. */
#ifndef ROLEWALL_SOURCE_TEXT_H
#define ROLEWALL_SOURCE_TEXT_H

#include <stddef.h>

struct source_text {
	char *bytes; /* owned */
	size_t size;
};

#endif
