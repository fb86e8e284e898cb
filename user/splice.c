/* SPDX-License-Identifier: MIT */
#include "splice.h"

#include <errno.h>

#include "cleanup.h"

#define CONTEXT_LINES 3

int splices_add(struct splices *splices, size_t start, size_t end, const char *text, size_t length)
{
	struct splice *items = array_grow(splices->items, splices->count, sizeof(*items));
	char *copy;

	if (!items)
		return -ENOMEM;
	splices->items = items;
	copy = strndup(text, length);
	if (!copy)
		return -ENOMEM;
	items[splices->count] = (struct splice){start, end, copy, splices->count};
	splices->count++;
	return 0;
}

static int compare_splices(const void *a, const void *b)
{
	const struct splice *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return (x->number > y->number) - (x->number < y->number);
}

void splices_order(struct splices *splices)
{
	struct splice *items = splices->items;
	size_t kept = 0;

	if (splices->count)
		qsort(items, splices->count, sizeof(*items), compare_splices);
	for (size_t i = 0; i < splices->count; i++) {
		struct splice *last = kept ? &items[kept - 1] : NULL;

		if (last && !*last->text && !*items[i].text && items[i].start <= last->end) {
			last->end = items[i].end > last->end ? items[i].end : last->end;
			free(items[i].text);
		} else {
			items[kept++] = items[i];
		}
	}
	splices->count = kept;
}

void splices_free(struct splices *splices)
{
	for (size_t i = 0; i < splices->count; i++)
		free(splices->items[i].text);
	free(splices->items);
	*splices = (struct splices){0};
}

/* Bytes START..END of the text as splices FIRST..LAST-1, all of them within, leave them. */
static int rewrite(const struct splices *splices, size_t first, size_t last,
		   const struct source_text *text, struct source_text *range)
{
	size_t start = (size_t)(range->bytes - text->bytes), end = start + range->size;
	size_t room = range->size + 1;
	char *bytes, *at;

	for (size_t i = first; i < last; i++)
		room += strlen(splices->items[i].text);
	bytes = at = malloc(room);
	if (!bytes)
		return -ENOMEM;
	for (size_t i = first; i < last; i++) {
		const struct splice *splice = &splices->items[i];

		at = mempcpy(at, text->bytes + start, splice->start - start);
		at = stpcpy(at, splice->text);
		start = splice->end;
	}
	at = mempcpy(at, text->bytes + start, end - start);
	*range = (struct source_text){bytes, (size_t)(at - bytes)};
	return 0;
}

int splices_apply(const struct splices *splices, const struct source_text *text,
		  struct source_text *edited)
{
	*edited = *text;
	return rewrite(splices, 0, splices->count, text, edited);
}

/* --- lines */

/* Besides LF, CR LF and CR these are NEL, LS and PS, which end a comment too. */
size_t line_break(const struct source_text *text, size_t at)
{
	size_t left = text->size - at;
	const char *byte = text->bytes + at;

	if (!left)
		return 0;
	if (*byte == '\r')
		return left > 1 && byte[1] == '\n' ? 2 : 1;
	if (left > 1 && !memcmp(byte, "\xc2\x85", 2))
		return 2;
	if (left > 2 && (!memcmp(byte, "\xe2\x80\xa8", 3) || !memcmp(byte, "\xe2\x80\xa9", 3)))
		return 3;
	return *byte == '\n';
}

size_t line_end(const struct source_text *text, size_t at)
{
	while (at < text->size && !line_break(text, at))
		at++;
	return at;
}

/* True behind a break. */
static bool starts_line(const struct source_text *text, size_t at)
{
	for (size_t length = 1; length <= 3 && length <= at; length++)
		if (line_break(text, at - length) == length)
			return true;
	return !at;
}

size_t line_start(const struct source_text *text, size_t at)
{
	while (!starts_line(text, at))
		at--;
	return at;
}

/* --- diff */

/* A stretch of whole lines, and how many there are before it. */
struct lines {
	size_t start, end; /* bytes; the end is behind the last line's break */
	size_t before;
};

static size_t next_line(const struct source_text *text, size_t at)
{
	size_t end = line_end(text, at);

	return end + line_break(text, end);
}

static size_t count_lines(const struct source_text *text)
{
	size_t count = 0;

	for (size_t at = 0; at < text->size; at = next_line(text, at))
		count++;
	return count;
}

