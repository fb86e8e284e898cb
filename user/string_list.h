/* SPDX-License-Identifier: MIT */
/* Lists of words (struct strings of matrix.h). */
#ifndef ROLEWALL_STRING_LIST_H
#define ROLEWALL_STRING_LIST_H

#include "matrix.h"

/* Appends a copy of text, written at place. Returns 0 or -ENOMEM. */
int strings_add(struct strings *strings, const char *text, struct place place);
bool strings_contain(const struct strings *strings, const char *text);
/* "a, b, c" with ", " between; to be freed. NULL = out of memory. */
char *strings_join(const struct strings *strings, const char *between);
/* Where item INDEX was written; FALLBACK if the list does not know. */
struct place strings_place(const struct strings *strings, size_t index, struct place fallback);
/* For a list that owns its words; one that borrows them frees its array only. */
void strings_free(struct strings *strings);

/* How many letters have to be changed to make one word of the other; both are short. */
unsigned int word_distance(const char *a, const char *b);

/*
 * Reports that WORD is none of WORDS; WHAT says what they are, for the message: "role". Returns
 * -EINVAL or -ENOMEM.
 */
int report_unknown_word(struct diagnostics *diags, struct place place, const char *what,
			const char *word, const struct strings *words);

#endif
