/* SPDX-License-Identifier: MIT */
#include "overlays.h"

#include "cleanup.h"
#include "resolve.h"
#include "row.h"
#include "string_list.h"

/* --- the overlays of a matrix file */

static int read_row(struct yaml_doc *doc, yaml_node_t *node, void *target)
{
	struct overlay *overlay = target;
	struct row *rows = array_grow(overlay->rows, overlay->n_rows, sizeof(*rows));
	struct row *row;
	int rc;

	if (!rows)
		return -ENOMEM;
	overlay->rows = rows;
	row = &rows[overlay->n_rows++];
	*row = (struct row){.opens = true, .overlay = true};
	rc = row_read_vendor(doc, node, overlay->name, (unsigned int)overlay->n_rows, row);
	if (rc || row->source)
		return rc;
	diag_error(doc->diags, row->place,
		   "key \"source\" is missing in a row of an overlay; accepted: the document that "
		   "the row is taken from");
	return -EINVAL;
}

static int read_rows(struct yaml_doc *doc, yaml_node_t *node, void *target)
{
	return yaml_each(doc, node, read_row, target);
}

static const struct yaml_key overlay_keys[] = {
	{"title", yaml_read_text, offsetof(struct overlay, title), true},
	{"rows", read_rows, 0, true},
	{NULL, NULL, 0, false},
};

static int read_overlay(struct yaml_doc *doc, yaml_node_t *node, void *target)
{
	struct matrix *matrix = target;
	struct overlay *overlays;

	if (matrix->n_overlays == MATRIX_OVERLAYS_MAX) {
		diag_error(doc->diags, yaml_place(doc, node),
			   "too many of this kind; at most %u are read", MATRIX_OVERLAYS_MAX);
		return -EINVAL;
	}
	overlays = array_grow(matrix->overlays, matrix->n_overlays, sizeof(*overlays));
	if (!overlays)
		return -ENOMEM;
	matrix->overlays = overlays;
	overlays += matrix->n_overlays;
	*overlays = (struct overlay){.name = strdup(doc->key), .place = yaml_place(doc, node)};
	if (!overlays->name)
		return -ENOMEM;
	matrix->n_overlays++;
	if (yaml_check_id(doc, node, "an overlay", doc->key))
		return -EINVAL;
	return yaml_mapping(doc, node, "an overlay", overlay_keys, overlays);
}

int overlays_read(struct yaml_doc *doc, yaml_node_t *node, void *target)
{
	return yaml_named(doc, node, read_overlay, target);
}

/* The ids of its rows would be those of the table. */
static void check_name(const struct matrix *matrix, const struct overlay *overlay,
		       struct diagnostics *diags)
{
	bool taken = !strcmp(overlay->name, "extra") || !strcmp(overlay->name, "all");

	for (size_t i = 0; i < matrix->n_rows && !taken; i++)
		taken = !strcmp(matrix->rows[i].table, overlay->name);
	if (taken)
		diag_error(diags, overlay->place,
			   "overlay \"%s\" has a name that means something else; accepted: another "
			   "name",
			   overlay->name);
}

int overlays_check(const struct matrix *matrix, struct diagnostics *diags)
{
	for (size_t i = 0; i < matrix->n_overlays; i++) {
		const struct overlay *overlay = &matrix->overlays[i];

		check_name(matrix, overlay, diags);
		for (size_t j = 0; j < overlay->n_rows; j++) {
			if (yaml_fatal(row_check(&overlay->rows[j], matrix, diags)))
				return -ENOMEM;
		}
	}
	return 0;
}

void overlays_free(struct matrix *matrix)
{
	for (size_t i = 0; i < matrix->n_overlays; i++) {
		struct overlay *overlay = &matrix->overlays[i];

		free(overlay->name);
		free(overlay->title);
		for (size_t j = 0; j < overlay->n_rows; j++)
			row_free(&overlay->rows[j]);
		free(overlay->rows);
	}
	free(matrix->overlays);
}

