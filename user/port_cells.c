/* SPDX-License-Identifier: MIT */
#include "port_cells.h"

#include <string.h>

void port_cells_cut(struct port_cells *ports, struct port_range range)
{
	ports->starts[range.first] = true;
	ports->starts[range.last + 1] = true;
}

void port_cells_cut_openings(struct port_cells *ports, struct opening_list list)
{
	for (size_t i = 0; i < list.count; i++)
		port_cells_cut(ports, list.items[i].ports);
}

/* The port at or behind this one where the next stretch starts, or behind the last. */
static unsigned int next_start(const struct port_cells *ports, unsigned int port)
{
	const bool *found = port < PORTS ? memchr(&ports->starts[port], true, PORTS - port) : NULL;

	return found ? (unsigned int)(found - ports->starts) : PORTS;
}

int port_cells_fill(struct port_cells *ports, stretch_reader *read, const void *context)
{
	ports->starts[0] = true;
	for (unsigned int port = 0; port < PORTS;) {
		unsigned int end = next_start(ports, port + 1);
		__u32 entry = 0;
		int err = read(context, port, &entry);

		if (err)
			return err;
		while (port < end)
			ports->cells[port++] = entry;
	}
	return 0;
}

static bool is_uniform(const __u32 *cells, size_t count)
{
	return !memcmp(cells, cells + 1, (count - 1) * sizeof(*cells));
}

bool port_cells_uniform(const struct port_cells *ports)
{
	return is_uniform(ports->cells, PORTS);
}

int port_cells_fold(const struct port_cells *ports, struct pages *pages, struct image_page *top)
{
	for (unsigned int high = 0; high < PAGE_CELLS; high++) {
		const __u32 *low = &ports->cells[high * PAGE_CELLS];
		struct image_page page;
		__u32 address;
		int err;

		top->cell[high] = low[0];
		if (is_uniform(low, PAGE_CELLS))
			continue;
		memcpy(page.cell, low, sizeof(page.cell));
		address = pages_intern(pages, &page, &err);
		if (err)
			return err;
		top->cell[high] = CELL_POINTER | address;
	}
	return 0;
}
