/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "cleanup.h"
#include "compile.h"
#include "image_check.h"
#include "timeouts.h"

/* What a page has been found good for, so that a shared one is walked once. */
enum seen {
	SEEN_TRIE4_LAST = 1,
	SEEN_TRIE4_MIDDLE = 2,
	SEEN_PORTS = 4,
};

struct check {
	const struct image_page *page;
	size_t count;
	__u32 n_records;
	unsigned char *seen; /* enum seen bits by page */
	char *text;
};

__attribute__((format(printf, 2, 3))) static int fault(struct check *check, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(check->text, IMAGE_FAULT_TEXT, format, arguments);
	va_end(arguments);
	return -EBADMSG;
}

static const __u32 *cell_at(const struct check *check, __u32 address)
{
	return &check->page[address >> PAGE_SHIFT].cell[address & (PAGE_CELLS - 1)];
}

/* CELLS cells from ADDRESS lie in the image, behind the header, on a multiple of ALIGN. */
static bool fits(const struct check *check, __u32 address, size_t cells, __u32 align)
{
	return address >= PAGE_CELLS && address % align == 0 &&
	       address + cells <= check->count * PAGE_CELLS;
}

/* A trie's value leads to one of the records. */
static bool is_record(const struct check *check, __u32 entry)
{
	__u32 offset = (entry & CELL_ADDRESS) - IMAGE_RECORDS;

	return !(entry & CELL_KIND) && offset % RECORD_CELLS == 0 &&
	       offset / RECORD_CELLS < check->n_records;
}

/* Marks a page as walked; true if it had been. */
static bool walked(struct check *check, __u32 address, enum seen kind)
{
	unsigned char *seen = &check->seen[address >> PAGE_SHIFT];
	bool before = *seen & kind;

	*seen |= (unsigned char)kind;
	return before;
}

/* LEVELS more tables may follow this one. */
static int check_trie4(struct check *check, __u32 address, __u32 cells, int levels)
{
	int err = 0;

	for (__u32 i = 0; i < cells && !err; i++) {
		__u32 entry = *cell_at(check, address + i), next = entry & CELL_PAYLOAD;

		if ((entry & CELL_KIND) == CELL_VALUE) {
			if (!is_record(check, entry))
				return fault(check, "cell %#x: no record at %#x", address + i,
					     entry);
			continue;
		}
		if ((entry & CELL_KIND) != CELL_POINTER || !levels ||
		    !fits(check, next, PAGE_CELLS, PAGE_CELLS))
			return fault(check, "cell %#x: %#x leads nowhere in the IPv4 trie",
				     address + i, entry);
		if (!walked(check, next, levels > 1 ? SEEN_TRIE4_MIDDLE : SEEN_TRIE4_LAST))
			err = check_trie4(check, next, PAGE_CELLS, levels - 1);
	}
	return err;
}

/* A node's depth is DEPTH or more: it grows along every path, so no path is endless. */
static int check_trie6(struct check *check, __u32 entry, __u32 depth)
{
	__u32 address = entry & CELL_PAYLOAD;
	const __u32 *node;
	int err = 0;

	if ((entry & CELL_KIND) == CELL_VALUE)
		return is_record(check, entry)
			       ? 0
			       : fault(check, "no record at %#x in the IPv6 trie", entry);
	if ((entry & CELL_KIND) != CELL_POINTER || !fits(check, address, NODE_CELLS, NODE_CELLS))
		return fault(check, "%#x leads nowhere in the IPv6 trie", entry);
	node = cell_at(check, address);
	if (node[NODE_DEPTH] < depth || node[NODE_DEPTH] > 15 ||
	    !is_record(check, node[NODE_DEFAULT]) ||
	    !fits(check, node[NODE_TABLE], PAGE_CELLS, PAGE_CELLS))
		return fault(check, "node %#x: depth %u, default %#x, table %#x", address,
			     node[NODE_DEPTH], node[NODE_DEFAULT], node[NODE_TABLE]);
	for (__u32 i = 0; i < PAGE_CELLS && !err; i++)
		err = check_trie6(check, *cell_at(check, node[NODE_TABLE] + i),
				  node[NODE_DEPTH] + 1);
	return err;
}

