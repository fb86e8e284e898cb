/* SPDX-License-Identifier: MIT */
#include "list_edit.h"

#include <errno.h>

#include "cleanup.h"
#include "list_layout.h"

struct editor {
	const struct source_text *text;
	const struct list_layout *layout;
	const struct list_change *change;
	struct splices *splices;
};

static bool is_blank(char byte)
{
	return byte == ' ' || byte == '\t';
}

/* Nothing but blanks between the two. */
static bool blank_between(const struct editor *editor, size_t start, size_t end)
{
	for (; start < end; start++)
		if (!is_blank(editor->text->bytes[start]))
			return false;
	return true;
}

/* Between two words of a flow there are blanks, breaks and comments. */
static bool no_comment_between(const struct editor *editor, size_t start, size_t end)
{
	return !memchr(editor->text->bytes + start, '#', end - start);
}

static size_t behind_blanks(const struct editor *editor, size_t at)
{
	while (at < editor->text->size && is_blank(editor->text->bytes[at]))
		at++;
	return at;
}

/* Nothing but blanks and a comment from AT to the end of its line. */
static bool line_is_done(const struct editor *editor, size_t at)
{
	size_t next = behind_blanks(editor, at);

	return next == editor->text->size || editor->text->bytes[next] == '#' ||
	       line_break(editor->text, next);
}

static bool first_on_line(const struct editor *editor, size_t at)
{
	return blank_between(editor, line_start(editor->text, at), at);
}

/* --- words that are added */

static bool has_colon(const struct editor *editor, const struct list_item *item)
{
	return memchr(editor->text->bytes + item->start, ':', item->end - item->start);
}

/*
 * As the last of its kind is quoted: IPv6 addresses often are where others are not. Without one,
 * only where it would not be read as one word, or not by every reader.
 */
static char quote_for(const struct editor *editor, const char *word)
{
	const struct list_layout *layout = editor->layout;
	bool colon = strchr(word, ':');
	size_t i = layout->count;

	while (i && has_colon(editor, &layout->items[i - 1]) != colon)
		i--;
	if (i && layout->items[i - 1].quote)
		return layout->items[i - 1].quote;
	if (!colon)
		return '\0';
	if (*word == ':' || word[strlen(word) - 1] == ':')
		return '"';
	return i || layout->shape == LIST_BLOCK ? '\0' : '"';
}

static void print_word(const struct editor *editor, const char *word, FILE *out)
{
	char quote = quote_for(editor, word);

	if (quote)
		fprintf(out, "%c%s%c", quote, word, quote);
	else
		fputs(word, out);
}

/* The break of the line that AT is on; at the end of a text without one, that of its first line. */
static void print_break(const struct editor *editor, size_t at, FILE *out)
{
	const struct source_text *text = editor->text;
	size_t end = line_end(text, at);

	if (end == text->size)
		end = line_end(text, 0);
	if (end == text->size)
		fputc('\n', out);
	else
		fwrite(text->bytes + end, 1, line_break(text, end), out);
}

/* A line like that of AT, which comes first there: break and indentation. */
static void print_new_line(const struct editor *editor, size_t at, FILE *out)
{
	size_t start = line_start(editor->text, at);

	print_break(editor, at, out);
	for (; start < at; start++) {
		unsigned char byte = (unsigned char)editor->text->bytes[start];

		if (is_blank((char)byte))
			fputc(byte, out);
		else if ((byte & 0xc0) != 0x80)
			fputc(' ', out);
	}
}

/* All words, each printed by PRINT, put in at AT as one splice. */
static int insert(struct editor *editor, size_t at,
		  void (*print)(const struct editor *editor, const char *word, FILE *out))
{
	_cleanup_free_ char *bytes = NULL;
	size_t size;
	FILE *out = open_memstream(&bytes, &size);

	if (!out)
		return -ENOMEM;
	for (size_t i = 0; i < editor->change->n_added; i++)
		print(editor, editor->change->added[i], out);
	if (fclose(out))
		return -ENOMEM;
	return splices_add(editor->splices, at, at, bytes, size);
}

static const struct list_item *last_item(const struct editor *editor)
{
	return &editor->layout->items[editor->layout->count - 1];
}

