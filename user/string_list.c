/* SPDX-License-Identifier: MIT */
#include "string_list.h"

#include <errno.h>

#include "cleanup.h"

int strings_add(struct strings *strings, const char *text, struct place place)
{
	struct place *places;
	char **items;
	char *copy;

	items = array_grow(strings->items, strings->count, sizeof(*items));
	if (!items)
		return -ENOMEM;
	strings->items = items;
	places = array_grow(strings->places, strings->count, sizeof(*places));
	if (!places)
		return -ENOMEM;
	strings->places = places;
	copy = strdup(text);
	if (!copy)
		return -ENOMEM;
	items[strings->count] = copy;
	places[strings->count] = place;
	strings->count++;
	return 0;
}

bool strings_contain(const struct strings *strings, const char *text)
{
	for (size_t i = 0; i < strings->count; i++) {
		if (!strcmp(strings->items[i], text))
			return true;
	}
	return false;
}

char *strings_join(const struct strings *strings, const char *between)
{
	size_t length = 1;
	char *text, *end;

	for (size_t i = 0; i < strings->count; i++)
		length += strlen(strings->items[i]) + strlen(between);
	text = end = malloc(length);
	if (!text)
		return NULL;
	*end = '\0';
	for (size_t i = 0; i < strings->count; i++)
		end = stpcpy(stpcpy(end, i ? between : ""), strings->items[i]);
	return text;
}

struct place strings_place(const struct strings *strings, size_t index, struct place fallback)
{
	return strings->places ? strings->places[index] : fallback;
}

void strings_free(struct strings *strings)
{
	for (size_t i = 0; i < strings->count; i++)
		free(strings->items[i]);
	free(strings->items);
	free(strings->places);
	*strings = (struct strings){0};
}

#define WORD_MAX 64U

static unsigned int least(unsigned int a, unsigned int b, unsigned int c)
{
	unsigned int ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/* Levenshtein's distance, one line of the table at a time. */
unsigned int word_distance(const char *a, const char *b)
{
	unsigned int line[WORD_MAX + 1];
	size_t length_a = strnlen(a, WORD_MAX + 1), length_b = strnlen(b, WORD_MAX + 1);

	if (length_a > WORD_MAX || length_b > WORD_MAX)
		return WORD_MAX;
	for (unsigned int j = 0; j <= length_b; j++)
		line[j] = j;
	for (unsigned int i = 1; i <= length_a; i++) {
		unsigned int diagonal = line[0];

		line[0] = i;
		for (unsigned int j = 1; j <= length_b; j++) {
			unsigned int changed = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = line[j];
			line[j] = least(changed, line[j] + 1, line[j - 1] + 1);
		}
	}
	return line[length_b];
}

/* The word that a mistyped one was most likely meant to be; NULL if none is near. */
static const char *nearest(const struct strings *words, const char *word)
{
	const char *best = NULL;
	unsigned int least = (unsigned int)strnlen(word, 12) / 3 + 1;

	for (size_t i = 0; i < words->count; i++) {
		unsigned int distance = word_distance(words->items[i], word);

		if (distance < least) {
			least = distance;
			best = words->items[i];
		}
	}
	return best;
}

int report_unknown_word(struct diagnostics *diags, struct place place, const char *what,
			const char *word, const struct strings *words)
{
	_cleanup_free_ char *accepted = strings_join(words, ", ");
	const char *near = nearest(words, word);

	if (!accepted)
		return -ENOMEM;
	diag_error(diags, place, "unknown %s \"%s\"%s%s%s; accepted: %s", what, word,
		   near ? " (is it " : "", near ? near : "", near ? "?)" : "", accepted);
	return -EINVAL;
}
