/* SPDX-License-Identifier: MIT */
/* Tables of an image with one cell for each record of the other end; equal ones are kept once. */
#ifndef ROLEWALL_BY_RECORD_H
#define ROLEWALL_BY_RECORD_H

#include <stdbool.h>

#include "pages.h"

struct by_record {
	struct pages *pages;
	size_t n_records;
	__u32 *cells; /* by record id: the caller fills them, then asks for an entry */
	__u32 *index; /* hash table of addresses; 0 = free */
	size_t index_size, count; /* size: a power of two */
};

/* For an image with N_RECORDS records. Returns 0 or -ENOMEM. */
int by_record_init(struct by_record *by_record, struct pages *pages, size_t n_records);
/* True if all cells are the same, so that a value can stand for them. */
bool by_record_uniform(const struct by_record *by_record);
/* The entry of a table with these cells: CELL_BY_SOURCE and its address. 0, -ENOSPC or -ENOMEM. */
int by_record_entry(struct by_record *by_record, __u32 *entry);
void by_record_free(struct by_record *by_record);

#endif
