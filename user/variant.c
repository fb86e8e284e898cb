/* SPDX-License-Identifier: MIT */
#include "variant.h"

#include "cleanup.h"
#include "role_set.h"
#include "row.h"
#include "string_list.h"

static bool is_media(const char *word)
{
#define WORD(name) name,
	static const char *const words[] = {MEDIA_NAMES(WORD) NULL};
#undef WORD

	for (size_t i = 0; words[i]; i++) {
		if (!strcmp(words[i], word))
			return true;
	}
	return false;
}

int row_read_source_ports(struct yaml_doc *doc, yaml_node_t *node, void *target)
{
	struct strings *words = target;
	int result = yaml_read_strings(doc, node, words);

	for (size_t i = 0; i < words->count && !yaml_fatal(result); i++) {
		if (is_media(words->items[i]) ||
		    (words->count == 1 && !strcmp(words->items[i], "any")))
			continue;
		diag_error(doc->diags, words->places[i],
			   "source_ports: \"%s\" is no media range; accepted: names of media "
			   "ranges, or any alone",
			   words->items[i]);
		result = -EINVAL;
	}
	return result;
}

static const struct yaml_key variant_keys[] = {
	{"protocols", row_read_transports, offsetof(struct row_variant, transports), false},
	{"to", yaml_read_strings, offsetof(struct row_variant, to), false},
	{"source_ports", row_read_source_ports, offsetof(struct row_variant, source_ports), false},
	{NULL, NULL, 0, false},
};

static int read_variant(struct yaml_doc *doc, yaml_node_t *node, void *target)
{
	struct row *row = target;
	struct row_variant *variants, *variant;

	variants = array_grow(row->variants, row->n_variants, sizeof(*variants));
	if (!variants)
		return -ENOMEM;
	row->variants = variants;
	variant = &variants[row->n_variants++];
	*variant = (struct row_variant){.name = strdup(doc->key)};
	if (!variant->name)
		return -ENOMEM;
	return yaml_mapping(doc, node, "a variant", variant_keys, variant);
}

int row_read_variants(struct yaml_doc *doc, yaml_node_t *node, void *target)
{
	return yaml_named(doc, node, read_variant, target);
}

void row_free_variants(struct row *row)
{
	strings_free(&row->source_ports);
	for (size_t i = 0; i < row->n_variants; i++) {
		free(row->variants[i].name);
		strings_free(&row->variants[i].to);
		strings_free(&row->variants[i].source_ports);
	}
	free(row->variants);
}

static int check_words(const struct row *row, const struct strings *words,
		       const struct matrix *matrix, struct diagnostics *diags)
{
	for (size_t i = 0; i < words->count; i++) {
		const char *word = words->items[i];

		if (matrix_role(matrix, word) || matrix_group(matrix, word) ||
		    (words->count == 1 && !strcmp(word, "any")))
			continue;
		if (report_unknown_role(matrix, word, true, strings_place(words, i, row->place),
					diags) == -ENOMEM)
			return -ENOMEM;
	}
	return 0;
}

int row_check_variants(const struct row *row, const struct matrix *matrix,
		       struct diagnostics *diags)
{
	int rc = 0;

	if (!row_is_exception(row) && (row->source_ports.count || row->n_variants))
		diag_error(diags, row->place,
			   "row %s: source_ports and variants are for exceptions from IPsec; "
			   "accepted: in table " EXCEPTIONS_TABLE ", with opens: false",
			   row->id);
	for (size_t i = 0; i < row->n_variants && !rc; i++) {
		rc = check_words(row, &row->variants[i].to, matrix, diags);
		if (row->variants[i].to.count && row->directions != DIRECTION_OUT)
			diag_error(diags, row->place,
				   "row %s: variant \"%s\" has to:, and the row is not outbound; "
				   "accepted: direction: [out]",
				   row->id, row->variants[i].name);
	}
	return rc;
}

/* --- the documents */

/* The variants of all rows, each once, behind the one that the rows themselves are. */
static int collect(const struct matrix *matrix, struct strings *names)
{
	const struct place nowhere = {0};
	int rc = strings_add(names, matrix->variant ? matrix->variant : DEFAULT_VARIANT, nowhere);

	for (size_t i = 0; i < matrix->n_rows; i++) {
		const struct row *row = &matrix->rows[i];

		for (size_t j = 0; j < row->n_variants && !rc; j++) {
			if (!strings_contain(names, row->variants[j].name))
				rc = strings_add(names, row->variants[j].name, nowhere);
		}
	}
	return rc;
}

bool matrix_has_variant(const struct matrix *matrix, const char *variant)
{
	_cleanup_(strings_free) struct strings names = {0};

	return !collect(matrix, &names) && strings_contain(&names, variant);
}

char *matrix_variants(const struct matrix *matrix)
{
	_cleanup_(strings_free) struct strings names = {0};

	return collect(matrix, &names) ? NULL : strings_join(&names, ", ");
}

struct exception row_exception(const struct row *row, const char *variant)
{
	struct exception exception = {row->transports, &row->from, &row->to, &row->source_ports};

	for (size_t i = 0; i < row->n_variants; i++) {
		const struct row_variant *other = &row->variants[i];

		if (strcmp(other->name, variant))
			continue;
		if (other->transports)
			exception.transports = other->transports;
		if (other->to.count)
			exception.to = &other->to;
		if (other->source_ports.count)
			exception.source_ports = &other->source_ports;
	}
	return exception;
}