static void print_block_item(const struct editor *editor, const char *word, FILE *out)
{
	const struct list_item *last = last_item(editor);
	size_t gap = last->start - last->dash - 1;
	bool copied = gap && blank_between(editor, last->dash + 1, last->start);

	print_new_line(editor, last->dash, out);
	fputc('-', out);
	fwrite(copied ? editor->text->bytes + last->dash + 1 : " ", 1, copied ? gap : 1, out);
	print_word(editor, word, out);
}

/* As between the last two, where nothing but blanks is there. */
static void print_inline_item(const struct editor *editor, const char *word, FILE *out)
{
	const struct list_layout *layout = editor->layout;
	const struct list_item *before = layout->count > 1 ? last_item(editor) - 1 : NULL;

	fputc(',', out);
	if (before && blank_between(editor, before->comma + 1, last_item(editor)->start))
		fwrite(editor->text->bytes + before->comma + 1, 1,
		       last_item(editor)->start - before->comma - 1, out);
	else
		fputc(' ', out);
	print_word(editor, word, out);
}

static void print_comma_first(const struct editor *editor, const char *word, FILE *out)
{
	fputc(',', out);
	print_new_line(editor, last_item(editor)->start, out);
	print_word(editor, word, out);
}

static void print_comma_last(const struct editor *editor, const char *word, FILE *out)
{
	print_new_line(editor, last_item(editor)->start, out);
	print_word(editor, word, out);
	fputc(',', out);
}

static void print_without_comma(const struct editor *editor, const char *word, FILE *out)
{
	bool more = word != editor->change->added[editor->change->n_added - 1];

	print_new_line(editor, last_item(editor)->start, out);
	print_word(editor, word, out);
	if (more)
		fputc(',', out);
}

/* Every word of the flow has a line of its own. */
static bool is_one_a_line(const struct editor *editor)
{
	for (size_t i = 0; i < editor->layout->count; i++)
		if (!first_on_line(editor, editor->layout->items[i].start))
			return false;
	return true;
}

static int add_to_flow(struct editor *editor)
{
	const struct list_item *last = last_item(editor);
	int rc;

	if (!is_one_a_line(editor) ||
	    (last->comma && line_end(editor->text, last->end) < last->comma))
		return insert(editor, last->end, print_inline_item);
	if (last->comma && line_is_done(editor, last->comma + 1))
		return insert(editor, line_end(editor->text, last->comma), print_comma_last);
	if (last->comma || !line_is_done(editor, last->end))
		return insert(editor, last->end, print_comma_first);
	rc = splices_add(editor->splices, last->end, last->end, ",", 1);
	return rc ? rc : insert(editor, line_end(editor->text, last->end), print_without_comma);
}

static void print_beside(const struct editor *editor, const char *word, FILE *out)
{
	fputs(", ", out);
	print_word(editor, word, out);
}

static int add_to_value(struct editor *editor)
{
	const struct list_item *item = last_item(editor);
	int rc = splices_add(editor->splices, item->start, item->start, "[", 1);

	rc = rc ? rc : insert(editor, item->end, print_beside);
	return rc ? rc : splices_add(editor->splices, item->end, item->end, "]", 1);
}

static int add_words(struct editor *editor)
{
	switch (editor->layout->shape) {
	case LIST_VALUE:
		return add_to_value(editor);
	case LIST_FLOW:
		return add_to_flow(editor);
	default:
		return insert(editor, line_end(editor->text, last_item(editor)->end),
			      print_block_item);
	}
}

/* --- words that go */

/* Whole lines, with what a comment behind the word says of it. */
static int remove_lines(struct editor *editor, size_t start, size_t end)
{
	size_t last = line_end(editor->text, end);

	return splices_remove(editor->splices, line_start(editor->text, start),
			      last + line_break(editor->text, last));
}

/* Where the text's last line goes and had no break, the line that is the last then has none. */
static void keep_end(struct editor *editor)
{
	const struct source_text *text = editor->text;
	struct splice *last;

	splices_order(editor->splices);
	last = &editor->splices->items[editor->splices->count - 1];
	if (last->end == text->size && line_start(text, last->end) != last->end)
		last->start = line_end(text, line_start(text, last->start - 1));
}

