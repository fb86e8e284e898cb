/* SPDX-License-Identifier: MIT */
#include "matrix.h"

#include "cleanup.h"
#include "overlays.h"
#include "role_set.h"
#include "row.h"
#include "string_list.h"
#include "variant.h"
#include "yaml_doc.h"

/* builtin_matrix.S */
extern const char builtin_matrix_start[], builtin_matrix_end[];

/* A file that is being read: where its parts were written, for the checks at the end. */
struct reading {
	struct matrix matrix;
	struct place *role_places, *group_places;
};

/* A table whose rows are being read. */
struct table {
	struct reading *reading;
	const char *name;
	enum balancing balancing;
	bool opens;
	size_t first; /* its rows start here */
};

static int read_name(struct yaml_doc *doc, yaml_node_t *node, void *target)
{
	const char *text = yaml_text(doc, node);

	if (!text || yaml_check_id(doc, node, "a matrix", text))
		return -EINVAL;
	return yaml_read_text(doc, node, target);
}

static int too_many(struct yaml_doc *doc, const yaml_node_t *node, unsigned int most)
{
	diag_error(doc->diags, yaml_place(doc, node), "too many of this kind; at most %u are read",
		   most);
	return -EINVAL;
}

static const struct yaml_key role_keys[] = {
	{"title", yaml_read_text, offsetof(struct role, title), true},
	{"adds", yaml_read_strings, offsetof(struct role, adds), false},
	{"peer", yaml_read_bool, offsetof(struct role, peer), false},
	{NULL, NULL, 0, false},
};

static int read_role(struct yaml_doc *doc, yaml_node_t *node, void *target)
{
	struct reading *reading = target;
	struct matrix *matrix = &reading->matrix;
	struct place *places;
	struct role *roles;

	if (matrix->n_roles == MATRIX_ROLES_MAX)
		return too_many(doc, node, MATRIX_ROLES_MAX);
	roles = array_grow(matrix->roles, matrix->n_roles, sizeof(*roles));
	if (!roles)
		return -ENOMEM;
	matrix->roles = roles;
	places = array_grow(reading->role_places, matrix->n_roles, sizeof(*places));
	if (!places)
		return -ENOMEM;
	reading->role_places = places;
	roles[matrix->n_roles] = (struct role){.id = strdup(doc->key)};
	if (!roles[matrix->n_roles].id)
		return -ENOMEM;
	places[matrix->n_roles++] = yaml_place(doc, node);
	if (yaml_check_id(doc, node, "a role", doc->key))
		return -EINVAL;
	return yaml_mapping(doc, node, "a role", role_keys, &roles[matrix->n_roles - 1]);
}

static int read_group(struct yaml_doc *doc, yaml_node_t *node, void *target)
{
	struct reading *reading = target;
	struct matrix *matrix = &reading->matrix;
	struct place *places;
	struct group *groups;

	if (matrix->n_groups == MATRIX_GROUPS_MAX)
		return too_many(doc, node, MATRIX_GROUPS_MAX);
	groups = array_grow(matrix->groups, matrix->n_groups, sizeof(*groups));
	if (!groups)
		return -ENOMEM;
	matrix->groups = groups;
	places = array_grow(reading->group_places, matrix->n_groups, sizeof(*places));
	if (!places)
		return -ENOMEM;
	reading->group_places = places;
	groups[matrix->n_groups] = (struct group){.id = strdup(doc->key)};
	if (!groups[matrix->n_groups].id)
		return -ENOMEM;
	places[matrix->n_groups++] = yaml_place(doc, node);
	if (yaml_check_id(doc, node, "a group", doc->key))
		return -EINVAL;
	return yaml_read_strings(doc, node, &groups[matrix->n_groups - 1].members);
}

static int read_roles(struct yaml_doc *doc, yaml_node_t *node, void *target)
{
	return yaml_named(doc, node, read_role, target);
}

static int read_groups(struct yaml_doc *doc, yaml_node_t *node, void *target)
{
	return yaml_named(doc, node, read_group, target);
}

static int read_row(struct yaml_doc *doc, yaml_node_t *node, void *target)
{
	struct table *table = target;
	struct matrix *matrix = &table->reading->matrix;
	unsigned int number = (unsigned int)(matrix->n_rows - table->first) + 1;
	struct row *rows = array_grow(matrix->rows, matrix->n_rows, sizeof(*rows));

	if (!rows)
		return -ENOMEM;
	matrix->rows = rows;
	rows[matrix->n_rows] = (struct row){0};
	return row_read_vendor(doc, node, table->name, number, &rows[matrix->n_rows++]);
}

static int read_rows(struct yaml_doc *doc, yaml_node_t *node, void *target)
{
	return yaml_each(doc, node, read_row, target);
}