static void print_lines(const struct source_text *text, char mark, FILE *out)
{
	for (size_t at = 0, next; at < text->size; at = next) {
		size_t end = line_end(text, at);

		next = next_line(text, at);
		fputc(mark, out);
		fwrite(text->bytes + at, 1, end - at, out);
		fputc('\n', out);
		if (next == end)
			fputs("\\ No newline at end of file\n", out);
	}
}

static bool same_line(const struct source_text *a, size_t at, const struct source_text *b,
		      size_t other)
{
	size_t length = next_line(a, at) - at;

	return length == next_line(b, other) - other &&
	       !memcmp(a->bytes + at, b->bytes + other, length);
}

/* Takes lines that both start with off them, then those both end with. */
static void trim(struct source_text *old, struct source_text *new, struct lines *lines)
{
	size_t length;

	while (old->size && new->size && same_line(old, 0, new, 0)) {
		length = next_line(old, 0);
		*old = (struct source_text){old->bytes + length, old->size - length};
		*new = (struct source_text){new->bytes + length, new->size - length};
		lines->start += length;
		lines->before++;
	}
	while (old->size && new->size) {
		size_t last = line_start(old, old->size - 1);
		size_t last_new = line_start(new, new->size - 1);

		if (!same_line(old, last, new, last_new))
			break;
		lines->end -= old->size - last;
		old->size = last;
		new->size = last_new;
	}
}

/* One hunk: OLD lines, which NEW takes the place of, and some lines around them. */
static void print_hunk(const struct source_text *text, struct lines lines,
		       const struct source_text *old, const struct source_text *new, long *shift,
		       FILE *out)
{
	struct source_text above = {text->bytes + lines.start, 0};
	struct source_text below = {text->bytes + lines.end, 0};
	size_t n_old, n_new;

	for (int i = 0; i < CONTEXT_LINES && above.bytes > text->bytes; i++) {
		size_t at = (size_t)(above.bytes - text->bytes);
		size_t start = line_start(text, at - 1);

		above = (struct source_text){text->bytes + start, lines.start - start};
	}
	for (int i = 0; i < CONTEXT_LINES; i++)
		below.size = next_line(text, lines.end + below.size) - lines.end;
	n_old = count_lines(&above) + count_lines(old) + count_lines(&below);
	n_new = n_old - count_lines(old) + count_lines(new);
	lines.before -= count_lines(&above);
	fprintf(out, "@@ -%zu,%zu +%zu,%zu @@\n", lines.before + !!n_old, n_old,
		(size_t)((long)lines.before + *shift) + !!n_new, n_new);
	*shift += (long)n_new - (long)n_old;
	print_lines(&above, ' ', out);
	print_lines(old, '-', out);
	print_lines(new, '+', out);
	print_lines(&below, ' ', out);
}

/* The lines that splices FIRST.. touch, with those of each that come within reach: *last. */
static struct lines touched(const struct splices *splices, const struct source_text *text,
			    size_t first, size_t *last)
{
	struct lines lines = {.start = line_start(text, splices->items[first].start)};
	size_t reach = 0;

	for (*last = first; *last < splices->count; ++*last) {
		const struct splice *splice = &splices->items[*last];

		if (*last > first && splice->start > reach)
			break;
		lines.end = splice->end;
		if (splice->end == splice->start || line_start(text, splice->end) != splice->end)
			lines.end = next_line(text, splice->end);
		reach = lines.end;
		for (int i = 0; i < 2 * CONTEXT_LINES; i++)
			reach = next_line(text, reach);
	}
	return lines;
}

int splices_diff(const struct splices *splices, const struct source_text *text, const char *name,
		 FILE *out)
{
	size_t seen = 0, before = 0, last;
	long shift = 0;

	fprintf(out, "--- %s\n+++ %s\n", name, name);
	for (size_t first = 0; first < splices->count; first = last) {
		struct lines lines = touched(splices, text, first, &last);
		struct source_text old = {text->bytes + lines.start, lines.end - lines.start};
		struct source_text new = old;
		_cleanup_free_ char *bytes = NULL;
		int err = rewrite(splices, first, last, text, &new);

		if (err)
			return err;
		bytes = new.bytes;
		for (; seen < lines.start; seen = next_line(text, seen))
			before++;
		lines.before = before;
		trim(&old, &new, &lines);
		print_hunk(text, lines, &old, &new, &shift, out);
	}
	return 0;
}
