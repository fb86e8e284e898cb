/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * The image: one policy as flat 32-bit cells, the only thing compile.c writes and classify.h reads.
 *
 * One array of cells, laid out in pages of 256; a cell's address is page << 8 | index. Page 0 is
 * the header's; the IPv4 root and the records have fixed places behind it, which saves a read.
 * All cells are in host byte order, but for the address words of an IPv6 node, which are compared
 * with the packet as they are. docs/image.md draws it and says what each choice costs.
 *
 *   IPv4 root (65,536 cells) -> page -> page -> record
 *   IPv6 node -> page by one byte -> node ... -> record
 *   record -> port page by high byte -> port page by low byte -> row or reason,
 *                                    or one of them for each record of the other end
 */
#ifndef ROLEWALL_IMAGE_H
#define ROLEWALL_IMAGE_H

#include <linux/types.h>

#define PAGE_CELLS 256U
#define PAGE_SHIFT 8U

struct image_page {
	__u32 cell[PAGE_CELLS];
};

#define IMAGE_MAGIC 0x526f6c57U /* "RolW" */
#define IMAGE_ROOT4 PAGE_CELLS /* address of 65,536 trie cells, by two bytes in memory order */
#define IMAGE_RECORDS (IMAGE_ROOT4 + 65536U) /* address of the first record */

#define IMAGE_PAGES_MIN 1024U /* of a slot: header, IPv4 root and the first records fit */

#define IMAGE_LAYOUT 2U /* raise it when a cell changes its meaning */

/* The header: indexes of the first cells of page 0. */
enum image_header {
	/* In the place of RECORD_POOL: page 0 is the record of an address that nobody looked up. */
	HEADER_UNREAD,
	HEADER_MAGIC,
	HEADER_LAYOUT,
	HEADER_PAGES, /* pages in use, header, description and sources included */
	HEADER_GENERATION,
	HEADER_OPTIONS, /* enum image_option bits */
	HEADER_ROOT6, /* a trie cell */
	HEADER_N_RECORDS,
	HEADER_TIMEOUT_TCP_OPENING, /* seconds, flow.h */
	HEADER_TIMEOUT_TCP,
	HEADER_TIMEOUT_TCP_CLOSING,
	HEADER_TIMEOUT_UDP,
	HEADER_TIMEOUT_ECHO,
	HEADER_TIMEOUT_FRAGMENT,
	HEADER_DESCRIPTION, /* address of the description: zlib-packed JSON, for people and commands */
	HEADER_DESCRIPTION_BYTES,
	HEADER_CHECKSUM, /* CRC-32 of all pages in use with this cell, generation, time and slot as 0 */
	HEADER_TIME, /* when it got its generation: seconds since 1970, low cell first; 0 = never */
	HEADER_TIME_HIGH,
	HEADER_SOURCES, /* address of site and matrix, packed by zlib: what it was made of */
	HEADER_SOURCES_BYTES, /* 0: it does not say */
	HEADER_SLOT, /* where it lies, in the kernel */
	HEADER_CELLS,
};

enum image_option {
	OPTION_AUDIT = 1, /* count what would drop, pass it */
	OPTION_UNLISTED_DROP = 2, /* neither address guarded: drop */
	OPTION_ECHO_ALLOW = 4, /* echo requests to guarded hosts pass */
	OPTION_ASYMMETRIC = 8, /* one direction is not seen: what looks like a reply passes */
	OPTION_OUTBOUND_MATRIX =
		16, /* what guarded hosts send is judged by their outbound tables */
	OPTION_FORWARD = 32, /* what passes at XDP is forwarded there (forward.h) */
};

/*
 * A cell of a table has its kind in the two highest bits:
 * in an address trie a value is a record's address with CELL_GUARDED and a pointer leads to the next table (IPv4) or node
 * (IPv6); in a port page a value is a row's counter id (0 = shut), a pointer leads to the page by
 * low byte, and BY_SOURCE to a table with one such value for each source record.
 */
#define CELL_KIND 0xc0000000U
#define CELL_VALUE 0x00000000U
#define CELL_POINTER 0x40000000U
#define CELL_BY_SOURCE 0x80000000U
#define CELL_FAULT 0xc0000000U /* no cell has it; an image that cannot be read */
#define CELL_PAYLOAD 0x3fffffffU
#define CELL_GUARDED 0x20000000U /* in an address trie's value: the record is a guarded one's */
#define CELL_ADDRESS 0x1fffffffU /* a trie's value without it */

/*
 * A value of a port table: a row's counter id in the low half, a reason (enum reason) above it.
 * 0 is shut, an id alone a row (reason `matrix`), a reason alone that verdict. Tables by source
 * say 0 for "open, but not to this source", and shut as a reason.
 */
#define CELL_ROW 0xffffU
#define CELL_REASON(cell) ((cell) >> 16)
#define REASON_CELL(reason) ((__u32)(reason) << 16)

/*
 * IPv6 node, 16 cells on a multiple of 16. The table is indexed by byte DEPTH of the address; an
 * address that differs from WORDS under MASKS has the record at DEFAULT.
 */
enum image_node {
	NODE_DEPTH, /* 0..15 */
	NODE_TABLE, /* address of 256 trie cells */
	NODE_DEFAULT, /* a trie cell with a value */
	NODE_WORDS = 4, /* four words, network byte order */
	NODE_MASKS = 8, /* four words, network byte order */
	NODE_CELLS = 16,
};

/*
 * Record: what all addresses of one kind have in common, four pages. The port tables by high byte
 * lie in it, so that a lookup goes from the trie straight to a port's cell.
 */
enum image_record {
	/* Counter id of the pool in bits 0-15, 0 = none; id of its role set (detail.h) in 16-31. */
	RECORD_POOL,
	/* Outbound: a value, or a pointer to a table by high byte; tables by source there go by destination. */
	RECORD_OUT_TCP,
	RECORD_OUT_UDP,
	RECORD_IPSEC_IN, /* ESP and AH from elsewhere: a value, or a table by source */
	RECORD_IPSEC_OUT, /* the same to hosts that are not guarded, by destination */
	RECORD_TCP = PAGE_CELLS, /* 256 cells by the port's high byte */
	RECORD_UDP = 2 * PAGE_CELLS,
	RECORD_CELLS = 4 * PAGE_CELLS, /* a power of two */
};

#define POOL_CELL(pool, roles) ((pool) | (roles) << 16)
#define POOL_OF(cell) ((cell)&0xffffU)
#define ROLES_OF(cell) ((cell) >> 16)

#define RECORD_UNLISTED IMAGE_RECORDS /* the record of every address the site does not name */

/* Limits of this layout, checked before anything is touched. */
#define RECORDS_MAX 16384U
#define ROW_IDS_MAX 1024U
#define POOL_IDS_MAX 4096U

/* Which side of the gateway an interface is on. */
enum side {
	SIDE_ANY = 0,
	SIDE_OUTSIDE = 1,
	SIDE_INSIDE = 2,
};

_Static_assert(sizeof(struct image_page) == 1024, "a page is 1 KiB");
_Static_assert(HEADER_UNREAD == (enum image_header)RECORD_POOL, "page 0 reads as a record");
_Static_assert(HEADER_CELLS <= PAGE_CELLS, "the header fits its page");

#endif
