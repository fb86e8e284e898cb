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

int port_cells_fill(struct port_cells *ports, stretch_reader *read, const void *context)
{
	__u32 entry = 0;

	ports->starts[0] = true;
	for (unsigned int port = 0; port < PORTS; port++) {
		int err = ports->starts[port] ? read(context, port, &entry) : 0;

		if (err)
			return err;
		ports->cells[port] = entry;
	}
	return 0;
}

static bool is_uniform(const __u32 *cells, size_t count)
{
	for (size_t i = 1; i < count; i++)
		if (cells[i] != cells[0])
			return false;
	return true;
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
