/* SPDX-License-Identifier: MIT */
/* Media ranges: where the site moves them, and where they run into each other. */
#include <string.h>

#include "resolve.h"
#include "row.h"

#define COUNT(name) +1
#define MEDIA_COUNT (0 MEDIA_NAMES(COUNT))

/* A media range as it is in effect. */
struct media {
	const char *name;
	struct port_range range;
	unsigned int transports;
	const struct site_media *moved; /* NULL: the matrix's own */
};

static const struct site_media *find_moved(const struct site *site, const char *name)
{
	for (size_t i = 0; i < site->n_media; i++) {
		if (!strcmp(site->media[i].name, name))
			return &site->media[i];
	}
	return NULL;
}

const struct port_range *media_range(const struct site *site, const struct row *row)
{
	const struct site_media *moved = row->media ? find_moved(site, row->media) : NULL;

	return moved ? &moved->range : NULL;
}

/* Rows of one name count as one range: from their lowest port to their highest. */
static void add_row(struct media *media, const struct row *row)
{
	for (size_t i = 0; i < row->n_ports; i++) {
		if (!media->name || row->ports[i].first < media->range.first)
			media->range.first = row->ports[i].first;
		if (row->ports[i].last > media->range.last)
			media->range.last = row->ports[i].last;
		media->name = row->media;
	}
	media->transports |= row->transports;
}

static size_t collect(const struct resolution *resolution, struct media *list)
{
	const struct policy *policy = &resolution->policy;
	size_t count = 0;

	for (size_t i = 0; i < policy->n_rows; i++) {
		const char *name = policy->rows[i]->media;
		size_t at = 0;

		if (!name)
			continue;
		while (at < count && strcmp(list[at].name, name))
			at++;
		add_row(&list[at], policy->rows[i]);
		count += at == count;
	}
	for (size_t i = 0; i < count; i++) {
		list[i].moved = find_moved(resolution->site, list[i].name);
		if (list[i].moved)
			list[i].range = list[i].moved->range;
	}
	return count;
}

static bool is_client(const struct media *media)
{
	return !strncmp(media->name, "client-", 7);
}

static bool meet(const struct media *a, const struct media *b)
{
	return is_client(a) == is_client(b) && (a->transports & b->transports) &&
	       a->range.first <= b->range.last && b->range.first <= a->range.last;
}

static void warn_of_pair(const struct resolution *resolution, const struct media *moved,
			 const struct media *other)
{
	char range[PORT_RANGE_TEXT], other_range[PORT_RANGE_TEXT];

	diag_warning(resolution->diags, moved->moved->place, "%s %s overlaps %s %s%s on %s",
		     moved->name, port_range_format(moved->range, range, sizeof(range)),
		     other->name, port_range_format(other->range, other_range, sizeof(other_range)),
		     other->moved ? "" : " (not moved)",
		     transports_name(moved->transports & other->transports));
}

/* Of two that the site moved, the later one in the file is the one to warn of. */
static bool is_later(const struct media *a, const struct media *b)
{
	return a->moved && (!b->moved || a->moved > b->moved);
}

static bool is_used(const struct site_media *moved, const struct media *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (list[i].moved == moved)
			return true;
	}
	return false;
}

void check_media(const struct resolution *resolution)
{
	struct media list[MEDIA_COUNT] = {0};
	size_t count = collect(resolution, list);
	const struct site *site = resolution->site;

	for (size_t i = 0; i < site->n_media; i++) {
		if (!is_used(&site->media[i], list, count))
			diag_warning(resolution->diags, site->media[i].place,
				     "no row of matrix %s has media %s, so this moves nothing",
				     resolution->matrix->name, site->media[i].name);
	}
	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < count; j++) {
			if (i != j && is_later(&list[i], &list[j]) && meet(&list[i], &list[j]))
				warn_of_pair(resolution, &list[i], &list[j]);
		}
	}
}