static int check_by_source(struct check *check, __u32 address)
{
	if (!fits(check, address, check->n_records, PAGE_CELLS))
		return fault(check, "table by source %#x leaves the image", address);
	for (__u32 i = 0; i < check->n_records; i++)
		if (*cell_at(check, address + i) >= ROW_IDS_MAX)
			return fault(check, "cell %#x: no row id", address + i);
	return 0;
}

/* A table by high byte may LEAD on to pages by low byte, which lead to no further ones. */
static int check_ports(struct check *check, __u32 table, bool lead)
{
	int err = 0;

	for (__u32 i = 0; i < PAGE_CELLS && !err; i++) {
		__u32 entry = *cell_at(check, table + i), next = entry & CELL_PAYLOAD;

		switch (entry & CELL_KIND) {
		case CELL_VALUE:
			err = entry < ROW_IDS_MAX ? 0 : fault(check, "row id %u", entry);
			break;
		case CELL_BY_SOURCE:
			err = check_by_source(check, next);
			break;
		default:
			if ((entry & CELL_KIND) != CELL_POINTER || !lead ||
			    !fits(check, next, PAGE_CELLS, PAGE_CELLS))
				return fault(check, "%#x leads nowhere in a port table", entry);
			if (!walked(check, next, SEEN_PORTS))
				err = check_ports(check, next, false);
		}
	}
	return err;
}

static int check_records(struct check *check)
{
	int err = 0;

	if (!fits(check, IMAGE_RECORDS, (size_t)check->n_records * RECORD_CELLS, PAGE_CELLS))
		return fault(check, "the records leave the image");
	for (__u32 i = 0; i < check->n_records && !err; i++) {
		__u32 record = IMAGE_RECORDS + i * RECORD_CELLS;

		if (*cell_at(check, record + RECORD_POOL) >= POOL_IDS_MAX)
			return fault(check, "record %u: pool id %u", i,
				     *cell_at(check, record + RECORD_POOL));
		err = check_ports(check, record + RECORD_TCP, true);
		if (!err)
			err = check_ports(check, record + RECORD_UDP, true);
	}
	return err;
}

static int check_header(struct check *check)
{
	const __u32 *header = check->page[0].cell;

	if (header[HEADER_MAGIC] != IMAGE_MAGIC || header[HEADER_LAYOUT] != IMAGE_LAYOUT)
		return fault(check, "not an image of layout %u", IMAGE_LAYOUT);
	if (header[HEADER_PAGES] != check->count)
		return fault(check, "%u pages in the header, %zu in the image",
			     header[HEADER_PAGES], check->count);
	if (header[HEADER_CHECKSUM] != image_checksum(check->page, check->count))
		return fault(check, "the checksum differs");
	if (!header[HEADER_N_RECORDS] || header[HEADER_N_RECORDS] > RECORDS_MAX)
		return fault(check, "%u records", header[HEADER_N_RECORDS]);
	if (!fits(check, IMAGE_ROOT4, 65536, PAGE_CELLS))
		return fault(check, "the IPv4 root is cut off");
	if (!fits(check, header[HEADER_DESCRIPTION], (header[HEADER_DESCRIPTION_BYTES] + 3) / 4,
		  PAGE_CELLS))
		return fault(check, "description at %#x", header[HEADER_DESCRIPTION]);
	for (int i = 0; i < N_TIMEOUTS; i++)
		if (header[timeout_kinds[i].cell] - 1 >= timeout_kinds[i].longest)
			return fault(check, "timeout %s: %u", timeout_kinds[i].name,
				     header[timeout_kinds[i].cell]);
	return 0;
}

int image_check(const struct image_page *page, size_t count, char text[IMAGE_FAULT_TEXT])
{
	_cleanup_free_ unsigned char *seen = calloc(count + 1, 1);
	struct check check = {.page = page, .count = count, .seen = seen, .text = text};
	const __u32 *header = page[0].cell;
	int err;

	if (!seen)
		return -ENOMEM;
	if (!count)
		return fault(&check, "no pages");
	err = check_header(&check);
	if (err)
		return err;
	check.n_records = header[HEADER_N_RECORDS];
	err = check_trie4(&check, IMAGE_ROOT4, 65536, 2);
	if (!err)
		err = check_trie6(&check, header[HEADER_ROOT6], 0);
	return err ? err : check_records(&check);
}
