/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Step 2, classify: from addresses to records, and from a record and a port to a row. Reads the
 * image through image_page() alone, which the environment defines (maps.h, or a host's array).
 */
#ifndef ROLEWALL_CLASSIFY_H
#define ROLEWALL_CLASSIFY_H

#include "compiler.h"
#include "image.h"
#include "packet.h"

struct image; /* the environment's: one policy */

/* The environment's: the image in a slot, and a page of an image, or NULL. */
static __always_inline const struct image *image_in(__u32 slot);
static __always_inline const struct image_page *image_page(const struct image *image, __u32 page);

#define TRIE6_STEPS 16

/* What decide.h knows about one end of a packet. */
struct end {
	__u32 record; /* id */
	__u32 flags; /* enum image_record_flag */
	__u32 pool; /* counter id */
	__u32 in_tcp, in_udp; /* port tables */
};

static __always_inline __u32 cell(const struct image *image, __u32 address)
{
	const struct image_page *page = image_page(image, address >> PAGE_SHIFT);

	return likely(page) ? page->cell[address & (PAGE_CELLS - 1)] : CELL_FAULT;
}

/* 16 cells on a multiple of 16, or NULL. */
static __always_inline const __u32 *cells16(const struct image *image, __u32 address)
{
	const struct image_page *page = image_page(image, address >> PAGE_SHIFT);

	return likely(page) ? &page->cell[address & (PAGE_CELLS - 16)] : NULL;
}

/* 16 bits, 8, 8. Returns a record id or CELL_FAULT. */
static __always_inline __u32 trie4(const struct image *image, __u32 root, __u32 network_address)
{
	__u32 address = host32(network_address);
	__u32 entry = cell(image, root + (address >> 16));

	if (!(entry & CELL_KIND))
		return entry;
	entry = cell(image, (entry & CELL_PAYLOAD) + (address >> 8 & 0xff));
	if (!(entry & CELL_KIND))
		return entry;
	return cell(image, (entry & CELL_PAYLOAD) + (address & 0xff));
}

/* One node: skips the bytes that all its prefixes share, then one byte. */
static __always_inline __u32 trie6_step(const struct image *image, const __u32 *node,
					const union address *address)
{
	__u32 different = (address->word[0] & node[NODE_MASKS]) ^ node[NODE_WORDS];

	different |= (address->word[1] & node[NODE_MASKS + 1]) ^ node[NODE_WORDS + 1];
	different |= (address->word[2] & node[NODE_MASKS + 2]) ^ node[NODE_WORDS + 2];
	different |= (address->word[3] & node[NODE_MASKS + 3]) ^ node[NODE_WORDS + 3];
	if (different)
		return node[NODE_DEFAULT];
	return cell(image, node[NODE_TABLE] + address->byte[node[NODE_DEPTH] & 15]);
}

__u32 trie6(__u32 slot, __u32 root, const union address *address);

/* Returns a record id or CELL_FAULT. */
verified_once __u32 trie6(__u32 slot, __u32 root, const union address *address)
{
	const struct image *image = image_in(slot);
	const __u32 *node;
	__u32 entry = root;
	int i;

	if (!image || !address)
		return CELL_FAULT;
	for (i = 0; i < TRIE6_STEPS; i++) {
		if ((entry & CELL_KIND) != CELL_POINTER)
			return entry;
		node = cells16(image, entry & CELL_PAYLOAD);
		if (!node)
			return CELL_FAULT;
		entry = trie6_step(image, node, address);
	}
	return (entry & CELL_KIND) == CELL_VALUE ? entry : CELL_FAULT;
}

/* One policy, open for reading. */
struct book {
	const struct image *image;
	const __u32 *header; /* page 0 */
	__u32 slot;
};

/* Looks up one address. False: the image cannot be read. */
static __always_inline bool classify(const struct book *book, __u8 family,
				     const union address *address, struct end *end)
{
	const __u32 *record;

	if (family == FAMILY_IPV4)
		end->record = trie4(book->image, book->header[HEADER_ROOT4], address->word[0]);
	else
		end->record = trie6(book->slot, book->header[HEADER_ROOT6], address);
	if (unlikely(end->record & CELL_KIND))
		return false;
	if (end->record == RECORD_UNLISTED) {
		end->flags = end->pool = end->in_tcp = end->in_udp = 0;
		return true;
	}
	record = cells16(book->image, book->header[HEADER_RECORDS] + end->record * RECORD_CELLS);
	if (!record)
		return false;
	end->flags = record[RECORD_FLAGS];
	end->pool = record[RECORD_POOL];
	end->in_tcp = record[RECORD_IN_TCP];
	end->in_udp = record[RECORD_IN_UDP];
	return true;
}

#define ROW_NONE 0U /* shut */
#define ROW_OTHER_SOURCE CELL_BY_SOURCE /* open, but not to this source */

/*
 * The row that opens PORT of a port table to the source with record SOURCE: a counter id,
 * ROW_NONE, ROW_OTHER_SOURCE or CELL_FAULT.
 */
static __always_inline __u32 find_row(const struct image *image, __u32 table, __u16 port,
				      __u32 source)
{
	__u32 entry = table;

	if (entry & CELL_POINTER)
		entry = cell(image, (entry & CELL_PAYLOAD) + (port >> 8));
	if ((entry & CELL_KIND) == CELL_POINTER)
		entry = cell(image, (entry & CELL_PAYLOAD) + (port & 0xffU));
	if ((entry & CELL_KIND) != CELL_BY_SOURCE)
		return entry;
	entry = cell(image, (entry & CELL_PAYLOAD) + source);
	return entry ? entry : ROW_OTHER_SOURCE;
}

/* True for what find_row() returns where a row opens the port. */
static __always_inline bool is_row(__u32 row)
{
	return row && !(row & CELL_KIND);
}

#endif