/* --- by name */

const struct overlay *matrix_overlay(const struct matrix *matrix, const char *name)
{
	for (size_t i = 0; i < matrix->n_overlays; i++) {
		if (!strcmp(matrix->overlays[i].name, name))
			return &matrix->overlays[i];
	}
	return NULL;
}

int report_unknown_overlay(const struct matrix *matrix, const char *name, struct place place,
			   struct diagnostics *diags)
{
	_cleanup_free_ char **items = calloc(matrix->n_overlays + 1, sizeof(*items));
	struct strings names = {.items = items};

	if (!items)
		return -ENOMEM;
	for (size_t i = 0; i < matrix->n_overlays; i++)
		items[names.count++] = matrix->overlays[i].name;
	if (names.count)
		return report_unknown_word(diags, place, "overlay", name, &names);
	diag_error(diags, place, "unknown overlay \"%s\"; matrix %s has no overlays", name,
		   matrix->name);
	return -EINVAL;
}

/* --- which ones a site could use */

static bool held(const struct role_set *roles, const struct matrix *matrix,
		 const struct strings *words)
{
	struct role_set meant = {0};

	for (size_t i = 0; i < words->count; i++) {
		if (!strcmp(words->items[i], "any") || peer_is_prefix(words->items[i]))
			return true;
		role_set_add_word(&meant, matrix, words->items[i]);
	}
	return !words->count || role_set_meets(roles, &meant);
}

const struct overlay *overlay_opening(const struct matrix *matrix, const struct role_set *roles)
{
	for (size_t i = 0; i < matrix->n_overlays; i++) {
		const struct overlay *overlay = &matrix->overlays[i];

		for (size_t j = 0; j < overlay->n_rows; j++) {
			if (overlay->rows[j].directions & DIRECTION_IN &&
			    held(roles, matrix, &overlay->rows[j].roles))
				return overlay;
		}
	}
	return NULL;
}

bool overlay_fits(const struct overlay *overlay, const struct policy *policy)
{
	const struct matrix *matrix = policy->matrix;
	struct role_set roles = {0};

	for (size_t i = 0; i < policy->n_pools; i++) {
		for (size_t j = 0; j < policy->pools[i].roles.count; j++)
			role_set_add_word(&roles, matrix, policy->pools[i].roles.items[j]);
	}
	for (size_t i = 0; i < overlay->n_rows; i++) {
		const struct row *row = &overlay->rows[i];

		if (held(&roles, matrix, &row->roles) &&
		    held(&roles, matrix, row->directions & DIRECTION_IN ? &row->from : &row->to))
			return true;
	}
	return false;
}

int overlays_offered(const struct policy *policy, struct strings *names)
{
	const struct matrix *matrix = policy->matrix;
	struct strings list = {.items = calloc(matrix->n_overlays + 1, sizeof(*list.items))};

	if (!list.items)
		return -ENOMEM;
	for (size_t i = 0; i < matrix->n_overlays; i++) {
		const struct overlay *overlay = &matrix->overlays[i];

		if (!strings_contain(&policy->site->overlays, overlay->name) &&
		    overlay_fits(overlay, policy))
			list.items[list.count++] = overlay->name;
	}
	*names = list;
	return 0;
}

/* --- what a site turns on */

int overlays_count(const struct resolution *resolution, size_t *n_rows)
{
	const struct strings *names = &resolution->site->overlays;

	*n_rows = 0;
	for (size_t i = 0; i < names->count; i++) {
		const struct overlay *overlay = matrix_overlay(resolution->matrix, names->items[i]);
		struct place place = strings_place(names, i, (struct place){0});

		if (overlay)
			*n_rows += overlay->n_rows;
		else if (yaml_fatal(report_unknown_overlay(resolution->matrix, names->items[i],
							   place, resolution->diags)))
			return -ENOMEM;
	}
	return 0;
}

