/* SPDX-License-Identifier: MIT */
/* The port tables of an image: what each pool opens (include/image.h). */
#ifndef ROLEWALL_PORT_TABLES_H
#define ROLEWALL_PORT_TABLES_H

#include "pages.h"
#include "records.h"

/* What a port table is written from. */
struct port_sources {
	const struct policy *policy;
	const struct records *records;
	const __u32 *row_ids; /* counter id of each row of the policy */
};

/* The cells for a record's inbound ports of both transports. 0, -ENOSPC or -ENOMEM. */
int port_tables_write(const struct port_sources *sources, const struct policy_pool *pool,
		      struct pages *pages, __u32 *tcp, __u32 *udp);

#endif
