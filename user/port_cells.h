/* SPDX-License-Identifier: MIT */
/* One cell for each port while a port table is made, and the folding into tables by byte. */
#ifndef ROLEWALL_PORT_CELLS_H
#define ROLEWALL_PORT_CELLS_H

#include <stdbool.h>

#include "pages.h"
#include "pool_kinds.h"

#define PORTS 65536U

struct port_cells {
	bool starts[PORTS + 1]; /* a stretch of ports with one entry starts here */
	__u32 cells[PORTS];
};

/* Writes the entry of the stretch that starts at PORT. Returns 0 or -errno. */
typedef int stretch_reader(const void *context, unsigned int port, __u32 *entry);

/* The ports of RANGE and those beside it may have different entries. */
void port_cells_cut(struct port_cells *ports, struct port_range range);
void port_cells_cut_openings(struct port_cells *ports, struct opening_list list);
/* Asks for the entry of each stretch. Returns 0 or what READ returned. */
int port_cells_fill(struct port_cells *ports, stretch_reader *read, const void *context);
/* True if all ports have the entry of port 0. */
bool port_cells_uniform(const struct port_cells *ports);
/* Folds the cells into a table by high byte and pages by low byte. 0, -ENOSPC or -ENOMEM. */
int port_cells_fold(const struct port_cells *ports, struct pages *pages, struct image_page *top);

#endif
