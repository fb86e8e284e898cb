/* SPDX-License-Identifier: MIT */
#include "advice_lines.h"

#include <errno.h>
#include <string.h>

#include "cleanup.h"
#include "row.h"
#include "string_list.h"

#define WIDE                                                                                       \
	64U /* ports: of a row with more in one range, the range says more than what was seen */

/* --- hosts */

static bool holds(const struct policy_pool *pool, const struct matrix *matrix, const char *word)
{
	const struct group *group = matrix_group(matrix, word);

	for (size_t i = 0; i < pool->roles.count; i++) {
		if (!strcmp(pool->roles.items[i], word) ||
		    (group && strings_contain(&group->members, pool->roles.items[i])))
			return true;
	}
	return false;
}

/* The first of a row's words that the pool stands behind; "any" if the row has none. */
static const char *matched_word(const struct strings *words, const struct policy_pool *pool,
				const struct matrix *matrix)
{
	for (size_t i = 0; i < words->count && pool; i++) {
		if (holds(pool, matrix, words->items[i]))
			return words->items[i];
	}
	return "any";
}

/* "front ends" */
static void add_plural(FILE *out, const char *word)
{
	size_t length = strlen(word);
	char last = length ? word[length - 1] : 's';

	for (size_t i = 0; i + (last == 'y') < length; i++)
		fputc(word[i] == '-' ? ' ' : word[i], out);
	fputs(last == 'y' ? "ies" : last == 's' ? "" : "s", out);
}

/* --- lines */

