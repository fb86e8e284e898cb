/* SPDX-License-Identifier: MIT */
#include "by_record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The cells are kept as whole pages, the rest of the last one zero. */
static size_t whole_pages(const struct by_record *by_record)
{
	return (by_record->n_records + PAGE_CELLS - 1) / PAGE_CELLS;
}

int by_record_init(struct by_record *by_record, struct pages *pages, size_t n_records)
{
	*by_record = (struct by_record){.pages = pages, .n_records = n_records, .index_size = 256};
	by_record->cells = calloc(whole_pages(by_record) * PAGE_CELLS, sizeof(__u32));
	by_record->index = calloc(by_record->index_size, sizeof(__u32));
	return by_record->cells && by_record->index ? 0 : -ENOMEM;
}

bool by_record_uniform(const struct by_record *by_record)
{
	for (size_t i = 1; i < by_record->n_records; i++)
		if (by_record->cells[i] != by_record->cells[0])
			return false;
	return true;
}

static size_t hash_cells(const __u32 *cells, size_t count)
{
	__u64 hash = 0;

	for (size_t i = 0; i < count; i++) {
		hash = (hash ^ cells[i]) * 0x9e3779b97f4a7c15ULL;
		hash ^= hash >> 29;
	}
	return (size_t)hash;
}

/* The index's place of a table with these cells: where it is, or would be. */
static size_t find_place(const struct by_record *by_record, const __u32 *cells)
{
	size_t count = whole_pages(by_record) * PAGE_CELLS;
	size_t place = hash_cells(cells, count) & (by_record->index_size - 1);

	while (by_record->index[place] &&
	       memcmp(pages_cell(by_record->pages, by_record->index[place]), cells,
		      count * sizeof(*cells)) != 0)
		place = (place + 1) & (by_record->index_size - 1);
	return place;
}

/* Keeps the index at most half full. */
static int grow_index(struct by_record *by_record)
{
	size_t old_size = by_record->index_size;
	__u32 *old = by_record->index, *wider;

	if (by_record->count * 2 < old_size)
		return 0;
	wider = calloc(old_size * 2, sizeof(*wider));
	if (!wider)
		return -ENOMEM;
	by_record->index = wider;
	by_record->index_size = old_size * 2;
	for (size_t i = 0; i < old_size; i++)
		if (old[i])
			wider[find_place(by_record, pages_cell(by_record->pages, old[i]))] = old[i];
	free(old);
	return 0;
}

int by_record_entry(struct by_record *by_record, __u32 *entry)
{
	size_t n_pages = whole_pages(by_record), place;
	int err = grow_index(by_record);
	__u32 address;

	if (err)
		return err;
	place = find_place(by_record, by_record->cells);
	if (!by_record->index[place]) {
		address = pages_add(by_record->pages, n_pages, &err);
		if (err)
			return err;
		memcpy(pages_cell(by_record->pages, address), by_record->cells,
		       n_pages * sizeof(struct image_page));
		by_record->index[place] = address;
		by_record->count++;
	}
	*entry = CELL_BY_SOURCE | by_record->index[place];
	return 0;
}

void by_record_free(struct by_record *by_record)
{
	free(by_record->cells);
	free(by_record->index);
}
