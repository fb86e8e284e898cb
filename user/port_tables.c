/* SPDX-License-Identifier: MIT */
#include "port_tables.h"

#include <errno.h>
#include <stdlib.h>

#include "cleanup.h"
#include "port_cells.h"
#include "reason.h"

const struct policy_pool *guarded_pool(const struct port_sources *sources, size_t id)
{
	size_t pool = sources->records->items[id].pool;

	if (pool == NO_POOL || !sources->policy->pools[pool].guarded)
		return NULL;
	return &sources->policy->pools[pool];
}

const struct pool_kind *kind_of_pool(const struct port_sources *sources,
				     const struct policy_pool *pool)
{
	size_t index = (size_t)(pool - sources->policy->pools);

	return &sources->kinds->items[sources->kinds->of_pool[index]];
}

bool is_ike_port(enum transport transport, unsigned int port)
{
	return transport == TRANSPORT_UDP && (port == PORT_IKE || port == PORT_IKE_NAT);
}

static bool is_exempt(const struct port_sources *sources, size_t id)
{
	const struct policy_pool *pool = guarded_pool(sources, id);

	return pool && pool->ipsec_exempt;
}

__u32 ipsec_value(const struct port_sources *sources, size_t one, size_t other)
{
	const struct records *records = sources->records;

	for (size_t i = 0; i < sources->policy->n_ipsec; i++) {
		const size_t *ends = sources->policy->ipsec[i].peers;

		if ((records_admit(records, ends[0], one) &&
		     records_admit(records, ends[1], other)) ||
		    (records_admit(records, ends[1], one) &&
		     records_admit(records, ends[0], other)))
			return REASON_CELL(REASON_ipsec);
	}
	if (is_exempt(sources, one) || is_exempt(sources, other))
		return REASON_CELL(REASON_ipsec_exempt);
	return 0;
}

__u32 row_value(const struct port_sources *sources, const struct opening *opening, size_t other)
{
	for (size_t i = 0; i < opening->n_grants; i++) {
		const struct grant *grant = opening->grants[i];

		if (records_admit(sources->records, grant->peers, other))
			return sources->row_ids[grant->row];
	}
	return 0;
}

/* A table of one record and transport that is being made. */
struct inbound {
	const struct port_sources *sources;
	size_t id;
	enum transport transport;
	struct opening_list openings; /* none of an address that is not guarded */
};

static bool is_failsafe_port(const struct inbound *inbound, unsigned int port)
{
	const struct site *site = inbound->sources->policy->site;

	for (size_t i = 0; i < site->n_failsafe_ports; i++) {
		const struct failsafe_port *failsafe = &site->failsafe_ports[i];

		if (failsafe->transport == inbound->transport && port >= failsafe->ports.first &&
		    port <= failsafe->ports.last)
			return true;
	}
	return false;
}

#define SHUT REASON_CELL(REASON_port_not_in_matrix)

/* What a packet to one port meets, by its source. */
static __u32 source_value(const struct inbound *inbound, const struct opening *opening, bool ike,
			  size_t source)
{
	__u32 value = ike ? ipsec_value(inbound->sources, inbound->id, source) : 0;
	__u32 row = opening ? row_value(inbound->sources, opening, source) : 0;

	/* A row may mean the port for something else than IKE, media ranges above all. */
	if (value == REASON_CELL(REASON_ipsec) || !row)
		return value || opening ? value : SHUT;
	return row;
}

static int inbound_entry(const void *context, unsigned int port, __u32 *entry)
{
	const struct inbound *inbound = context;
	const struct port_sources *sources = inbound->sources;
	const struct opening *opening = find_opening(inbound->openings, port);
	bool failsafe = sources->policy->failsafe && is_failsafe_port(inbound, port);
	bool ike = guarded_pool(sources, inbound->id) && is_ike_port(inbound->transport, port);
	struct by_record *tables = sources->tables;

	*entry = 0;
	if (!opening && !failsafe && !ike)
		return 0;
	for (size_t i = 0; i < sources->records->count; i++)
		tables->cells[i] =
			failsafe && records_admit(sources->records, sources->policy->failsafe, i)
				? REASON_CELL(REASON_failsafe)
				: source_value(inbound, opening, ike, i);
	/* A row that admits nobody needs its table: the port is not shut, it is another source's. */
	if (!by_record_uniform(tables) || !tables->cells[0])
		return by_record_entry(tables, entry);
	*entry = tables->cells[0] == SHUT ? 0 : tables->cells[0];
	return 0;
}

/* Writes the table of one transport to page PAGE of the image. */
static int inbound_table(const struct inbound *inbound, __u32 page)
{
	_cleanup_free_ struct port_cells *ports = calloc(1, sizeof(*ports));
	const struct site *site = inbound->sources->policy->site;
	struct pages *pages = inbound->sources->tables->pages;
	struct image_page top;
	int err;

	if (!ports)
		return -ENOMEM;
	port_cells_cut_openings(ports, inbound->openings);
	for (size_t i = 0; i < site->n_failsafe_ports; i++)
		port_cells_cut(ports, site->failsafe_ports[i].ports);
	port_cells_cut(ports, (struct port_range){PORT_IKE, PORT_IKE});
	port_cells_cut(ports, (struct port_range){PORT_IKE_NAT, PORT_IKE_NAT});
	err = port_cells_fill(ports, inbound_entry, inbound);
	if (!err)
		err = port_cells_fold(ports, pages, &top);
	if (!err)
		pages->page[page] = top;
	return err;
}

/* ESP and AH have no ports: one entry by source. */
static int inbound_ipsec(const struct port_sources *sources, size_t id)
{
	struct by_record *tables = sources->tables;
	__u32 entry;
	int err = 0;

	for (size_t i = 0; i < sources->records->count; i++)
		tables->cells[i] = ipsec_value(sources, id, i);
	entry = tables->cells[0];
	if (!by_record_uniform(tables))
		err = by_record_entry(tables, &entry);
	if (!err)
		*pages_cell(tables->pages, record_address(id) + RECORD_IPSEC_IN) = entry;
	return err;
}

int inbound_write(const struct port_sources *sources, size_t id)
{
	const struct policy_pool *pool = guarded_pool(sources, id);
	struct inbound inbound = {.sources = sources, .id = id};
	int err = 0;

	for (inbound.transport = TRANSPORT_TCP; inbound.transport <= TRANSPORT_UDP && !err;
	     inbound.transport++) {
		__u32 table = inbound.transport == TRANSPORT_TCP ? RECORD_TCP : RECORD_UDP;

		if (pool)
			inbound.openings = kind_openings(kind_of_pool(sources, pool), DIRECTION_IN,
							 inbound.transport);
		err = inbound_table(&inbound, (record_address(id) + table) >> PAGE_SHIFT);
	}
	return err || !pool ? err : inbound_ipsec(sources, id);
}
