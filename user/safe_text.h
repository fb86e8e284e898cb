/* SPDX-License-Identifier: MIT */
/* Text from anywhere, so that a terminal shows it and does nothing else with it. */
#ifndef ROLEWALL_SAFE_TEXT_H
#define ROLEWALL_SAFE_TEXT_H

#include <stddef.h>

/*
 * From here to its end the calling thread takes text for UTF-8, whatever the locale is. On a system
 * that has no C.UTF-8 everything beyond ASCII is escaped.
 */
struct safe_locale {
	void *utf8, *before;
};

void safe_begin(struct safe_locale *locale);
void safe_end(struct safe_locale *locale);

/*
 * A copy in which bytes are written "\\x1b" that are no UTF-8, or are of a character that cannot be
 * seen or changes how others are shown; to be freed. NULL: out of memory.
 */
char *safe_text(const char *text);
/* How many columns the first BYTES of a safe text take up. */
size_t safe_width(const char *text, size_t bytes);

#endif
