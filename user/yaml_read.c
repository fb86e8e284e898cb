/* SPDX-License-Identifier: MIT */
/* Readers of the parts of a document: mappings by a table of keys, lists, values. */
#include "yaml_doc.h"

#include <errno.h>

#include "cleanup.h"
#include "string_list.h"

#define STRINGS_MAX 1000U
#define TEXT_MAX 1000U /* bytes of one value */
#define ID_MAX 63U /* bytes of a role, group, table or matrix name */

static const char *node_kind(const yaml_node_t *node)
{
	switch (node->type) {
	case YAML_MAPPING_NODE:
		return "a mapping";
	case YAML_SEQUENCE_NODE:
		return "a list";
	default:
		return "a value";
	}
}

/* `key:`, `key: ~` and `key: null` say nothing; quoted they are text. */
static bool is_nothing(const yaml_node_t *node)
{
	const char *text = (const char *)node->data.scalar.value;

	return node->type == YAML_SCALAR_NODE &&
	       node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	       (!*text || !strcmp(text, "~") || !strcmp(text, "null"));
}

/* What messages call the value that is being read. */
static const char *key_name(const struct yaml_doc *doc)
{
	return doc->key ? doc->key : "file";
}

static int wrong_kind(struct yaml_doc *doc, const yaml_node_t *node, const char *accepted)
{
	diag_error(doc->diags, yaml_place(doc, node), "%s: %s found; %s is accepted", key_name(doc),
		   is_nothing(node) ? "nothing" : node_kind(node), accepted);
	return -EINVAL;
}

/* Bytes that would break a line or a terminal: C0, DEL, and C1 in UTF-8. */
static bool has_control(const char *text)
{
	for (; *text; text++) {
		unsigned char byte = (unsigned char)text[0], next = (unsigned char)text[1];

		if (byte < 0x20 || byte == 0x7f || (byte == 0xc2 && next >= 0x80 && next < 0xa0))
			return true;
	}
	return false;
}

const char *yaml_text(struct yaml_doc *doc, const yaml_node_t *node)
{
	const char *text = (const char *)node->data.scalar.value;

	if (node->type != YAML_SCALAR_NODE || is_nothing(node)) {
		wrong_kind(doc, node, "a value");
		return NULL;
	}
	if (!*text || has_control(text)) {
		diag_error(doc->diags, yaml_place(doc, node),
			   "%s: %s; one line of text is accepted", key_name(doc),
			   *text ? "line break or control character" : "empty");
		return NULL;
	}
	if (strnlen(text, TEXT_MAX + 1) > TEXT_MAX) {
		diag_error(doc->diags, yaml_place(doc, node),
			   "%s: too long; at most %u bytes are read", key_name(doc), TEXT_MAX);
		return NULL;
	}
	return text;
}

int yaml_word(struct yaml_doc *doc, const yaml_node_t *node, const char *const *words,
	      unsigned int *index)
{
	const char *text = yaml_text(doc, node);
	_cleanup_free_ char *accepted = NULL;
	struct strings list = {.items = (char **)words};

	if (!text)
		return -EINVAL;
	for (; words[list.count]; list.count++) {
		if (!strcmp(words[list.count], text)) {
			*index = (unsigned int)list.count;
			return 0;
		}
	}
	accepted = strings_join(&list, ", ");
	if (!accepted)
		return -ENOMEM;
	diag_error(doc->diags, yaml_place(doc, node), "%s: unknown word \"%s\"; accepted: %s",
		   key_name(doc), text, accepted);
	return -EINVAL;
}

int yaml_read_text(struct yaml_doc *doc, yaml_node_t *node, void *target)
{
	const char *text = yaml_text(doc, node);
	char *copy;

	if (!text)
		return -EINVAL;
	copy = strdup(text);
	if (!copy)
		return -ENOMEM;
	*(char **)target = copy;
	return 0;
}

int yaml_skip_text(struct yaml_doc *doc, yaml_node_t *node, void *target)
{
	(void)target;
	return yaml_text(doc, node) ? 0 : -EINVAL;
}

int yaml_read_bool(struct yaml_doc *doc, yaml_node_t *node, void *target)
{
	static const char *const words[] = {"false", "true", NULL};
	unsigned int index;
	int rc = yaml_word(doc, node, words, &index);

	if (!rc)
		*(bool *)target = index;
	return rc;
}

int yaml_read_version(struct yaml_doc *doc, yaml_node_t *node, void *target)
{
	const char *text = yaml_text(doc, node);

	(void)target;
	if (!text)
		return -EINVAL;
	if (strcmp(text, "1")) {
		diag_error(doc->diags, yaml_place(doc, node),
			   "version: \"%s\" is not known; accepted: 1", text);
		return -EINVAL;
	}
	return 0;
}

