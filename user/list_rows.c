/* SPDX-License-Identifier: MIT */
#include "list_rows.h"

#include <errno.h>

#include "cleanup.h"
#include "describe.h"
#include "role_set.h"
#include "row.h"
#include "string_list.h"

/* Does a holder of the role have the row? A NULL role stands for all. */
static bool row_matches(const struct row *row, const struct matrix *matrix, const char *role)
{
	struct role_set asked = {0}, needed = {0};

	if (!role)
		return true;
	role_set_add_word(&asked, matrix, role);
	role_set_close(&asked, matrix);
	for (size_t i = 0; i < row->roles.count; i++)
		role_set_add_word(&needed, matrix, row->roles.items[i]);
	return role_set_meets(&asked, &needed);
}

/* --- the rows of a matrix's tables */

static const struct column row_columns[] = {
	{"ID", false, false},    {"ROLE", false, false},      {"SERVICE", false, true},
	{"PORTS", false, false}, {"PROTOCOLS", false, false}, {"DIRECTION", false, false},
	{"NOTE", false, true},
};

#define N_ROW_COLUMNS (sizeof(row_columns) / sizeof(row_columns[0]))

/* "67 68": to be freed, NULL = out of memory. */
static char *row_ports(const struct row *row)
{
	char *text = malloc(row->n_ports * PORT_RANGE_TEXT + 1);
	char *end = text;

	if (!text)
		return NULL;
	*end = '\0';
	for (size_t i = 0; i < row->n_ports; i++) {
		char range[PORT_RANGE_TEXT];

		end = stpcpy(end, i ? " " : "");
		end = stpcpy(end, port_range_format(row->ports[i], range, sizeof(range)));
	}
	return text;
}

static int list_row(struct listing *listing, const struct row *row)
{
	_cleanup_free_ char *ports = row_ports(row);
	_cleanup_free_ char *roles = strings_join(&row->roles, " ");

	if (!ports || !roles)
		return -ENOMEM;
	return listing_add(listing, (const char *[N_ROW_COLUMNS]){
					    row->id, roles, row->service, ports,
					    transports_name(row->transports),
					    directions_name(row->directions), row->note});
}