static int read_balancing(struct yaml_doc *doc, yaml_node_t *node, void *target)
{
	static const char *const words[] = {"dns", "hardware", NULL};
	unsigned int index;
	int rc = yaml_word(doc, node, words, &index);

	if (!rc)
		*(enum balancing *)target = index ? BALANCING_HARDWARE : BALANCING_DNS;
	return rc;
}

static int read_variant(struct yaml_doc *doc, yaml_node_t *node, void *target)
{
	const struct table *table = target;
	struct matrix *matrix = &table->reading->matrix;

	if (!strcmp(table->name, EXCEPTIONS_TABLE))
		return yaml_read_text(doc, node, &matrix->variant);
	diag_error(doc->diags, yaml_place(doc, node),
		   "variant: table \"%s\" has none; accepted: in table " EXCEPTIONS_TABLE,
		   table->name);
	return -EINVAL;
}

static const struct yaml_key table_keys[] = {
	{"title", yaml_skip_text, 0, true},
	{"load_balancing", read_balancing, offsetof(struct table, balancing), false},
	{"opens", yaml_read_bool, offsetof(struct table, opens), false},
	{"variant", read_variant, 0, false},
	{"rows", read_rows, 0, true},
	{NULL, NULL, 0, false},
};

static int read_table(struct yaml_doc *doc, yaml_node_t *node, void *target)
{
	struct reading *reading = target;
	struct matrix *matrix = &reading->matrix;
	struct table table = {
		.reading = reading, .name = doc->key, .opens = true, .first = matrix->n_rows};
	int rc;

	if (yaml_check_id(doc, node, "a table", doc->key))
		return -EINVAL;
	if (!strcmp(doc->key, "extra")) {
		diag_error(doc->diags, yaml_place(doc, node),
			   "\"extra\" is the table of a site's own rows; accepted: another name");
		return -EINVAL;
	}
	rc = yaml_mapping(doc, node, "a table", table_keys, &table);
	for (size_t i = table.first; i < matrix->n_rows; i++) {
		matrix->rows[i].balancing = table.balancing;
		matrix->rows[i].opens = table.opens;
	}
	return rc;
}

static int read_tables(struct yaml_doc *doc, yaml_node_t *node, void *target)
{
	return yaml_named(doc, node, read_table, target);
}

#define FIELD(member) offsetof(struct reading, matrix.member)

static const struct yaml_key matrix_keys[] = {
	{"version", yaml_read_version, 0, true},
	{"name", read_name, FIELD(name), true},
	{"title", yaml_read_text, FIELD(title), true},
	{"roles", read_roles, 0, true},
	{"groups", read_groups, 0, false},
	{"tables", read_tables, 0, true},
	{"overlays", overlays_read, offsetof(struct reading, matrix), false},
	{NULL, NULL, 0, false},
};

const struct role *matrix_role(const struct matrix *matrix, const char *id)
{
	for (size_t i = 0; i < matrix->n_roles; i++) {
		if (!strcmp(matrix->roles[i].id, id))
			return &matrix->roles[i];
	}
	return NULL;
}

const struct group *matrix_group(const struct matrix *matrix, const char *id)
{
	for (size_t i = 0; i < matrix->n_groups; i++) {
		if (!strcmp(matrix->groups[i].id, id))
			return &matrix->groups[i];
	}
	return NULL;
}

bool row_is_exception(const struct row *row)
{
	return !row->opens && !strcmp(row->table, EXCEPTIONS_TABLE);
}

static int check_adds(const struct reading *reading, size_t index, struct diagnostics *diags)
{
	const struct matrix *matrix = &reading->matrix;
	const struct role *role = &matrix->roles[index];

	if (!strcmp(role->id, "any"))
		diag_error(diags, reading->role_places[index],
			   "\"any\" stands for every address; accepted: another name");
	for (size_t i = 0; i < role->adds.count; i++) {
		const char *word = role->adds.items[i];
		int rc = 0;

		if (!strcmp(word, role->id))
			diag_error(diags, role->adds.places[i],
				   "adds: role \"%s\" adds itself; accepted: other roles", word);
		else if (!matrix_role(matrix, word))
			rc = report_unknown_role(matrix, word, false, role->adds.places[i], diags);
		if (yaml_fatal(rc))
			return rc;
	}
	return 0;
}

static int check_group(const struct reading *reading, size_t index, struct diagnostics *diags)
{
	const struct matrix *matrix = &reading->matrix;
	const struct group *group = &matrix->groups[index];

	if (matrix_role(matrix, group->id) || !strcmp(group->id, "any"))
		diag_error(diags, reading->group_places[index],
			   "group \"%s\" has the name of a role; accepted: another name",
			   group->id);
	for (size_t i = 0; i < group->members.count; i++) {
		int rc = 0;

		if (!matrix_role(matrix, group->members.items[i]))
			rc = report_unknown_role(matrix, group->members.items[i], false,
						 group->members.places[i], diags);
		if (yaml_fatal(rc))
			return rc;
	}
	return 0;
}

