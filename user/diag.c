/* SPDX-License-Identifier: MIT */
#include "diag.h"

#include <stdarg.h>
#include <string.h>

#include "cleanup.h"

#define TEXT_MAX 2000 /* bytes of one message, before escapes */

static const char *const severity_words[] = {
	[SEVERITY_WARNING] = "warning",
	[SEVERITY_ERROR] = "error",
};

static char *printable(const char *text)
{
	size_t length = strnlen(text, TEXT_MAX);
	bool cut = text[length];
	char *copy = malloc(length * 4 + sizeof("..."));
	char *end = copy;

	if (!copy)
		return NULL;
	for (size_t i = 0; i < length; i++) {
		unsigned char byte = (unsigned char)text[i];

		if (byte >= 0x20 && byte < 0x7f)
			*end++ = text[i];
		else
			end += sprintf(end, "\\x%02x", byte);
	}
	strcpy(end, cut ? "..." : "");
	return copy;
}

int place_compare(const struct place *a, const struct place *b)
{
	int order = strcmp(a->file ? a->file : "", b->file ? b->file : "");

	if (order)
		return order;
	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	if (a->column != b->column)
		return a->column < b->column ? -1 : 1;
	return 0;
}

/* Behind all that are at the same place or before it. */
static void insert(struct diagnostics *diags, struct diagnostic diagnostic)
{
	size_t at = diags->count;
	struct diagnostic *items;

	items = array_grow(diags->items, diags->count, sizeof(*items));
	if (!items) {
		free(diagnostic.text);
		return;
	}
	diags->items = items;
	while (at && place_compare(&items[at - 1].place, &diagnostic.place) > 0)
		at--;
	memmove(&items[at + 1], &items[at], (diags->count - at) * sizeof(*items));
	items[at] = diagnostic;
	diags->count++;
}

/* Counts even what it has no memory for, so that no error passes as success. */
__attribute__((format(printf, 4, 0))) static void add(struct diagnostics *diags,
						      enum severity severity, struct place place,
						      const char *format, va_list arguments)
{
	size_t *reported = severity == SEVERITY_ERROR ? &diags->errors : &diags->warnings;
	_cleanup_free_ char *raw = NULL;
	char *text;

	if (++*reported > DIAG_KEPT)
		return;
	if (vasprintf(&raw, format, arguments) < 0) {
		raw = NULL;
		return;
	}
	text = printable(raw);
	if (text)
		insert(diags, (struct diagnostic){severity, place, text});
}

void diag_error(struct diagnostics *diags, struct place place, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	add(diags, SEVERITY_ERROR, place, format, arguments);
	va_end(arguments);
}

void diag_warning(struct diagnostics *diags, struct place place, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	add(diags, SEVERITY_WARNING, place, format, arguments);
	va_end(arguments);
}

/* A file's name may be in any language; only control characters are kept from the terminal. */
static void print_file(const char *file, FILE *out)
{
	for (; *file; file++) {
		if ((unsigned char)*file < 0x20 || *file == 0x7f)
			fprintf(out, "\\x%02x", (unsigned char)*file);
		else
			fputc(*file, out);
	}
}

void diag_print(const struct diagnostics *diags, FILE *out)
{
	size_t hidden = diags->errors + diags->warnings - diags->count;

	for (size_t i = 0; i < diags->count; i++) {
		const struct diagnostic *item = &diags->items[i];

		if (item->place.file) {
			print_file(item->place.file, out);
			fputc(':', out);
		}
		if (item->place.line)
			fprintf(out, "%u:%u:", item->place.line, item->place.column);
		if (item->place.file || item->place.line)
			fputc(' ', out);
		fprintf(out, "%s: %s\n", severity_words[item->severity], item->text);
	}
	if (hidden)
		fprintf(out, "%zu more errors and warnings are not shown\n", hidden);
}

void diag_free(struct diagnostics *diags)
{
	for (size_t i = 0; i < diags->count; i++)
		free(diags->items[i].text);
	free(diags->items);
	*diags = (struct diagnostics){0};
}