static bool same_text(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static bool same_line(const struct advice *a, const struct advice *b)
{
	return a->kind == b->kind && same_text(a->feature, b->feature) &&
	       a->transport == b->transport && !strcmp(a->name, b->name) &&
	       !strcmp(a->from, b->from) && !strcmp(a->to, b->to);
}

static void free_line(struct advice *line)
{
	free(line->name);
	free(line->feature);
	free(line->from);
	free(line->to);
	free(line->ports);
	strings_free(&line->rows);
}

void advice_free(struct advice_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free_line(&list->items[i]);
	free(list->items);
	*list = (struct advice_list){0};
}

/* The line that is like WANTED, whose texts are borrowed; a new one if there is none. */
static struct advice *find_line(struct advice_list *list, const struct advice *wanted)
{
	struct advice *items, *line;

	for (size_t i = 0; i < list->count; i++) {
		if (same_line(&list->items[i], wanted))
			return &list->items[i];
	}
	items = array_grow(list->items, list->count, sizeof(*items));
	if (!items)
		return NULL;
	list->items = items;
	line = &items[list->count];
	*line = (struct advice){
		.kind = wanted->kind,
		.transport = wanted->transport,
		.name = strdup(wanted->name),
		.feature = wanted->feature ? strdup(wanted->feature) : NULL,
		.from = strdup(wanted->from),
		.to = strdup(wanted->to),
	};
	if (!line->name || !line->feature != !wanted->feature || !line->from || !line->to) {
		free_line(line);
		return NULL;
	}
	list->count++;
	return line;
}

static int compare_ranges(const void *a, const void *b)
{
	const struct port_range *x = a, *y = b;

	return (x->first > y->first) - (x->first < y->first);
}

/* Ranges that touch become one. */
static int add_range(struct advice *line, struct port_range range)
{
	struct port_range *ports = array_grow(line->ports, line->n_ports, sizeof(*ports));
	size_t kept = 0;

	if (!ports)
		return -ENOMEM;
	line->ports = ports;
	ports[line->n_ports++] = range;
	qsort(ports, line->n_ports, sizeof(*ports), compare_ranges);
	for (size_t i = 1; i < line->n_ports; i++) {
		if (ports[i].first > ports[kept].last + 1U)
			ports[++kept] = ports[i];
		else if (ports[i].last > ports[kept].last)
			ports[kept].last = ports[i].last;
	}
	line->n_ports = kept + 1;
	return 0;
}

/* Who is at the source, or at the destination, in the words of the row. */
static const char *end_word(const struct found *found, bool destination)
{
	const struct row *row = found->row;
	const struct matrix *matrix = found->matrix;
	/* else the row is its source's, which starts the connection */
	bool at_home = row->directions & DIRECTION_IN && found->destination &&
		       strcmp(matched_word(&row->roles, found->destination, matrix), "any") != 0;

	if (destination)
		return matched_word(at_home ? &row->roles : &row->to, found->destination, matrix);
	return matched_word(at_home ? &row->from : &row->roles, found->source, matrix);
}

bool advice_expects(const struct found *found)
{
	const struct strings *from = &found->row->from;

	return !from->count || strings_contain(from, "any") ||
	       strcmp(end_word(found, false), "any") != 0;
}

int advice_add(struct advice_list *list, const struct advice *change, const struct drop_seen *seen,
	       const struct found *found)
{
	const struct row *row = found->row;
	const struct advice wanted = {
		.kind = change->kind,
		.name = change->name,
		.feature = change->feature,
		.transport = seen->transport,
		.from = (char *)end_word(found, false),
		.to = (char *)end_word(found, true),
	};
	struct advice *line = find_line(list, &wanted);
	bool wide = found->ports.last - found->ports.first + 1U > WIDE;

	if (!line ||
	    add_range(line, wide ? found->ports : (struct port_range){seen->port, seen->port}))
		return -ENOMEM;
	line->packets += seen->packets;
	line->guess = line->guess || row->guess;
	if (strings_contain(&line->rows, row->id))
		return 0;
	return strings_add(&line->rows, row->id, row->place);
}

/* Most packets first; then as people read ports. */
static int compare_lines(const void *a, const void *b)
{
	const struct advice *x = a, *y = b;

	if (x->packets != y->packets)
		return x->packets < y->packets ? 1 : -1;
	if (x->transport != y->transport)
		return x->transport < y->transport ? -1 : 1;
	if (x->ports[0].first != y->ports[0].first)
		return x->ports[0].first < y->ports[0].first ? -1 : 1;
	return x->kind != y->kind ? (int)x->kind - (int)y->kind : strcmp(x->name, y->name);
}

static int compare_ids(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void advice_sort(struct advice_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		qsort(list->items[i].rows.items, list->items[i].rows.count,
		      sizeof(*list->items[i].rows.items), compare_ids);
	if (list->count)
		qsort(list->items, list->count, sizeof(*list->items), compare_lines);
}

/* --- text */

const char *advice_kind_name(enum advice_kind kind)
{
	static const char *const names[] = {
		[ADVICE_OVERLAY] = "overlay",          [ADVICE_FEATURE] = "feature",
		[ADVICE_BALANCING] = "load_balancing", [ADVICE_MEDIA] = "media",
		[ADVICE_PROFILE] = "profile",
	};

	return names[kind];
}

static void add_hosts(FILE *out, const struct advice *advice)
{
	if (!strcmp(advice->from, advice->to)) {
		fputs(" between ", out);
		add_plural(out, advice->from);
		return;
	}
	fputs(" from ", out);
	if (strcmp(advice->from, "any") != 0)
		add_plural(out, advice->from);
	else
		fputs("anywhere", out);
	fputs(" to ", out);
	if (strcmp(advice->to, "any") != 0)
		add_plural(out, advice->to);
	else
		fputs("anywhere", out);
}

char *advice_text(const struct advice *advice)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	fputs(advice->transport == TRANSPORT_TCP ? "TCP" : "UDP", out);
	for (size_t i = 0; i < advice->n_ports; i++) {
		char range[PORT_RANGE_TEXT];

		fprintf(out, "%s %s", i ? "," : "",
			port_range_format(advice->ports[i], range, sizeof(range)));
	}
	add_hosts(out, advice);
	fprintf(out, ": %s%s %s", advice_kind_name(advice->kind),
		advice->kind == ADVICE_MEDIA ? " moved away:" : "", advice->name);
	if (advice->feature)
		fprintf(out, ", feature %s", advice->feature);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}