static json_t *row_ports_json(const struct row *row)
{
	json_t *array = json_array();

	for (size_t i = 0; i < row->n_ports; i++) {
		if (!json_append(array, ports_json(row->ports[i]))) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

/* NULL: the table's source stands in the matrix file, not in its rows. */
static const char *confidence_name(const struct row *row)
{
	if (!row->source)
		return NULL;
	return row->guess ? "guess" : "documented";
}

/* {"network-requirements": {"protocols": [...], "to": [...], "source_ports": [...]}}, [] = as the row. */
static json_t *variants_json(const struct row *row)
{
	json_t *object = json_object();

	for (size_t i = 0; i < row->n_variants && object; i++) {
		const struct row_variant *variant = &row->variants[i];
		json_t *value = json_pack("{s:o, s:o, s:o}", "protocols",
					  transports_json(variant->transports), "to",
					  strings_json(&variant->to), "source_ports",
					  strings_json(&variant->source_ports));

		if (json_object_set_new(object, variant->name, value)) {
			json_decref(object);
			return NULL;
		}
	}
	return object;
}

static json_t *row_json(const struct row *row)
{
	return json_pack(
		"{s:s, s:s, s:i, s:s, s:s, s:o, s:o, s:s?, s:o, s:o, s:o, s:b, s:s?, s:b, s:o, "
		"s:s?, s:s?, s:b, s:s, s:s?, s:s?, s:o, s:o}",
		"id", row->id, "table", row->table, "row", row->number, "role", row->roles.items[0],
		"service", row->service, "ports", row_ports_json(row), "protocols",
		transports_json(row->transports), "application", row->application, "direction",
		directions_json(row->directions), "from", strings_json(&row->from), "to",
		strings_json(&row->to), "optional", row->optional, "feature", row->feature,
		"outgoing", row->outgoing, "only", strings_json(&row->only), "media", row->media,
		"load_balancing", balancing_name(row->balancing), "opens", row->opens, "note",
		row->note, "source", row->source, "confidence", confidence_name(row),
		"source_ports", strings_json(&row->source_ports), "variants", variants_json(row));
}

static int print_rows_json(const struct matrix *matrix, const char *role)
{
	json_t *array = json_array();

	for (size_t i = 0; i < matrix->n_rows; i++) {
		if (!row_matches(&matrix->rows[i], matrix, role))
			continue;
		if (!json_append(array, row_json(&matrix->rows[i]))) {
			json_decref(array);
			return -ENOMEM;
		}
	}
	return json_print(json_pack("{s:s, s:s, s:o}", "matrix", matrix->name, "title",
				    matrix->title, "rows", array));
}

static int list_table_rows(const struct matrix *matrix, const char *role, enum format format)
{
	_cleanup_(listing_free) struct listing listing = {row_columns, N_ROW_COLUMNS, NULL, 0};

	for (size_t i = 0; i < matrix->n_rows; i++) {
		int rc;

		if (!row_matches(&matrix->rows[i], matrix, role))
			continue;
		rc = list_row(&listing, &matrix->rows[i]);
		if (rc)
			return rc;
	}
	return listing_print(&listing, format);
}

int list_rows(const struct matrix *matrix, const char *role, enum format format)
{
	return format == FORMAT_JSON ? print_rows_json(matrix, role)
				     : list_table_rows(matrix, role, format);
}

/* --- the rows of overlays */

static const struct column overlay_columns[] = {
	{"ID", false, false},     {"ROLE", false, false},      {"SERVICE", false, true},
	{"PORTS", false, true},   {"PROTOCOLS", false, false}, {"DIRECTION", false, false},
	{"FROM/TO", false, true}, {"ON", false, false},        {"CONFIDENCE", false, false},
	{"SOURCE", false, true},  {"NOTE", false, true},
};

#define N_OVERLAY_COLUMNS (sizeof(overlay_columns) / sizeof(overlay_columns[0]))

static bool is_shown(const struct overlay_view *view, const struct overlay *overlay)
{
	return !strcmp(view->name, "all") || !strcmp(view->name, overlay->name);
}

static int list_overlay_row(const struct overlay_view *view, const struct row *row, void *target)
{
	_cleanup_free_ char *ports = row_ports(row);
	_cleanup_free_ char *peers =
		strings_join(row->directions & DIRECTION_IN ? &row->from : &row->to, " ");
	const char *on = view->on && strings_contain(view->on, row->table) ? "yes" : "no";

	if (!ports || !peers)
		return -ENOMEM;
	return listing_add(target, (const char *[N_OVERLAY_COLUMNS]){
					   row->id, row->roles.items[0], row->service, ports,
					   transports_name(row->transports),
					   directions_name(row->directions), *peers ? peers : "any",
					   on, confidence_name(row), row->source, row->note});
}

static int add_overlay_row_json(const struct overlay_view *view, const struct row *row,
				void *target)
{
	(void)view;
	return json_append(target, row_json(row)) ? 0 : -ENOMEM;
}

typedef int overlay_row_reader(const struct overlay_view *view, const struct row *row,
			       void *target);

static int each_overlay_row(const struct overlay_view *view, const struct overlay *overlay,
			    overlay_row_reader *read, void *target)
{
	int rc = 0;

	for (size_t i = 0; i < overlay->n_rows && !rc; i++) {
		if (row_matches(&overlay->rows[i], view->matrix, view->role))
			rc = read(view, &overlay->rows[i], target);
	}
	return rc;
}

static json_t *overlay_json(const struct overlay_view *view, const struct overlay *overlay)
{
	json_t *rows = json_array();

	if (!rows || each_overlay_row(view, overlay, add_overlay_row_json, rows)) {
		json_decref(rows);
		return NULL;
	}
	return json_pack("{s:s, s:s, s:b, s:o}", "name", overlay->name, "title", overlay->title,
			 "on", view->on && strings_contain(view->on, overlay->name), "rows", rows);
}

static int print_overlays_json(const struct overlay_view *view)
{
	json_t *array = json_array();

	for (size_t i = 0; i < view->matrix->n_overlays; i++) {
		const struct overlay *overlay = &view->matrix->overlays[i];

		if (is_shown(view, overlay) && !json_append(array, overlay_json(view, overlay))) {
			json_decref(array);
			return -ENOMEM;
		}
	}
	return json_print(json_pack("{s:s, s:o}", "matrix", view->matrix->name, "overlays", array));
}

static int list_overlay_rows(const struct overlay_view *view, enum format format)
{
	_cleanup_(listing_free) struct listing listing = {overlay_columns, N_OVERLAY_COLUMNS, NULL,
							  0};
	int rc = 0;

	for (size_t i = 0; i < view->matrix->n_overlays && !rc; i++) {
		const struct overlay *overlay = &view->matrix->overlays[i];

		if (is_shown(view, overlay))
			rc = each_overlay_row(view, overlay, list_overlay_row, &listing);
	}
	return rc ? rc : listing_print(&listing, format);
}

int list_overlays(const struct overlay_view *view, enum format format)
{
	return format == FORMAT_JSON ? print_overlays_json(view) : list_overlay_rows(view, format);
}