static int read_string(struct yaml_doc *doc, yaml_node_t *node, void *target)
{
	struct strings *strings = target;
	const char *text = yaml_text(doc, node);

	if (!text)
		return -EINVAL;
	if (strings->count == STRINGS_MAX) {
		diag_error(doc->diags, yaml_place(doc, node), "%s: too many; at most %u are read",
			   key_name(doc), STRINGS_MAX);
		return -EINVAL;
	}
	if (strings_contain(strings, text)) {
		diag_error(doc->diags, yaml_place(doc, node),
			   "%s: \"%s\" is listed twice; once is enough", key_name(doc), text);
		return -EINVAL;
	}
	return strings_add(strings, text, yaml_place(doc, node));
}

int yaml_read_strings(struct yaml_doc *doc, yaml_node_t *node, void *target)
{
	return yaml_values(doc, node, read_string, target);
}

static int read_items(struct yaml_doc *doc, yaml_node_t *node, yaml_reader *read, void *target)
{
	const char *key = doc->key;
	int result = 0;

	for (yaml_node_item_t *item = node->data.sequence.items.start;
	     item < node->data.sequence.items.top; item++) {
		int rc = read(doc, yaml_document_get_node(&doc->document, *item), target);

		doc->key = key;
		if (yaml_fatal(rc))
			return rc;
		if (rc)
			result = rc;
	}
	return result;
}

int yaml_each(struct yaml_doc *doc, yaml_node_t *node, yaml_reader *read, void *target)
{
	if (node->type != YAML_SEQUENCE_NODE)
		return wrong_kind(doc, node, "a list");
	return read_items(doc, node, read, target);
}

int yaml_values(struct yaml_doc *doc, yaml_node_t *node, yaml_reader *read, void *target)
{
	if (node->type == YAML_MAPPING_NODE || is_nothing(node))
		return wrong_kind(doc, node, "a value or a list of values");
	if (node->type == YAML_SCALAR_NODE)
		return read(doc, node, target);
	if (node->data.sequence.items.start == node->data.sequence.items.top) {
		diag_error(doc->diags, yaml_place(doc, node),
			   "%s: empty list; at least one value is accepted", key_name(doc));
		return -EINVAL;
	}
	return read_items(doc, node, read, target);
}

/* The names of the keys that a mapping may have, for messages; NULL = out of memory. */
static char *accepted_keys(const struct yaml_key *keys)
{
	char *names[YAML_KEYS_MAX];
	struct strings list = {.items = names};

	for (; keys->name && list.count < YAML_KEYS_MAX; keys++) {
		if (keys->read)
			names[list.count++] = (char *)keys->name;
	}
	return strings_join(&list, ", ");
}

/* The mapping that is being read. */
struct mapping {
	struct yaml_doc *doc;
	const char *what;
	const struct yaml_key *keys;
	const yaml_node_t *first[YAML_KEYS_MAX]; /* the key's place in the file, once seen */
};

static int unknown_key(struct mapping *mapping, const yaml_node_t *key)
{
	_cleanup_free_ char *accepted = accepted_keys(mapping->keys);
	struct yaml_doc *doc = mapping->doc;

	if (!accepted)
		return -ENOMEM;
	if (key->type != YAML_SCALAR_NODE)
		diag_error(doc->diags, yaml_place(doc, key), "%s as a key of %s; accepted: %s",
			   node_kind(key), mapping->what, accepted);
	else
		diag_error(doc->diags, yaml_place(doc, key),
			   "unknown key \"%s\" in %s; accepted: %s",
			   (const char *)key->data.scalar.value, mapping->what, accepted);
	return -EINVAL;
}

/* Finds the row of the table for a key that may stand here. */
static int find_key(struct mapping *mapping, const yaml_node_t *key, size_t *index)
{
	struct yaml_doc *doc = mapping->doc;
	const struct yaml_key *keys = mapping->keys;
	const char *name = (const char *)key->data.scalar.value;
	size_t i = 0;

	if (key->type != YAML_SCALAR_NODE)
		return unknown_key(mapping, key);
	while (keys[i].name && strcmp(keys[i].name, name))
		i++;
	if (!keys[i].name)
		return unknown_key(mapping, key);
	if (mapping->first[i]) {
		diag_error(doc->diags, yaml_place(doc, key),
			   "key \"%s\" is given twice in %s; line %u has it already", name,
			   mapping->what, yaml_place(doc, mapping->first[i]).line);
		return -EINVAL;
	}
	mapping->first[i] = key;
	if (!keys[i].read) {
		diag_error(doc->diags, yaml_place(doc, key),
			   "key \"%s\" is not supported by this version yet", name);
		return -EINVAL;
	}
	*index = i;
	return 0;
}

