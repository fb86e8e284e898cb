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

/*
 * Writes the inbound ports of POOL into the record at address RECORD, and the pages that its
 * tables lead to. 0, -ENOSPC or -ENOMEM.
 */
int port_tables_write(const struct port_sources *sources, const struct policy_pool *pool,
		      __u32 record, struct pages *pages);

#endif