static int remove_from_block(struct editor *editor, size_t index)
{
	const struct list_item *item = &editor->layout->items[index];

	if (first_on_line(editor, item->dash) && line_is_done(editor, item->end))
		return remove_lines(editor, item->dash, item->end);
	/* `? roles` and then `: - director`: the next dash moves to where this one was. */
	if (index + 1 == editor->layout->count || editor->change->gone[index + 1] ||
	    !blank_between(editor, item->end, line_end(editor->text, item->end)))
		return -EOPNOTSUPP;
	return splices_remove(editor->splices, item->dash, item[1].dash);
}

static bool has_own_line(const struct editor *editor, const struct list_item *item)
{
	size_t end = item->comma ? item->comma + 1 : item->end;

	return first_on_line(editor, item->start) &&
	       (!item->comma || item->comma < line_end(editor->text, item->end)) &&
	       line_is_done(editor, end);
}

/* The words that go at the end, from START on: with their lines if each of them has one. */
static int remove_tail_lines(struct editor *editor, size_t start)
{
	const struct list_item *items = editor->layout->items;
	const struct list_item *kept = &items[start - 1], *last = last_item(editor);
	int rc = 0;

	for (const struct list_item *item = &items[start]; item <= last; item++)
		if (!has_own_line(editor, item))
			return -EAGAIN;
	/* The last that stays gets no comma behind it where the last one had none. */
	if (!last->comma)
		rc = splices_remove(editor->splices, kept->comma, kept->comma + 1);
	for (const struct list_item *item = &items[start]; item <= last && !rc; item++)
		rc = remove_lines(editor, item->start, item->end);
	return rc;
}

/* Each with the comma before it, so that one behind the last, if any, follows what stays. */
static int remove_tail(struct editor *editor, size_t start)
{
	const struct list_item *items = editor->layout->items;
	int rc = remove_tail_lines(editor, start);

	if (rc != -EAGAIN)
		return rc;
	rc = 0;
	for (size_t i = start; i < editor->layout->count && !rc; i++) {
		const struct list_item *item = &items[i], *before = &items[i - 1];

		if (no_comment_between(editor, before->end, before->comma) &&
		    no_comment_between(editor, before->comma + 1, item->start)) {
			rc = splices_remove(editor->splices, before->end, item->end);
			continue;
		}
		rc = splices_remove(editor->splices, before->comma, before->comma + 1);
		rc = rc ? rc : splices_remove(editor->splices, item->start, item->end);
	}
	return rc;
}

/* A word with others behind it that stay, and the comma between. */
static int remove_from_flow(struct editor *editor, size_t index)
{
	const struct list_item *item = &editor->layout->items[index];

	if (has_own_line(editor, item))
		return remove_lines(editor, item->start, item->end);
	if (blank_between(editor, item->comma + 1, item[1].start))
		return splices_remove(editor->splices, item->start, item[1].start);
	if (index && blank_between(editor, item[-1].comma + 1, item->start))
		return splices_remove(editor->splices, item[-1].comma + 1, item->comma + 1);
	return splices_remove(editor->splices, item->start, item->comma + 1);
}

static int remove_words(struct editor *editor)
{
	const bool *gone = editor->change->gone;
	size_t tail = editor->layout->count;
	int rc = 0;

	while (editor->layout->shape == LIST_FLOW && gone[tail - 1])
		tail--;
	for (size_t i = 0; i < tail && !rc; i++) {
		if (gone[i])
			rc = editor->layout->shape == LIST_BLOCK ? remove_from_block(editor, i)
								 : remove_from_flow(editor, i);
	}
	if (!rc && tail < editor->layout->count)
		rc = remove_tail(editor, tail);
	if (!rc)
		keep_end(editor);
	return rc;
}

int list_edit(const struct source_text *text, const yaml_node_t *node,
	      const struct list_change *change, struct splices *splices)
{
	_cleanup_(list_layout_free) struct list_layout layout = {0};
	struct editor editor = {text, &layout, change, splices};
	int rc = list_layout(text, node, &layout);

	if (!rc && change->gone)
		rc = remove_words(&editor);
	if (!rc && change->n_added)
		rc = add_words(&editor);
	return rc;
}
