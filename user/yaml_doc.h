/* SPDX-License-Identifier: MIT */
/*
 * YAML files, read strictly: a thin layer over libyaml's document API that turns every mistake
 * into a diagnostic at its place and goes on with the rest of the file.
 *
 * A file is one document of mappings, lists and plain values. Anchors, aliases and tags are
 * refused: what a reader sees at a line is what the file says there.
 */
#ifndef ROLEWALL_YAML_DOC_H
#define ROLEWALL_YAML_DOC_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <yaml.h>

#include "diag.h"

#define YAML_FILE_MAX (16U << 20) /* bytes */
#define YAML_DEPTH_MAX 16U
#define YAML_NODES_MAX 1000000U
#define YAML_KEYS_MAX 32U /* keys of one table of struct yaml_key */
#define YAML_MAP_MAX 1000U /* entries of a mapping with free keys */

struct yaml_doc {
	yaml_document_t document;
	bool open;
	const char *file; /* borrowed; what diagnostics show */
	struct diagnostics *diags; /* borrowed */
	const char *key; /* the key whose value is being read, for messages */
};

/* The text of a file as it is; to be freed. Returns 0 or -errno, which is also in diags. */
int yaml_file_read(const char *path, char **text, size_t *size, struct diagnostics *diags);

/*
 * Return 0, -EINVAL where diags says why, or -errno where the file cannot be read (also in
 * diags). On failure the document is closed.
 */
int yaml_doc_load(struct yaml_doc *doc, const char *path, struct diagnostics *diags);
int yaml_doc_parse(struct yaml_doc *doc, const char *file, const char *text, size_t size,
		   struct diagnostics *diags);
void yaml_doc_close(struct yaml_doc *doc);

yaml_node_t *yaml_root(struct yaml_doc *doc);
struct place yaml_place(const struct yaml_doc *doc, const yaml_node_t *node);

/*
 * The readers: each takes a node and writes what it says to TARGET. They return 0, -EINVAL once
 * the mistake is in diags, or -ENOMEM; after -EINVAL the caller goes on with the next node.
 */
typedef int yaml_reader(struct yaml_doc *doc, yaml_node_t *node, void *target);

static inline bool yaml_fatal(int rc)
{
	return rc == -ENOMEM;
}

/* A key that a mapping may have. Tables of them end at a NULL name. */
struct yaml_key {
	const char *name;
	yaml_reader *read; /* NULL: belongs to a later version, refused by name */
	size_t offset; /* of what it fills, in the mapping's target */
	bool required;
};

/* A mapping with these keys only. WHAT names it in messages: "a pool". */
int yaml_mapping(struct yaml_doc *doc, yaml_node_t *node, const char *what,
		 const struct yaml_key *keys, void *target);
/* A mapping whose keys are names of the file's own; read finds each as doc->key. */
int yaml_named(struct yaml_doc *doc, yaml_node_t *node, yaml_reader *read, void *target);
/* A list, which may be empty. */
int yaml_each(struct yaml_doc *doc, yaml_node_t *node, yaml_reader *read, void *target);
/* A list of values that is not empty, or a single value in place of one. */
int yaml_values(struct yaml_doc *doc, yaml_node_t *node, yaml_reader *read, void *target);

/* One line of text, borrowed from the document; NULL once the mistake is in diags. */
const char *yaml_text(struct yaml_doc *doc, const yaml_node_t *node);
/* One of WORDS, which end at NULL, as its index. */
int yaml_word(struct yaml_doc *doc, const yaml_node_t *node, const char *const *words,
	      unsigned int *index);

/* Is ID a name in kebab-case? WHAT says of what, for the message: "a role". */
int yaml_check_id(struct yaml_doc *doc, const yaml_node_t *node, const char *what, const char *id);

yaml_reader yaml_read_text; /* to char *, which owns it */
yaml_reader yaml_read_bool; /* to bool */
yaml_reader yaml_read_strings; /* yaml_values to struct strings, no text twice */
yaml_reader yaml_read_version; /* must be 1; no target */
yaml_reader yaml_skip_text; /* one line of text that nothing needs yet */

#endif