static int check_row(const struct matrix *matrix, const struct row *row, struct diagnostics *diags)
{
	for (size_t i = 0; i < row->roles.count; i++) {
		const struct role *role = matrix_role(matrix, row->roles.items[i]);

		if (role && role->peer && row->opens)
			diag_error(diags, row->roles.places[i],
				   "role: \"%s\" is marked \"peer: true\", so no row can open its "
				   "ports; accepted: other roles",
				   role->id);
	}
	if (row_check_variants(row, matrix, diags))
		return -ENOMEM;
	return row_check(row, matrix, diags);
}

/* What can be said once the whole file is known. */
static int check_references(const struct reading *reading, struct diagnostics *diags)
{
	const struct matrix *matrix = &reading->matrix;
	int rc = 0;

	for (size_t i = 0; i < matrix->n_roles && !yaml_fatal(rc); i++)
		rc = check_adds(reading, i, diags);
	for (size_t i = 0; i < matrix->n_groups && !yaml_fatal(rc); i++)
		rc = check_group(reading, i, diags);
	for (size_t i = 0; i < matrix->n_rows && !yaml_fatal(rc); i++)
		rc = check_row(matrix, &matrix->rows[i], diags);
	if (!yaml_fatal(rc))
		rc = overlays_check(matrix, diags);
	return yaml_fatal(rc) ? rc : 0;
}

static void reading_free(struct reading *reading)
{
	matrix_free(&reading->matrix);
	free(reading->role_places);
	free(reading->group_places);
}

static int read_document(struct yaml_doc *doc, struct matrix *matrix)
{
	_cleanup_(reading_free) struct reading reading = {0};
	size_t errors = doc->diags->errors;
	int rc = yaml_mapping(doc, yaml_root(doc), "a matrix", matrix_keys, &reading);

	if (!yaml_fatal(rc) && reading.matrix.n_roles)
		rc = check_references(&reading, doc->diags);
	if (yaml_fatal(rc))
		return rc;
	if (doc->diags->errors > errors)
		return -EINVAL;
	*matrix = reading.matrix;
	reading.matrix = (struct matrix){0};
	return 0;
}

/* Takes the bytes over. */
static int parse(const char *file, struct source_text text, struct matrix *matrix,
		 struct diagnostics *diags)
{
	_cleanup_(yaml_doc_close) struct yaml_doc doc = {0};
	_cleanup_free_ char *bytes = text.bytes;
	int rc = yaml_doc_parse(&doc, file, text.bytes, text.size, diags);

	rc = rc ? rc : read_document(&doc, matrix);
	if (!rc)
		matrix->text = (struct source_text){TAKE_PTR(bytes), text.size};
	return rc;
}

int matrix_parse(const char *file, const char *text, size_t size, struct matrix *matrix,
		 struct diagnostics *diags)
{
	struct source_text copy = {malloc(size + 1), size};

	if (!copy.bytes)
		return -ENOMEM;
	memcpy(copy.bytes, text, size);
	return parse(file, copy, matrix, diags);
}

int matrix_load(const char *name, struct matrix *matrix, struct diagnostics *diags)
{
	struct source_text text = {0};
	int rc;

	if (!strcmp(name, MATRIX_BUILT_IN))
		return matrix_parse(MATRIX_BUILT_IN, builtin_matrix_start,
				    (size_t)(builtin_matrix_end - builtin_matrix_start), matrix,
				    diags);
	rc = yaml_file_read(name, &text.bytes, &text.size, diags);
	return rc ? rc : parse(name, text, matrix, diags);
}

struct matrix matrix_borrow(const struct matrix *matrix)
{
	struct matrix borrowed = *matrix;

	borrowed.borrowed = true;
	return borrowed;
}

void matrix_free(struct matrix *matrix)
{
	if (matrix->borrowed) {
		*matrix = (struct matrix){0};
		return;
	}
	free(matrix->text.bytes);
	free(matrix->name);
	free(matrix->title);
	free(matrix->variant);
	for (size_t i = 0; i < matrix->n_roles; i++) {
		free(matrix->roles[i].id);
		free(matrix->roles[i].title);
		strings_free(&matrix->roles[i].adds);
	}
	free(matrix->roles);
	for (size_t i = 0; i < matrix->n_groups; i++) {
		free(matrix->groups[i].id);
		strings_free(&matrix->groups[i].members);
	}
	free(matrix->groups);
	for (size_t i = 0; i < matrix->n_rows; i++)
		row_free(&matrix->rows[i]);
	free(matrix->rows);
	overlays_free(matrix);
	*matrix = (struct matrix){0};
}
