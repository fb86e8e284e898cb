/* SPDX-License-Identifier: MIT */
#include "pool_edit.h"

#include <errno.h>

#include "cleanup.h"
#include "list_edit.h"
#include "site.h"
#include "site_parts.h"
#include "string_list.h"

/* One edit on its way. */
struct editing {
	struct yaml_doc doc;
	const struct source_text *text;
	const struct pool_edit *edit;
	struct prefix *prefixes; /* by word of the edit, where these are addresses */
	yaml_node_t *list;
	bool *gone; /* by item of the list */
	size_t *found; /* by word of the edit: the item that it is + 1, 0 = none */
	struct diagnostics *diags;
};

static const char *what(const struct pool_edit *edit)
{
	return edit->addresses ? "address" : "role";
}

/* --- the words of the command line */

static int check_word(const struct editing *editing, size_t index)
{
	const char *word = editing->edit->words[index];

	if (editing->edit->addresses)
		return site_check_address(word, (struct place){0}, &editing->prefixes[index],
					  editing->diags);
	if (*word && !word[strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789-")])
		return 0;
	diag_error(editing->diags, (struct place){0},
		   "\"%s\" is no name of a role; accepted: letters a-z, 0-9 and -, as "
		   "\"rolewall matrix\" lists them",
		   word);
	return -EINVAL;
}

/* The same address may be written in several ways; PREFIX is TEXT as one, family 0 if it is none. */
static bool is_word(const struct editing *editing, size_t index, const char *text,
		    const struct prefix *prefix)
{
	if (!editing->edit->addresses)
		return !strcmp(editing->edit->words[index], text);
	return !prefix_compare(&editing->prefixes[index], prefix);
}

static int check_words(struct editing *editing)
{
	const struct pool_edit *edit = editing->edit;
	int result = 0;

	editing->prefixes = calloc(edit->n_words + 1, sizeof(*editing->prefixes));
	editing->found = calloc(edit->n_words + 1, sizeof(*editing->found));
	if (!editing->prefixes || !editing->found)
		return -ENOMEM;
	for (size_t i = 0; i < edit->n_words; i++) {
		if (check_word(editing, i)) {
			result = -EINVAL;
			continue;
		}
		for (size_t j = 0; j < i; j++) {
			if (!is_word(editing, j, edit->words[i], &editing->prefixes[i]))
				continue;
			diag_error(editing->diags, (struct place){0},
				   "%s %s is given twice; once is enough", what(edit),
				   edit->words[i]);
			result = -EINVAL;
			break;
		}
	}
	return result;
}

/* --- the pool and its list */

static yaml_node_t *value_of(struct yaml_doc *doc, const yaml_node_t *mapping, const char *key)
{
	if (!mapping || mapping->type != YAML_MAPPING_NODE)
		return NULL;
	for (yaml_node_pair_t *pair = mapping->data.mapping.pairs.start;
	     pair < mapping->data.mapping.pairs.top; pair++) {
		const yaml_node_t *name = yaml_document_get_node(&doc->document, pair->key);

		if (name->type == YAML_SCALAR_NODE &&
		    !strcmp((const char *)name->data.scalar.value, key))
			return yaml_document_get_node(&doc->document, pair->value);
	}
	return NULL;
}

static size_t count_items(const yaml_node_t *list)
{
	if (!list || list->type == YAML_MAPPING_NODE)
		return 0;
	return list->type == YAML_SCALAR_NODE
		       ? 1
		       : (size_t)(list->data.sequence.items.top - list->data.sequence.items.start);
}

static yaml_node_t *item_of(struct yaml_doc *doc, yaml_node_t *list, size_t index)
{
	return list->type == YAML_SCALAR_NODE
		       ? list
		       : yaml_document_get_node(&doc->document,
						list->data.sequence.items.start[index]);
}

/* A word of the list; "" for what is none. */
static const char *word_of(struct yaml_doc *doc, yaml_node_t *list, size_t index)
{
	const yaml_node_t *node = item_of(doc, list, index);

	return node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : "";
}

/* The pool of that name, or NULL; *names are all there are. */
static const yaml_node_t *find_pool(struct editing *editing, struct strings *names)
{
	struct yaml_doc *doc = &editing->doc;
	yaml_node_t *pools = value_of(doc, yaml_root(doc), "pools");
	const yaml_node_t *found = NULL;

	for (size_t i = 0; pools && pools->type == YAML_SEQUENCE_NODE && i < count_items(pools);
	     i++) {
		const yaml_node_t *pool = item_of(doc, pools, i);
		yaml_node_t *name = value_of(doc, pool, "name");

		if (!name || name->type != YAML_SCALAR_NODE)
			continue;
		if (strings_add(names, word_of(doc, name, 0), yaml_place(doc, name)))
			return NULL;
		if (!found && !strcmp(word_of(doc, name, 0), editing->edit->pool))
			found = pool;
	}
	return found;
}

static int find_list(struct editing *editing)
{
	const char *key = editing->edit->addresses ? "addresses" : "roles";
	_cleanup_(strings_free) struct strings names = {0};
	const yaml_node_t *pool = find_pool(editing, &names);
	struct place file = {.file = editing->doc.file};

	if (!pool && !names.count) {
		diag_error(editing->diags, file, "no pool in this file");
		return -EINVAL;
	}
	if (!pool)
		return report_unknown_word(editing->diags, file, "pool", editing->edit->pool,
					   &names);
	editing->list = value_of(&editing->doc, pool, key);
	if (count_items(editing->list))
		return 0;
	diag_error(editing->diags, yaml_place(&editing->doc, pool),
		   "pool \"%s\" has no list of %s to edit", editing->edit->pool, key);
	return -EINVAL;
}

/* --- what is there already, and what goes */

static int refuse_double(struct editing *editing, size_t word)
{
	const struct pool_edit *edit = editing->edit;
	yaml_node_t *item = item_of(&editing->doc, editing->list, editing->found[word] - 1);

	diag_error(editing->diags, yaml_place(&editing->doc, item), "pool \"%s\" has %s %s already",
		   edit->pool, what(edit), edit->words[word]);
	return -EINVAL;
}

static int refuse_absent(struct editing *editing, size_t word)
{
	const struct pool_edit *edit = editing->edit;
	_cleanup_(strings_free) struct strings held = {0};
	_cleanup_free_ char *accepted = NULL;
	int rc = 0;

	for (size_t i = 0; i < count_items(editing->list) && !rc; i++)
		rc = strings_add(&held, word_of(&editing->doc, editing->list, i),
				 (struct place){0});
	accepted = rc ? NULL : strings_join(&held, ", ");
	if (!accepted)
		return -ENOMEM;
	diag_error(editing->diags, yaml_place(&editing->doc, editing->list),
		   "pool \"%s\" does not list %s %s; accepted: %s", edit->pool, what(edit),
		   edit->words[word], accepted);
	return -EINVAL;
}

/* Finds the words in the list; returns how many of its items are none of them. */
static size_t find_words(struct editing *editing)
{
	size_t count = count_items(editing->list), others = 0;

	for (size_t i = 0; i < count; i++) {
		const char *text = word_of(&editing->doc, editing->list, i);
		struct prefix prefix = {0};
		bool any = false;

		if (editing->edit->addresses && prefix_parse(text, &prefix))
			prefix = (struct prefix){0};
		for (size_t word = 0; word < editing->edit->n_words; word++) {
			if (!is_word(editing, word, text, &prefix))
				continue;
			editing->found[word] = i + 1;
			any = true;
		}
		editing->gone[i] = any && editing->edit->remove;
		others += !any;
	}
	return others;
}

static int choose_items(struct editing *editing)
{
	const struct pool_edit *edit = editing->edit;
	int result = 0;
	size_t others;

	editing->gone = calloc(count_items(editing->list) + 1, sizeof(*editing->gone));
	if (!editing->gone)
		return -ENOMEM;
	others = find_words(editing);
	for (size_t word = 0; word < edit->n_words; word++) {
		int rc = 0;

		if (edit->remove && !editing->found[word])
			rc = refuse_absent(editing, word);
		if (!edit->remove && editing->found[word])
			rc = refuse_double(editing, word);
		if (yaml_fatal(rc))
			return rc;
		result = rc ? rc : result;
	}
	if (result || others || !edit->remove)
		return result;
	diag_error(editing->diags, yaml_place(&editing->doc, editing->list),
		   "pool \"%s\" would have no %s left; accepted: to keep one, or to take the pool "
		   "out of the file",
		   edit->pool, what(edit));
	return -EINVAL;
}

/* --- the outcome */

static bool same_tree(struct editing *editing, struct yaml_doc *other, yaml_node_t *a,
		      yaml_node_t *b);

/* The list has the words that stay, in their order, and behind them those that were added. */
static bool is_changed_list(struct editing *editing, struct yaml_doc *other, yaml_node_t *list)
{
	const struct pool_edit *edit = editing->edit;
	size_t count = count_items(list), at = 0;

	for (size_t i = 0; i < count_items(editing->list); i++) {
		if (editing->gone[i])
			continue;
		if (at == count || strcmp(word_of(&editing->doc, editing->list, i),
					  word_of(other, list, at++)) != 0)
			return false;
	}
	for (size_t i = 0; i < edit->n_words && !edit->remove; i++)
		if (at == count || strcmp(edit->words[i], word_of(other, list, at++)) != 0)
			return false;
	return at == count;
}

static bool same_items(struct editing *editing, struct yaml_doc *other, yaml_node_t *a,
		       yaml_node_t *b)
{
	if (count_items(a) != count_items(b))
		return false;
	for (size_t i = 0; i < count_items(a); i++)
		if (!same_tree(editing, other, item_of(&editing->doc, a, i), item_of(other, b, i)))
			return false;
	return true;
}

static bool same_pairs(struct editing *editing, struct yaml_doc *other, yaml_node_t *a,
		       yaml_node_t *b)
{
	yaml_node_pair_t *x = a->data.mapping.pairs.start, *y = b->data.mapping.pairs.start;

	if (a->data.mapping.pairs.top - x != b->data.mapping.pairs.top - y)
		return false;
	for (; x < a->data.mapping.pairs.top; x++, y++)
		if (!same_tree(editing, other,
			       yaml_document_get_node(&editing->doc.document, x->key),
			       yaml_document_get_node(&other->document, y->key)) ||
		    !same_tree(editing, other,
			       yaml_document_get_node(&editing->doc.document, x->value),
			       yaml_document_get_node(&other->document, y->value)))
			return false;
	return true;
}

static bool same_tree(struct editing *editing, struct yaml_doc *other, yaml_node_t *a,
		      yaml_node_t *b)
{
	if (a == editing->list)
		return is_changed_list(editing, other, b);
	if (a->type != b->type)
		return false;
	switch (a->type) {
	case YAML_MAPPING_NODE:
		return same_pairs(editing, other, a, b);
	case YAML_SEQUENCE_NODE:
		return same_items(editing, other, a, b);
	default:
		return !strcmp((const char *)a->data.scalar.value,
			       (const char *)b->data.scalar.value);
	}
}

/* The edit is only good if a reader of the new text finds what was meant, and nothing else new. */
static bool reads_right(struct editing *editing, const struct source_text *edited)
{
	_cleanup_(diag_free) struct diagnostics diags = {0};
	_cleanup_(yaml_doc_close) struct yaml_doc other = {0};

	return !yaml_doc_parse(&other, editing->doc.file, edited->bytes, edited->size, &diags) &&
	       same_tree(editing, &other, yaml_root(&editing->doc), yaml_root(&other));
}

/* libyaml reads it as well, but its offsets are not those of the bytes. */
static int check_encoding(const struct editing *editing)
{
	const struct source_text *text = editing->text;

	if (text->size < 2 ||
	    (memcmp(text->bytes, "\xff\xfe", 2) && memcmp(text->bytes, "\xfe\xff", 2)))
		return 0;
	diag_error(editing->diags, (struct place){.file = editing->doc.file},
		   "UTF-16: it can be read, but not edited here; accepted: UTF-8");
	return -EINVAL;
}

static int refuse_layout(struct editing *editing)
{
	diag_error(editing->diags, yaml_place(&editing->doc, editing->list),
		   "%s of pool \"%s\": this list is laid out in a way that cannot be edited here; "
		   "accepted: [A, B], or a line for each behind \"- \"",
		   editing->edit->addresses ? "addresses" : "roles", editing->edit->pool);
	return -EINVAL;
}

static int make_edit(struct editing *editing, struct splices *splices, struct source_text *edited)
{
	const struct pool_edit *edit = editing->edit;
	const struct list_change change = {
		.gone = edit->remove ? editing->gone : NULL,
		.added = edit->words,
		.n_added = edit->remove ? 0 : edit->n_words,
	};
	int rc = list_edit(editing->text, editing->list, &change, splices);

	if (!rc) {
		splices_order(splices);
		rc = splices_apply(splices, editing->text, edited);
	}
	if (!rc && !reads_right(editing, edited)) {
		free(edited->bytes);
		*edited = (struct source_text){0};
		rc = -EOPNOTSUPP;
	}
	return rc == -EOPNOTSUPP ? refuse_layout(editing) : rc;
}

int pool_edit(const char *path, const struct source_text *text, const struct pool_edit *edit,
	      struct splices *splices, struct source_text *edited, struct diagnostics *diags)
{
	struct editing editing = {.text = text, .edit = edit, .diags = diags};
	int rc = yaml_doc_parse(&editing.doc, path, text->bytes, text->size, diags);

	rc = rc ? rc : check_words(&editing);
	rc = rc ? rc : check_encoding(&editing);
	rc = rc ? rc : find_list(&editing);
	rc = rc ? rc : choose_items(&editing);
	rc = rc ? rc : make_edit(&editing, splices, edited);
	free(editing.prefixes);
	free(editing.found);
	free(editing.gone);
	yaml_doc_close(&editing.doc);
	return rc;
}
