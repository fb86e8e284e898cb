/* SPDX-License-Identifier: MIT */
#include "list_layout.h"

#include <errno.h>

#include "cleanup.h"

/* libyaml counts characters; this walks over the text from one of its marks to the next. */
struct cursor {
	const struct source_text *text;
	size_t index; /* in characters */
	size_t byte;
};

/* A byte order mark is no character to libyaml. */
static size_t first_byte(const struct source_text *text)
{
	return text->size > 2 && !memcmp(text->bytes, "\xef\xbb\xbf", 3) ? 3 : 0;
}

static size_t byte_of(struct cursor *cursor, yaml_mark_t mark)
{
	const struct source_text *text = cursor->text;

	if (mark.index < cursor->index)
		*cursor = (struct cursor){text, 0, first_byte(text)};
	for (; cursor->index < mark.index && cursor->byte < text->size; cursor->index++) {
		cursor->byte++;
		while (cursor->byte < text->size && (text->bytes[cursor->byte] & 0xc0) == 0x80)
			cursor->byte++;
	}
	return cursor->byte;
}

static int add_item(struct list_layout *layout, struct list_item item)
{
	struct list_item *items = array_grow(layout->items, layout->count, sizeof(*items));

	if (!items)
		return -ENOMEM;
	layout->items = items;
	items[layout->count++] = item;
	return 0;
}

static char quote_of(const yaml_token_t *token)
{
	switch (token->data.scalar.style) {
	case YAML_SINGLE_QUOTED_SCALAR_STYLE:
		return '\'';
	case YAML_DOUBLE_QUOTED_SCALAR_STYLE:
		return '"';
	default:
		return 0;
	}
}

static int add_scalar(struct list_layout *layout, struct cursor *cursor, const yaml_token_t *token,
		      size_t dash)
{
	struct list_item item = {.dash = dash, .quote = quote_of(token)};

	if (token->start_mark.line != token->end_mark.line ||
	    token->data.scalar.style == YAML_LITERAL_SCALAR_STYLE ||
	    token->data.scalar.style == YAML_FOLDED_SCALAR_STYLE)
		return -EOPNOTSUPP;
	item.start = byte_of(cursor, token->start_mark);
	item.end = byte_of(cursor, token->end_mark);
	return add_item(layout, item);
}

/* What the next token of the list must be, and where the last dash stood. */
struct reading {
	struct list_layout *layout;
	struct cursor cursor;
	size_t wanted; /* items that the list has */
	size_t dash;
	bool done;
};

static int read_flow(struct reading *reading, const yaml_token_t *token)
{
	struct list_layout *layout = reading->layout;
	struct list_item *last = layout->count ? &layout->items[layout->count - 1] : NULL;

	switch (token->type) {
	case YAML_FLOW_SEQUENCE_START_TOKEN:
		if (layout->open)
			return -EOPNOTSUPP;
		layout->open = byte_of(&reading->cursor, token->start_mark);
		return 0;
	case YAML_SCALAR_TOKEN:
		return add_scalar(layout, &reading->cursor, token, 0);
	case YAML_FLOW_ENTRY_TOKEN:
		if (!last || last->comma)
			return -EOPNOTSUPP;
		last->comma = byte_of(&reading->cursor, token->start_mark);
		return 0;
	case YAML_FLOW_SEQUENCE_END_TOKEN:
		reading->done = true;
		return layout->count == reading->wanted ? 0 : -EOPNOTSUPP;
	default:
		return -EOPNOTSUPP;
	}
}

static int read_block(struct reading *reading, const yaml_token_t *token)
{
	int rc;

	switch (token->type) {
	case YAML_BLOCK_SEQUENCE_START_TOKEN:
		return reading->layout->count ? -EOPNOTSUPP : 0;
	case YAML_BLOCK_ENTRY_TOKEN:
		reading->dash = byte_of(&reading->cursor, token->start_mark);
		return 0;
	case YAML_SCALAR_TOKEN:
		rc = add_scalar(reading->layout, &reading->cursor, token, reading->dash);
		reading->done = reading->layout->count == reading->wanted;
		return rc;
	default:
		return -EOPNOTSUPP;
	}
}

static int read_value(struct reading *reading, const yaml_token_t *token)
{
	if (token->type != YAML_SCALAR_TOKEN)
		return -EOPNOTSUPP;
	reading->done = true;
	return add_scalar(reading->layout, &reading->cursor, token, 0);
}

static int read_token(struct reading *reading, const yaml_token_t *token)
{
	switch (reading->layout->shape) {
	case LIST_FLOW:
		return read_flow(reading, token);
	case LIST_BLOCK:
		return read_block(reading, token);
	default:
		return read_value(reading, token);
	}
}

static int read_tokens(struct reading *reading, const yaml_node_t *node)
{
	const struct source_text *text = reading->cursor.text;
	_cleanup_(yaml_parser_delete) yaml_parser_t parser = {0};
	int rc = 0;

	if (!yaml_parser_initialize(&parser))
		return -ENOMEM;
	yaml_parser_set_input_string(&parser, (const unsigned char *)text->bytes, text->size);
	while (!rc && !reading->done) {
		_cleanup_(yaml_token_delete) yaml_token_t token = {0};

		if (!yaml_parser_scan(&parser, &token) || token.type == YAML_STREAM_END_TOKEN)
			return -EOPNOTSUPP;
		if (token.start_mark.index >= node->start_mark.index)
			rc = read_token(reading, &token);
	}
	return rc;
}

int list_layout(const struct source_text *text, const yaml_node_t *node, struct list_layout *layout)
{
	struct reading reading = {
		.layout = layout,
		.cursor = {text, 0, first_byte(text)},
		.wanted = 1,
	};
	int rc;

	*layout = (struct list_layout){.shape = LIST_VALUE};
	if (node->type == YAML_SEQUENCE_NODE) {
		reading.wanted =
			(size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
		layout->shape = node->data.sequence.style == YAML_FLOW_SEQUENCE_STYLE ? LIST_FLOW
										      : LIST_BLOCK;
	}
	rc = read_tokens(&reading, node);
	if (rc)
		list_layout_free(layout);
	return rc;
}

void list_layout_free(struct list_layout *layout)
{
	free(layout->items);
	*layout = (struct list_layout){0};
}
