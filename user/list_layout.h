/* SPDX-License-Identifier: MIT */
/* Where the words, dashes and commas of one list of a YAML text stand. */
#ifndef ROLEWALL_LIST_LAYOUT_H
#define ROLEWALL_LIST_LAYOUT_H

#include "splice.h"
#include "yaml_doc.h"

enum list_shape {
	LIST_VALUE, /* `roles: director` */
	LIST_FLOW, /* `roles: [director, mediation]` */
	LIST_BLOCK, /* one behind each dash */
};

/* All are offsets in bytes. */
struct list_item {
	size_t start, end; /* with its quotes */
	size_t dash; /* in a block */
	size_t comma; /* behind it, in a flow; 0 = there is none */
	char quote; /* ", ' or 0 */
};

struct list_layout {
	enum list_shape shape;
	struct list_item *items;
	size_t count;
	size_t open; /* the bracket of a flow */
};

/* TEXT is UTF-8. Returns 0, -ENOMEM, or -EOPNOTSUPP where a list has something else than words on one line. */
int list_layout(const struct source_text *text, const yaml_node_t *node,
		struct list_layout *layout);
void list_layout_free(struct list_layout *layout);

#endif
