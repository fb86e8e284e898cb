/* SPDX-License-Identifier: MIT */
/* The port tables of an image: what each record opens, and what it may start (include/image.h). */
#ifndef ROLEWALL_PORT_TABLES_H
#define ROLEWALL_PORT_TABLES_H

#include "by_record.h"
#include "pool_kinds.h"
#include "records.h"

/* UDP ports of IKE, alone and with NAT traversal (RFC 7296 section 2.23). */
#define PORT_IKE 500U
#define PORT_IKE_NAT 4500U

/* What a port table is written from. */
struct port_sources {
	const struct policy *policy;
	const struct records *records;
	const struct pool_kinds *kinds;
	const __u32 *row_ids; /* counter id of each row of the policy */
	struct by_record *tables;
};

/* Cell address of a record. */
static inline __u32 record_address(size_t id)
{
	return IMAGE_RECORDS + (__u32)id * RECORD_CELLS;
}

/*
 * Write what is told of packets to, and of packets from, the addresses of record ID: its port
 * tables and its cells for ESP and AH, and the pages that they lead to. 0, -ENOSPC or -ENOMEM.
 */
int inbound_write(const struct port_sources *sources, size_t id);
int outbound_write(const struct port_sources *sources, size_t id);

/* The kind of one of the policy's pools. */
const struct pool_kind *kind_of_pool(const struct port_sources *sources,
				     const struct policy_pool *pool);
/* The pool of a record if that is guarded, else NULL. */
const struct policy_pool *guarded_pool(const struct port_sources *sources, size_t id);
/*
 * What IPsec's rules say of a packet of ESP, AH or IKE between two records, in either direction:
 * REASON_CELL() of ipsec or ipsec_exempt, or 0 = it is like any other.
 */
__u32 ipsec_value(const struct port_sources *sources, size_t one, size_t other);
/* The value of one row whose condition admits OTHER, the first of the opening's; 0 = none. */
__u32 row_value(const struct port_sources *sources, const struct opening *opening, size_t other);
bool is_ike_port(enum transport transport, unsigned int port);

#endif
