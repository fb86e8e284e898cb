/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "cleanup.h"
#include "compile.h"
#include "detail.h"
#include "image_check.h"
#include "reason.h"
#include "timeouts.h"

/* What a page has been found good for, so that a shared one is walked once. */
enum seen {
	SEEN_TRIE4_LAST = 1,
	SEEN_TRIE4_MIDDLE = 2,
	SEEN_PORTS = 4,
	SEEN_PORTS_BY_SOURCE = 8,
	SEEN_OUTBOUND = 16,
	SEEN_OUTBOUND_BY_DESTINATION = 32,
	SEEN_IPSEC = 64,
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

/* What may stand in a table. */
struct table_kind {
	const char *name;
	enum seen seen, seen_by_record; /* pages and tables by record of this kind */
	enum reason reasons[5]; /* that a value may hold; the rest is undecided */
};

static const struct table_kind inbound_ports = {
	"a port table",
	SEEN_PORTS,
	SEEN_PORTS_BY_SOURCE,
	{REASON_failsafe, REASON_ipsec, REASON_ipsec_exempt, REASON_port_not_in_matrix},
};
static const struct table_kind outbound_ports = {
	"an outbound table",
	SEEN_OUTBOUND,
	SEEN_OUTBOUND_BY_DESTINATION,
	{REASON_outbound, REASON_ipsec, REASON_ipsec_exempt},
};
static const struct table_kind ipsec_cell = {
	"a cell for IPsec",
	SEEN_IPSEC,
	SEEN_IPSEC,
	{REASON_ipsec, REASON_ipsec_exempt},
};

static int check_value(struct check *check, const struct table_kind *kind, __u32 entry)
{
	__u32 row = entry & CELL_ROW, reason = CELL_REASON(entry);

	if (!reason && row < ROW_IDS_MAX && (!row || kind != &ipsec_cell))
		return 0;
	if (!reason)
		return fault(check, "row id %u in %s", row, kind->name);
	for (int i = 0; kind->reasons[i]; i++)
		if (!row && reason == kind->reasons[i])
			return 0;
	return fault(check, "reason %u with row %u in %s", reason, row, kind->name);
}

static int check_by_record(struct check *check, const struct table_kind *kind, __u32 address)
{
	int err = 0;

	if (!fits(check, address, check->n_records, PAGE_CELLS))
		return fault(check, "table by record %#x leaves the image", address);
	if (walked(check, address, kind->seen_by_record))
		return 0;
	for (__u32 i = 0; i < check->n_records && !err; i++)
		err = check_value(check, kind, *cell_at(check, address + i));
	return err;
}

static int check_ports(struct check *check, const struct table_kind *kind, __u32 table, int levels);

/* The entry of a table, or in place of one, with as many LEVELS of tables below it at most. */
static int check_entry(struct check *check, const struct table_kind *kind, __u32 entry, int levels)
{
	__u32 next = entry & CELL_PAYLOAD;

	switch (entry & CELL_KIND) {
	case CELL_VALUE:
		return check_value(check, kind, entry);
	case CELL_BY_SOURCE:
		return check_by_record(check, kind, next);
	}
	if ((entry & CELL_KIND) != CELL_POINTER || !levels ||
	    !fits(check, next, PAGE_CELLS, PAGE_CELLS))
		return fault(check, "%#x leads nowhere in %s", entry, kind->name);
	/* A page that leads on is only met at one level: its own pages would be faults at another. */
	return levels == 1 && walked(check, next, kind->seen)
		       ? 0
		       : check_ports(check, kind, next, levels - 1);
}

static int check_ports(struct check *check, const struct table_kind *kind, __u32 table, int levels)
{
	int err = 0;

	for (__u32 i = 0; i < PAGE_CELLS && !err; i++)
		err = check_entry(check, kind, *cell_at(check, table + i), levels);
	return err;
}

static int check_record(struct check *check, __u32 id)
{
	__u32 record = IMAGE_RECORDS + id * RECORD_CELLS;
	const __u32 *cells = cell_at(check, record);
	int err;

	if (POOL_OF(cells[RECORD_POOL]) >= POOL_IDS_MAX ||
	    ROLES_OF(cells[RECORD_POOL]) >= ROLE_SETS_MAX)
		return fault(check, "record %u: pool and roles %#x", id, cells[RECORD_POOL]);
	err = check_ports(check, &inbound_ports, record + RECORD_TCP, 1);
	if (!err)
		err = check_ports(check, &inbound_ports, record + RECORD_UDP, 1);
	if (!err)
		err = check_entry(check, &outbound_ports, cells[RECORD_OUT_TCP], 2);
	if (!err)
		err = check_entry(check, &outbound_ports, cells[RECORD_OUT_UDP], 2);
	if (!err)
		err = check_entry(check, &ipsec_cell, cells[RECORD_IPSEC_IN], 0);
	return err ? err : check_entry(check, &ipsec_cell, cells[RECORD_IPSEC_OUT], 0);
}

static int check_records(struct check *check)
{
	int err = 0;

	if (!fits(check, IMAGE_RECORDS, (size_t)check->n_records * RECORD_CELLS, PAGE_CELLS))
		return fault(check, "the records leave the image");
	for (__u32 id = 0; id < check->n_records && !err; id++)
		err = check_record(check, id);
	return err;
}

static int check_header(struct check *check)
{
	const __u32 *header = check->page[0].cell;

	if (header[HEADER_MAGIC] != IMAGE_MAGIC || header[HEADER_LAYOUT] != IMAGE_LAYOUT)
		return fault(check, "not an image of layout %u", IMAGE_LAYOUT);
	if (header[HEADER_UNREAD] != POOL_CELL(0, ROLES_UNREAD))
		return fault(check, "%#x for addresses not looked up", header[HEADER_UNREAD]);
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
	if (header[HEADER_SOURCES_BYTES] &&
	    !fits(check, header[HEADER_SOURCES], (header[HEADER_SOURCES_BYTES] + 3) / 4,
		  PAGE_CELLS))
		return fault(check, "sources at %#x", header[HEADER_SOURCES]);
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
