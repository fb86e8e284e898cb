/* SPDX-License-Identifier: MIT */
/*
 * What guarded hosts may start. `outbound: open`: everything but IPsec of exempt roles. `outbound:
 * matrix`: their outbound rows, and what the matrix knows them to start towards other guarded
 * hosts; bpf/outbound.h judges the rest, which takes a look at the packet.
 */
#include <errno.h>
#include <stdlib.h>

#include "cleanup.h"
#include "port_cells.h"
#include "port_tables.h"
#include "reason.h"

#define OPEN REASON_CELL(REASON_outbound)

/* A table of one record and transport that is being made. */
struct outbound {
	const struct port_sources *sources;
	size_t id;
	enum transport transport;
	struct opening_list openings;
	bool *known; /* room: for each kind of pool, does the matrix say that this record starts it */
};

/* Does an inbound row of these pools name the source in its `from`, or anybody? */
static bool starts_there(const struct outbound *outbound, const struct pool_kind *kind,
			 unsigned int port)
{
	const struct opening *opening =
		find_opening(kind_openings(kind, DIRECTION_IN, outbound->transport), port);

	for (size_t i = 0; opening && i < opening->n_grants; i++)
		if (records_admit(outbound->sources->records, opening->grants[i]->initiators,
				  outbound->id))
			return true;
	return false;
}

static __u32 destination_value(const struct outbound *outbound, const struct opening *opening,
			       bool ike, size_t destination)
{
	const struct port_sources *sources = outbound->sources;
	const struct policy_pool *pool = guarded_pool(sources, destination);
	__u32 value = 0;

	/* Of a guarded destination its own table has said it. */
	if (ike && !pool)
		value = ipsec_value(sources, outbound->id, destination);
	if (value == REASON_CELL(REASON_ipsec))
		return value;
	if (!sources->policy->site->outbound_matrix)
		return value ? value : OPEN;
	if (opening && row_value(sources, opening, destination))
		return row_value(sources, opening, destination);
	if (!value && pool && outbound->known[kind_of_pool(sources, pool) - sources->kinds->items])
		value = OPEN;
	return value;
}

static int outbound_entry(const void *context, unsigned int port, __u32 *entry)
{
	const struct outbound *outbound = context;
	const struct port_sources *sources = outbound->sources;
	const struct opening *opening = find_opening(outbound->openings, port);
	bool ike = is_ike_port(outbound->transport, port);
	struct by_record *tables = sources->tables;

	*entry = OPEN;
	if (!sources->policy->site->outbound_matrix && !ike)
		return 0;
	for (size_t i = 0; i < sources->kinds->count; i++)
		outbound->known[i] = starts_there(outbound, &sources->kinds->items[i], port);
	for (size_t i = 0; i < sources->records->count; i++)
		tables->cells[i] = destination_value(outbound, opening, ike, i);
	if (!by_record_uniform(tables))
		return by_record_entry(tables, entry);
	*entry = tables->cells[0];
	return 0;
}

static void cut_ports(const struct outbound *outbound, struct port_cells *ports)
{
	const struct pool_kinds *kinds = outbound->sources->kinds;

	port_cells_cut(ports, (struct port_range){PORT_IKE, PORT_IKE});
	port_cells_cut(ports, (struct port_range){PORT_IKE_NAT, PORT_IKE_NAT});
	if (!outbound->sources->policy->site->outbound_matrix)
		return;
	port_cells_cut_openings(ports, outbound->openings);
	for (size_t i = 0; i < kinds->count; i++)
		port_cells_cut_openings(
			ports, kind_openings(&kinds->items[i], DIRECTION_IN, outbound->transport));
}

/* Writes the entry of one transport to the cell at ADDRESS. */
static int outbound_table(const struct outbound *outbound, __u32 address)
{
	_cleanup_free_ struct port_cells *ports = calloc(1, sizeof(*ports));
	struct pages *pages = outbound->sources->tables->pages;
	struct image_page top;
	__u32 entry;
	int err;

	if (!ports)
		return -ENOMEM;
	cut_ports(outbound, ports);
	err = port_cells_fill(ports, outbound_entry, outbound);
	if (err)
		return err;
	entry = ports->cells[0];
	if (!port_cells_uniform(ports)) {
		err = port_cells_fold(ports, pages, &top);
		entry = err ? 0 : CELL_POINTER | pages_intern(pages, &top, &err);
	}
	if (!err)
		*pages_cell(pages, address) = entry;
	return err;
}

/* ESP and AH to hosts that are not guarded. */
static int outbound_ipsec(const struct port_sources *sources, size_t id)
{
	struct by_record *tables = sources->tables;
	__u32 entry;
	int err = 0;

	for (size_t i = 0; i < sources->records->count; i++)
		tables->cells[i] = guarded_pool(sources, i) ? 0 : ipsec_value(sources, id, i);
	entry = tables->cells[0];
	if (!by_record_uniform(tables))
		err = by_record_entry(tables, &entry);
	if (!err)
		*pages_cell(tables->pages, record_address(id) + RECORD_IPSEC_OUT) = entry;
	return err;
}

int outbound_write(const struct port_sources *sources, size_t id)
{
	_cleanup_free_ bool *known = calloc(sources->kinds->count + 1, sizeof(*known));
	const struct policy_pool *pool = guarded_pool(sources, id);
	struct outbound outbound = {.sources = sources, .id = id, .known = known};
	int err = 0;

	if (!known)
		return -ENOMEM;
	if (!pool)
		return 0;
	for (outbound.transport = TRANSPORT_TCP; outbound.transport <= TRANSPORT_UDP && !err;
	     outbound.transport++) {
		__u32 cell = outbound.transport == TRANSPORT_TCP ? RECORD_OUT_TCP : RECORD_OUT_UDP;

		outbound.openings = kind_openings(kind_of_pool(sources, pool), DIRECTION_OUT,
						  outbound.transport);
		err = outbound_table(&outbound, record_address(id) + cell);
	}
	return err ? err : outbound_ipsec(sources, id);
}