static int find_missing(struct mapping *mapping, const yaml_node_t *node)
{
	struct yaml_doc *doc = mapping->doc;
	_cleanup_free_ char *accepted = accepted_keys(mapping->keys);
	int result = 0;

	if (!accepted)
		return -ENOMEM;
	for (size_t i = 0; mapping->keys[i].name; i++) {
		if (!mapping->keys[i].required || mapping->first[i])
			continue;
		diag_error(doc->diags, yaml_place(doc, node),
			   "key \"%s\" is missing in %s; accepted: %s", mapping->keys[i].name,
			   mapping->what, accepted);
		result = -EINVAL;
	}
	return result;
}

static int read_key(struct yaml_doc *doc, const struct yaml_key *key, yaml_node_t *value,
		    void *target)
{
	doc->key = key->name;
	return key->read(doc, value, target ? (char *)target + key->offset : NULL);
}

int yaml_mapping(struct yaml_doc *doc, yaml_node_t *node, const char *what,
		 const struct yaml_key *keys, void *target)
{
	struct mapping mapping = {.doc = doc, .what = what, .keys = keys};
	int result = 0, rc;

	if (node->type != YAML_MAPPING_NODE)
		return wrong_kind(doc, node, "a mapping");
	for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
	     pair < node->data.mapping.pairs.top; pair++) {
		size_t i = 0;

		rc = find_key(&mapping, yaml_document_get_node(&doc->document, pair->key), &i);
		if (!rc)
			rc = read_key(doc, &keys[i],
				      yaml_document_get_node(&doc->document, pair->value), target);
		if (yaml_fatal(rc))
			return rc;
		if (rc)
			result = rc;
	}
	rc = find_missing(&mapping, node);
	return rc ? rc : result;
}

/* The key as text, if it is one that did not stand in the mapping before. */
static const char *new_name(struct yaml_doc *doc, const yaml_node_t *node,
			    const yaml_node_pair_t *pair)
{
	const yaml_node_t *key = yaml_document_get_node(&doc->document, pair->key);
	const char *name = yaml_text(doc, key);

	for (yaml_node_pair_t *other = node->data.mapping.pairs.start; name && other < pair;
	     other++) {
		const yaml_node_t *before = yaml_document_get_node(&doc->document, other->key);

		if (before->type != YAML_SCALAR_NODE ||
		    strcmp((const char *)before->data.scalar.value, name))
			continue;
		diag_error(doc->diags, yaml_place(doc, key),
			   "%s: \"%s\" is given twice; line %u has it already", key_name(doc), name,
			   yaml_place(doc, before).line);
		return NULL;
	}
	return name;
}

int yaml_named(struct yaml_doc *doc, yaml_node_t *node, yaml_reader *read, void *target)
{
	const char *key = doc->key;
	int result = 0;

	if (node->type != YAML_MAPPING_NODE)
		return wrong_kind(doc, node, "a mapping");
	if (node->data.mapping.pairs.top - node->data.mapping.pairs.start > (long)YAML_MAP_MAX) {
		diag_error(doc->diags, yaml_place(doc, node), "%s: too many; at most %u are read",
			   key_name(doc), YAML_MAP_MAX);
		return -EINVAL;
	}
	for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
	     pair < node->data.mapping.pairs.top; pair++) {
		const char *name = new_name(doc, node, pair);
		int rc = -EINVAL;

		if (name) {
			doc->key = name;
			rc = read(doc, yaml_document_get_node(&doc->document, pair->value), target);
			doc->key = key;
		}
		if (yaml_fatal(rc))
			return rc;
		if (rc)
			result = rc;
	}
	return result;
}

/* Names are kebab-case: "front-end". */
static bool is_id(const char *text)
{
	size_t length = strlen(text);

	return length <= ID_MAX && *text >= 'a' && *text <= 'z' &&
	       !text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-")];
}

int yaml_check_id(struct yaml_doc *doc, const yaml_node_t *node, const char *what, const char *id)
{
	if (is_id(id))
		return 0;
	diag_error(doc->diags, yaml_place(doc, node),
		   "\"%s\" is no name of %s; accepted: a letter, then up to %u of a-z 0-9 -", id,
		   what, ID_MAX - 1);
	return -EINVAL;
}
