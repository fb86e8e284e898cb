/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Step 2, classify: from addresses to records, and from a record and a port to a row. Reads the
 * image through cell() and cells16() alone.
 */
#ifndef ROLEWALL_CLASSIFY_H
#define ROLEWALL_CLASSIFY_H

#include "compiler.h"
#include "image.h"
#include "packet.h"

/*
 * The environment's (maps.h, or a host's array): the cells of the image in a slot, or NULL; and
 * their number less one, a power of two less one, which the verifier knows.
 */
static __always_inline const __u32 *image_cells(__u32 slot);
static __always_inline __u32 image_mask(void);

#define TRIE6_STEPS 16

/*
 * What decide.h keeps of one end of a packet. The rest of its record is read when it is needed:
 * registers are what the program is short of.
 */
struct end {
	__u32 record; /* its address */
	__u32 flags; /* enum image_record_flag */
};

/* One policy, open for reading. */
struct book {
	const __u32 *cells; /* starts with the header */
	__u32 slot;
};

/* An address cannot lead out of the image; image_check.c sees to it that it leads to the right cell. */
static __always_inline __u32 cell(const struct book *book, __u32 address)
{
	return book->cells[address & image_mask()];
}

/* 16 cells on a multiple of 16. */
static __always_inline const __u32 *cells16(const struct book *book, __u32 address)
{
	return &book->cells[address & (image_mask() - 15)];
}

/*
 * 16 bits, 8, 8. Returns the address of a record. The root lies within the smallest image, so it
 * needs no mask; the mask of the others takes off the bits of the kind as well.
 */
static __always_inline __u32 trie4(const struct book *book, __u32 network_address)
{
	__u32 address = host32(network_address);
	__u32 entry = book->cells[IMAGE_ROOT4 + (address >> 16)];

	if (entry & CELL_KIND) {
		entry = cell(book, entry + (address >> 8 & 0xff));
		if (entry & CELL_KIND)
			entry = cell(book, entry + (address & 0xff));
	}
	return entry;
}

/* One node: skips the bytes that all its prefixes share, then one byte. */
static __always_inline __u32 trie6_step(const struct book *book, const __u32 *node,
					const union address *address, const union address *bytes)
{
	__u32 different = (address->word[0] & node[NODE_MASKS]) ^ node[NODE_WORDS];
	__u32 depth = node[NODE_DEPTH];

	different |= (address->word[1] & node[NODE_MASKS + 1]) ^ node[NODE_WORDS + 1];
	different |= (address->word[2] & node[NODE_MASKS + 2]) ^ node[NODE_WORDS + 2];
	different |= (address->word[3] & node[NODE_MASKS + 3]) ^ node[NODE_WORDS + 3];
	if (different)
		return node[NODE_DEFAULT];
	return cell(book, node[NODE_TABLE] + bytes->byte[depth & 15]);
}

/* Returns the address of a record, or a cell of another kind where the image is wrong. */
static __always_inline __u32 trie6(const struct book *book, const union address *address)
{
	union address bytes = *address; /* indexed, which keeps it out of the registers */
	__u32 entry = book->cells[HEADER_ROOT6];
	int i;

	for (i = 0; i < TRIE6_STEPS && (entry & CELL_KIND) == CELL_POINTER; i++)
		entry = trie6_step(book, cells16(book, entry), address, &bytes);
	return entry;
}

static __always_inline __u32 record_cell(const struct book *book, const struct end *end,
					 enum image_record cell_of_record)
{
	return cells16(book, end->record)[cell_of_record];
}

/* Looks up one address. False: the image is wrong. */
static __always_inline bool classify(const struct book *book, __u8 family,
				     const union address *address, struct end *end)
{
	end->record = family == FAMILY_IPV4 ? trie4(book, address->word[0]) : trie6(book, address);
	if (unlikely(end->record & CELL_KIND))
		return false;
	/* The first record, of every address that is not listed, is all zeroes. */
	end->flags = record_cell(book, end, RECORD_FLAGS);
	return true;
}

/* The id of the record at ADDRESS; 0 also where nobody looked it up. */
static __always_inline __u32 record_id(__u32 address)
{
	return address ? (address - IMAGE_RECORDS) / RECORD_CELLS : 0;
}

#define ROW_NONE 0U /* shut */
#define ROW_OTHER_SOURCE CELL_BY_SOURCE /* open, but not to this source */

/*
 * The row that opens PORT of a port table to the source whose record is at SOURCE: a counter id,
 * ROW_NONE, ROW_OTHER_SOURCE or CELL_FAULT.
 */
static __always_inline __u32 find_row(const struct book *book, __u32 table, __u16 port,
				      __u32 source)
{
	__u32 entry = table;

	if (entry & CELL_POINTER)
		entry = cell(book, entry + (port >> 8));
	if ((entry & CELL_KIND) == CELL_POINTER)
		entry = cell(book, entry + (port & 0xffU));
	if ((entry & CELL_KIND) != CELL_BY_SOURCE)
		return entry;
	entry = cell(book, entry + record_id(source));
	return entry ? entry : ROW_OTHER_SOURCE;
}

/* True for what find_row() returns where a row opens the port. */
static __always_inline bool is_row(__u32 row)
{
	return row && !(row & CELL_KIND);
}

#endif
