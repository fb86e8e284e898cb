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
 * What decide.h keeps of one end of a packet: the cell of the address trie. The rest of its record
 * is read when it is needed; registers are what the program is short of.
 */
struct end {
	__u32 cell; /* the record's address, and CELL_GUARDED */
};

static __always_inline bool is_guarded(const struct end *end)
{
	return end->cell & CELL_GUARDED;
}

/* One policy, open for reading. */
struct book {
	const __u32 *cells; /* starts with the header */
	__u64 mask; /* image_mask(); alone in its 8 bytes, or the verifier loses it on the stack */
	__u32 slot; /* the full programs'; the fast way goes by HEADER_SLOT */
};

/* An address cannot lead out of the image; image_check.c sees to it that it leads to the right cell. */
static __always_inline __u32 cell(const struct book *book, __u32 address)
{
	return book->cells[address & book->mask];
}

/* 16 cells on a multiple of 16. */
static __always_inline const __u32 *cells16(const struct book *book, __u32 address)
{
	return &book->cells[address & (book->mask - 15)];
}

/*
 * 16 bits, 8, 8. Returns the address of a record. The root is indexed by two bytes as they lie in
 * the packet and is within the smallest image, so it needs neither a swap nor a mask; the mask of
 * the others takes off the bits of the kind as well.
 */
static __always_inline __u32 trie4(const struct book *book, __u32 address)
{
	__u32 entry = book->cells[IMAGE_ROOT4 + first_half(address)];

	if (entry & CELL_KIND) {
		entry = cell(book, entry + third_byte(address));
		if (entry & CELL_KIND)
			entry = cell(book, entry + fourth_byte(address));
	}
	return entry;
}

/* An IPv6 address in two registers: byte N of each is byte N in memory order. */
struct halves {
	__u64 half[2];
};

static __always_inline struct halves halves_of(const union address *address)
{
	return (struct halves){.half = {memory_pair(address->word[0], address->word[1]),
					memory_pair(address->word[2], address->word[3])}};
}

/* The same of an address in a packet, where a load needs no alignment: half as many of them. */
static __always_inline struct halves halves_in_packet(const union address *address)
{
#ifdef __bpf__
	const __u64 *pair = (const void *)address;

	return (struct halves){.half = {pair[0], pair[1]}};
#else
	return halves_of(address);
#endif
}

/* One node: skips the bytes that all its prefixes share, then one byte. */
static __always_inline __u32 trie6_step(const struct book *book, const __u32 *node,
					const struct halves *address)
{
	const __u64 *words = (const __u64 *)&node[NODE_WORDS];
	const __u64 *masks = (const __u64 *)&node[NODE_MASKS];
	__u32 depth = node[NODE_DEPTH];

	if (((address->half[0] & masks[0]) ^ words[0]) | ((address->half[1] & masks[1]) ^ words[1]))
		return node[NODE_DEFAULT];
	return cell(book,
		    node[NODE_TABLE] + memory_byte(depth & 8 ? address->half[1] : address->half[0],
						   depth & 7));
}

/* Returns the address of a record, or a cell of another kind where the image is wrong. */
static __always_inline __u32 trie6(const struct book *book, struct halves halves)
{
	__u32 entry = book->cells[HEADER_ROOT6];
	int i;

	for (i = 0; i < TRIE6_STEPS && (entry & CELL_KIND) == CELL_POINTER; i++)
		entry = trie6_step(book, cells16(book, entry), &halves);
	return entry;
}

static __always_inline __u32 record_cell(const struct book *book, const struct end *end,
					 enum image_record cell_of_record)
{
	return cells16(book, end->cell)[cell_of_record];
}

/* Looks up one address. False: the image is wrong. */
static __always_inline bool classify(const struct book *book, __u8 family,
				     const union address *address, struct end *end)
{
	end->cell = family == FAMILY_IPV4 ? trie4(book, address->word[0])
					  : trie6(book, halves_of(address));
	return likely(!(end->cell & CELL_KIND));
}

/* The id of an end's record; 0 also where nobody looked it up. */
static __always_inline __u32 record_id(__u32 trie_cell)
{
	return trie_cell ? ((trie_cell & CELL_ADDRESS) - IMAGE_RECORDS) / RECORD_CELLS : 0;
}

#define ROW_NONE 0U /* shut */
#define ROW_OTHER_SOURCE CELL_BY_SOURCE /* open, but not to this source */

/* What the table by high byte at TABLE has for PORT, which is as it lies in a packet. */
static __always_inline __u32 port_cell(const struct book *book, __u32 table, __u16 port)
{
	__u32 entry = cell(book, table + high_byte(port));

	if ((entry & CELL_KIND) == CELL_POINTER)
		entry = cell(book, entry + low_byte(port));
	return entry;
}

static __always_inline bool is_by_source(__u32 entry)
{
	return (entry & CELL_KIND) == CELL_BY_SOURCE;
}

/* What a table by source, which ENTRY leads to, has for the end with trie cell OTHER. */
static __always_inline __u32 cell_for(const struct book *book, __u32 entry, __u32 other)
{
	return cell(book, entry + record_id(other));
}

/* A value that may go by the other end. */
static __always_inline __u32 value_for(const struct book *book, __u32 entry, __u32 other)
{
	return is_by_source(entry) ? cell_for(book, entry, other) : entry;
}

/*
 * The row that opens PORT of one end to the source with trie cell SOURCE: a counter id, ROW_NONE,
 * ROW_OTHER_SOURCE, a reason (image.h) or a cell that no image has. TABLE is RECORD_TCP or RECORD_UDP.
 */
static __always_inline __u32 find_row(const struct book *book, const struct end *end,
				      enum image_record table, __u16 port, __u32 source)
{
	__u32 entry = port_cell(book, end->cell + (__u32)table, net16(port));

	if (likely(!is_by_source(entry)))
		return entry;
	entry = cell_for(book, entry, source);
	return entry ? entry : ROW_OTHER_SOURCE;
}

/* True for what find_row() returns where a row opens the port. */
static __always_inline bool is_row(__u32 row)
{
	return row - 1 < ROW_IDS_MAX - 1;
}

#endif
