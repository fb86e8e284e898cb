/* SPDX-License-Identifier: MIT */
/*
 * Words of a list in a YAML text, put in and taken out byte by byte: what is not such a word, its
 * comma or its line stays as it is.
 */
#ifndef ROLEWALL_LIST_EDIT_H
#define ROLEWALL_LIST_EDIT_H

#include "splice.h"
#include "yaml_doc.h"

struct list_change {
	const bool *gone; /* by item of the list; not all of them */
	char *const *added; /* in this order, behind the last */
	size_t n_added;
};

/*
 * Adds to SPLICES what makes CHANGE of the list that NODE, of a document of TEXT, is: a block or
 * flow sequence, or a single value in place of one. TEXT is UTF-8. Returns 0, -ENOMEM, or
 * -EOPNOTSUPP where the list is laid out in a way that cannot be edited; the caller still has to
 * see that the outcome reads as it should.
 */
int list_edit(const struct source_text *text, const yaml_node_t *node,
	      const struct list_change *change, struct splices *splices);

#endif
