/* SPDX-License-Identifier: MIT */
#include "listing.h"

#include <errno.h>
#include <jansson.h>
#include <libsmartcols.h>
#include <stdarg.h>
#include <stdio.h>

#include "cleanup.h"
#include "safe_text.h"

static void free_cells(char **cells, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(cells[i]);
}

int listing_add(struct listing *listing, const char *const *cells)
{
	size_t used = listing->n_rows * listing->n_columns;
	char **all;

	/* One row is one item of the array that grows. */
	all = array_grow(listing->cells, listing->n_rows, listing->n_columns * sizeof(*all));
	if (!all)
		return -ENOMEM;
	listing->cells = all;
	for (size_t i = 0; i < listing->n_columns; i++) {
		all[used + i] = strdup(cells[i] ? cells[i] : "");
		if (!all[used + i]) {
			free_cells(&all[used], i);
			return -ENOMEM;
		}
	}
	listing->n_rows++;
	return 0;
}

int listing_add_fact(struct listing *listing, const char *name, const char *format, ...)
{
	_cleanup_free_ char *value = NULL;
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vasprintf(&value, format, arguments);
	va_end(arguments);
	if (length < 0) {
		value = NULL;
		return -ENOMEM;
	}
	return listing_add(listing, (const char *const[]){name, value});
}

void listing_free(struct listing *listing)
{
	free_cells(listing->cells, listing->n_rows * listing->n_columns);
	free(listing->cells);
	listing->cells = NULL;
	listing->n_rows = 0;
}

/* --- CSV: RFC 4180 */

static void print_field(const char *text)
{
	if (!text[strcspn(text, ",\"\r\n")]) {
		fputs(text, stdout);
		return;
	}
	putchar('"');
	for (; *text; text++) {
		if (*text == '"')
			putchar('"');
		putchar(*text);
	}
	putchar('"');
}

static void print_csv(const struct listing *listing)
{
	for (size_t i = 0; i < listing->n_columns; i++) {
		if (i)
			putchar(',');
		print_field(listing->columns[i].name);
	}
	fputs("\r\n", stdout);
	for (size_t i = 0; i < listing->n_rows * listing->n_columns; i++) {
		print_field(listing->cells[i]);
		fputs((i + 1) % listing->n_columns ? "," : "\r\n", stdout);
	}
}

/* --- table */

#define WRAP_MIN 12 /* no column gets narrower than this */

static size_t natural_width(const struct listing *listing, size_t column)
{
	size_t width = strlen(listing->columns[column].name);

	for (size_t i = 0; i < listing->n_rows; i++) {
		const char *cell = listing->cells[i * listing->n_columns + column];
		size_t length = safe_width(cell, strlen(cell));

		if (length > width)
			width = length;
	}
	return width;
}

/*
 * The width of each column, so that all fit into ROOM if they can: columns that may wrap share
 * what the others leave, and those that need less than their share leave it to the rest.
 */
static void share_room(const struct listing *listing, size_t room, size_t *widths)
{
	size_t used = listing->n_columns - 1, wide = 0;
	bool settled = false;

	for (size_t i = 0; i < listing->n_columns; i++) {
		widths[i] = listing->columns[i].wrap ? 0 : natural_width(listing, i);
		used += widths[i];
		wide += !widths[i];
	}
	while (wide && !settled) {
		size_t share = room > used ? (room - used) / wide : 0;

		settled = true;
		for (size_t i = 0; i < listing->n_columns; i++) {
			size_t natural = widths[i] ? 0 : natural_width(listing, i);

			if (!natural || natural > share)
				continue;
			widths[i] = natural;
			used += natural;
			wide--;
			settled = false;
		}
	}
	for (size_t i = 0; i < listing->n_columns; i++) {
		size_t share = wide && room > used ? (room - used) / wide : 0;

		if (!widths[i])
			widths[i] = share > WRAP_MIN ? share : WRAP_MIN;
	}
}

