/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "port_tables.h"

#define PORTS 65536U

/* Counter id of the first row of an opening that admits addresses of RECORD, 0 = none. */
static __u32 row_for_record(const struct port_sources *sources, const struct opening *opening,
			    const struct record *record)
{
	for (size_t i = 0; i < opening->n_grants; i++) {
		const struct grant *grant = opening->grants[i];

		if (!grant->peers ||
		    record_matches(sources->records, record, &sources->policy->peers[grant->peers]))
			return sources->row_ids[grant->row];
	}
	return 0;
}

/*
 * The cell of an opening: its row where every source meets the same one, else a table by source
 * record, which may span pages.
 */
static int opening_cell(const struct port_sources *sources, const struct opening *opening,
			struct pages *pages, __u32 *entry)
{
	size_t n = sources->records->count, i;
	bool same = true;
	__u32 address;
	int err;

	*entry = row_for_record(sources, opening, &sources->records->items[0]);
	for (i = 1; i < n && same; i++)
		same = row_for_record(sources, opening, &sources->records->items[i]) == *entry;
	/* A row that admits nobody needs its table: the port is not shut, it is another source's. */
	if (same && *entry)
		return 0;
	address = pages_add(pages, (n + PAGE_CELLS - 1) / PAGE_CELLS, &err);
	if (err)
		return err;
	for (i = 0; i < n; i++)
		*pages_cell(pages, address + (__u32)i) =
			row_for_record(sources, opening, &sources->records->items[i]);
	*entry = CELL_BY_SOURCE | address;
	return 0;
}

static bool is_uniform(const __u32 *cells, size_t count)
{
	for (size_t i = 1; i < count; i++)
		if (cells[i] != cells[0])
			return false;
	return true;
}

/* Folds 65,536 cells into the table by high byte at TABLE and pages by low byte. */
static int fold_ports(const __u32 *cells, __u32 table, struct pages *pages)
{
	struct image_page top, page;
	__u32 address;
	int err;

	for (unsigned int high = 0; high < PAGE_CELLS; high++) {
		const __u32 *low = &cells[high * PAGE_CELLS];

		top.cell[high] = low[0];
		if (is_uniform(low, PAGE_CELLS))
			continue;
		memcpy(page.cell, low, sizeof(page.cell));
		address = pages_intern(pages, &page, &err);
		if (err)
			return err;
		top.cell[high] = CELL_POINTER | address;
	}
	pages->page[table >> PAGE_SHIFT] = top;
	return 0;
}

static int write_transport(const struct port_sources *sources, const struct opening *openings,
			   size_t count, enum transport transport, __u32 table, struct pages *pages)
{
	_cleanup_free_ __u32 *cells = calloc(PORTS, sizeof(*cells));
	__u32 entry;
	int err;

	if (!cells)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		if (openings[i].direction != DIRECTION_IN || openings[i].transport != transport)
			continue;
		err = opening_cell(sources, &openings[i], pages, &entry);
		if (err)
			return err;
		for (__u32 port = openings[i].ports.first; port <= openings[i].ports.last; port++)
			cells[port] = entry;
	}
	return fold_ports(cells, table, pages);
}

int port_tables_write(const struct port_sources *sources, const struct policy_pool *pool,
		      __u32 record, struct pages *pages)
{
	struct opening *openings;
	size_t count;
	int err;

	err = policy_openings(pool, &openings, &count);
	if (err)
		return err;
	err = write_transport(sources, openings, count, TRANSPORT_TCP, record + RECORD_TCP, pages);
	if (!err)
		err = write_transport(sources, openings, count, TRANSPORT_UDP, record + RECORD_UDP,
				      pages);
	openings_free(openings, count);
	return err;
}