/* In the matrix's order, whatever the site's is: rows keep one order in listings. */
void overlays_add(struct resolution *resolution)
{
	const struct matrix *matrix = resolution->matrix;
	struct policy *policy = &resolution->policy;

	for (size_t i = 0; i < matrix->n_overlays; i++) {
		const struct overlay *overlay = &matrix->overlays[i];

		if (!strings_contain(&resolution->site->overlays, overlay->name))
			continue;
		for (size_t j = 0; j < overlay->n_rows; j++)
			policy->rows[policy->n_rows++] = &overlay->rows[j];
	}
}

/* --- warnings */

static bool row_used(const struct resolution *resolution, size_t row)
{
	for (size_t i = 0; i < resolution->policy.n_pools; i++) {
		if (resolution->policy.pools[i].guarded &&
		    role_set_meets(&resolution->held[i], &resolution->needed[row]))
			return true;
	}
	return false;
}

/* Does a far end of the row stand for anybody at this site? */
static bool row_matched(const struct resolution *resolution, size_t row)
{
	const struct policy *policy = &resolution->policy;
	const size_t ends[] = {resolution->from[row], resolution->to[row]};
	unsigned int directions = policy->rows[row]->directions;

	for (size_t i = 0; i < 2; i++) {
		const struct peers *peers = &policy->peers[ends[i]];

		if (directions & (i ? DIRECTION_OUT : DIRECTION_IN) &&
		    (!ends[i] || peers->n_pools || peers->n_prefixes))
			return true;
	}
	return false;
}

/* Appends words of a row, each once; any is no pool's. */
static void add_words(struct strings *list, const struct strings *words)
{
	for (size_t i = 0; i < words->count; i++) {
		if (!strings_contain(list, words->items[i]) && strcmp(words->items[i], "any"))
			list->items[list->count++] = words->items[i];
	}
}

/* Words of all its rows: the roles that get ports, or the far ends. */
static int join_words(const struct overlay *overlay, bool far_ends, char **text)
{
	_cleanup_free_ char **items = NULL;
	struct strings list = {0};
	size_t most = 1;

	for (size_t i = 0; i < overlay->n_rows; i++)
		most += 1 + overlay->rows[i].from.count + overlay->rows[i].to.count;
	list.items = items = calloc(most, sizeof(*items));
	if (!items)
		return -ENOMEM;
	for (size_t i = 0; i < overlay->n_rows; i++) {
		const struct row *row = &overlay->rows[i];

		add_words(&list, far_ends ? &row->from : &row->roles);
		if (far_ends)
			add_words(&list, &row->to);
	}
	*text = strings_join(&list, ", ");
	return *text ? 0 : -ENOMEM;
}

static int warn_of(const struct resolution *resolution, const struct overlay *overlay, size_t first,
		   struct place place)
{
	_cleanup_free_ char *words = NULL;
	bool used = false, matched = false;
	int rc;

	for (size_t i = first; i < first + overlay->n_rows && !matched; i++) {
		bool has = row_used(resolution, i);

		used = used || has;
		matched = has && row_matched(resolution, i);
	}
	if (matched)
		return 0;
	rc = join_words(overlay, used, &words);
	if (!rc)
		diag_warning(resolution->diags, place,
			     "overlay \"%s\" opens nothing: no %spool holds any of %s",
			     overlay->name, used ? "" : "guarded ", words);
	return rc;
}

int overlays_warn(const struct resolution *resolution)
{
	const struct matrix *matrix = resolution->matrix;
	const struct strings *names = &resolution->site->overlays;
	size_t first = matrix->n_rows;
	int rc = 0;

	for (size_t i = 0; i < matrix->n_overlays && !rc; i++) {
		const struct overlay *overlay = &matrix->overlays[i];
		size_t at = 0;

		while (at < names->count && strcmp(names->items[at], overlay->name))
			at++;
		if (at == names->count)
			continue;
		rc = warn_of(resolution, overlay, first,
			     strings_place(names, at, (struct place){0}));
		first += overlay->n_rows;
	}
	return rc;
}