/* Breaks text at blanks into lines of WIDTH; a word that is longer stays whole. */
static void wrap_words(char *text, size_t width)
{
	char *line = text, *blank = NULL;

	for (char *at = text; *at; at++) {
		if (*at == ' ')
			blank = at;
		if (!blank || safe_width(line, (size_t)(at - line)) < width)
			continue;
		*blank = '\n';
		line = blank + 1;
		blank = NULL;
	}
}

static void unref_table(struct libscols_table **table)
{
	scols_unref_table(*table);
}

static int add_columns(struct libscols_table *table, const struct listing *listing)
{
	for (size_t i = 0; i < listing->n_columns; i++) {
		const struct column *column = &listing->columns[i];
		int flags = (column->right ? SCOLS_FL_RIGHT : 0) |
			    (column->wrap ? SCOLS_FL_WRAP : 0);
		struct libscols_column *added;

		added = scols_table_new_column(table, column->name, 0, flags);
		if (!added)
			return -ENOMEM;
		/* lines end where wrap_words() says, not in the middle of a word */
		scols_column_set_safechars(added, "\n");
		scols_column_set_wrapfunc(added, scols_wrapnl_chunksize, scols_wrapnl_nextchunk,
					  NULL);
	}
	return 0;
}

/* From here on the cells can be shown, and their width be told. */
static int make_safe(const struct listing *listing)
{
	for (size_t i = 0; i < listing->n_rows * listing->n_columns; i++) {
		char *safe = safe_text(listing->cells[i]);

		if (!safe)
			return -ENOMEM;
		free(listing->cells[i]);
		listing->cells[i] = safe;
	}
	return 0;
}

static int add_line(struct libscols_table *table, const struct listing *listing, size_t row,
		    const size_t *widths)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);

	if (!line)
		return -ENOMEM;
	for (size_t i = 0; i < listing->n_columns; i++) {
		char *cell = strdup(listing->cells[row * listing->n_columns + i]);

		if (!cell)
			return -ENOMEM;
		if (widths && listing->columns[i].wrap)
			wrap_words(cell, widths[i]);
		if (scols_line_refer_data(line, i, cell)) {
			free(cell);
			return -ENOMEM;
		}
	}
	return 0;
}

/* libsmartcols prints nothing where there are no lines. */
static int print_titles(const struct listing *listing)
{
	for (size_t i = 0; i < listing->n_columns; i++)
		printf("%s%s", i ? " " : "", listing->columns[i].name);
	putchar('\n');
	return 0;
}

static int print_rows(const struct listing *listing)
{
	_cleanup_(unref_table) struct libscols_table *table = scols_new_table();
	_cleanup_free_ size_t *widths = NULL;
	int rc = make_safe(listing);

	if (!table || rc)
		return -ENOMEM;
	/* the cells are safe: a second time would escape the escapes */
	scols_table_enable_noencoding(table, 1);
	if (isatty(STDOUT_FILENO)) {
		widths = calloc(listing->n_columns, sizeof(*widths));
		if (!widths)
			return -ENOMEM;
		share_room(listing, scols_table_get_termwidth(table), widths);
	}
	rc = add_columns(table, listing);
	for (size_t i = 0; i < listing->n_rows && !rc; i++)
		rc = add_line(table, listing, i, widths);
	if (rc)
		return rc;
	scols_table_set_stream(table, stdout);
	return scols_print_table(table);
}

static int print_table(const struct listing *listing)
{
	struct safe_locale locale;
	int rc;

	if (!listing->n_rows)
		return print_titles(listing);
	safe_begin(&locale);
	rc = print_rows(listing);
	safe_end(&locale);
	return rc;
}

int listing_print(const struct listing *listing, enum format format)
{
	if (format != FORMAT_CSV)
		return print_table(listing);
	print_csv(listing);
	return 0;
}

int json_print(struct json_t *root)
{
	int rc;

	if (!root)
		return -ENOMEM;
	rc = json_dumpf(root, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII);
	json_decref(root);
	putchar('\n');
	return rc ? -EIO : 0;
}
