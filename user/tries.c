/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "tries.h"

/* Atoms FIRST..LAST-1 of one family: a branch of a trie. */
struct branch {
	const struct atom *first, *last;
};

static struct branch family_branch(const struct records *records, enum family family)
{
	const struct atom *end = records->atoms + records->n_atoms;
	struct branch branch = {.first = records->atoms};

	while (branch.first < end && branch.first->prefix.family != family)
		branch.first++;
	branch.last = branch.first;
	while (branch.last < end && branch.last->prefix.family == family)
		branch.last++;
	return branch;
}

/* BITS bits of an address from bit OFFSET, both multiples of 8, BITS at most 16. */
static __u32 address_bits(const struct prefix *prefix, unsigned int offset, unsigned int bits)
{
	const __u8 *byte = &prefix->address.byte[offset / 8];

	return bits == 16 ? (__u32)byte[0] << 8 | byte[1] : byte[0];
}

/* The atoms at the start of BRANCH that share cell INDEX of the table at OFFSET and reach below it. */
static struct branch take_child(struct branch *branch, unsigned int offset, unsigned int bits)
{
	struct branch child = {.first = branch->first};
	__u32 index = address_bits(&child.first->prefix, offset, bits);

	while (branch->first < branch->last && branch->first->prefix.length > offset + bits &&
	       address_bits(&branch->first->prefix, offset, bits) == index)
		branch->first++;
	child.last = branch->first;
	return child;
}

/* The trie cell of addresses of which the atom is the longest match. */
static __u32 atom_cell(const struct atom *atom)
{
	return (IMAGE_RECORDS + atom->record * RECORD_CELLS) | (atom->guarded ? CELL_GUARDED : 0);
}

/* Puts the atom's record into every cell of a table that it covers; its end lies in this table. */
static void fill_cells(__u32 *cells, const struct atom *atom, unsigned int offset,
		       unsigned int bits)
{
	unsigned int free_bits = offset + bits - atom->prefix.length;
	__u32 index = address_bits(&atom->prefix, offset, bits), i;

	for (i = 0; i < 1U << free_bits; i++)
		cells[index + i] = atom_cell(atom);
}

static int write_table4(struct branch branch, struct pages *pages, unsigned int offset,
			unsigned int bits, __u32 *cells);

/* One page below a cell; identical ones are shared. */
static int write_page4(struct branch branch, struct pages *pages, unsigned int offset, __u32 *entry)
{
	struct image_page page;
	__u32 address;
	int err;

	for (unsigned int i = 0; i < PAGE_CELLS; i++)
		page.cell[i] = *entry;
	err = write_table4(branch, pages, offset, 8, page.cell);
	if (err)
		return err;
	address = pages_intern(pages, &page, &err);
	if (!err)
		*entry = CELL_POINTER | address;
	return err;
}

/*
 * Sorted order has a prefix before all that lie inside it, so a cell holds what covers it by the
 * time a branch below it is written.
 */
static int write_table4(struct branch branch, struct pages *pages, unsigned int offset,
			unsigned int bits, __u32 *cells)
{
	while (branch.first < branch.last) {
		struct branch child;
		__u32 index;
		int err;

		if (branch.first->prefix.length <= offset + bits) {
			fill_cells(cells, branch.first++, offset, bits);
			continue;
		}
		child = take_child(&branch, offset, bits);
		index = address_bits(&child.first->prefix, offset, bits);
		err = write_page4(child, pages, offset + bits, &cells[index]);
		if (err)
			return err;
	}
	return 0;
}

/* The root's index of an address whose first two bytes are those of VALUE, high byte first. */
static __u16 memory_order(__u16 value)
{
	const __u8 bytes[2] = {(__u8)(value >> 8), (__u8)value};
	__u16 index;

	memcpy(&index, bytes, sizeof(index));
	return index;
}

int trie4_write(const struct records *records, struct pages *pages)
{
	_cleanup_free_ __u32 *cells = calloc(65536, sizeof(*cells));
	int err;

	if (!cells)
		return -ENOMEM;
	for (__u32 i = 0; i < 65536; i++)
		cells[i] = RECORD_UNLISTED;
	err = write_table4(family_branch(records, FAMILY_IPV4), pages, 0, 16, cells);
	for (__u32 i = 0; i < 65536 && !err; i++)
		*pages_cell(pages, IMAGE_ROOT4 + memory_order((__u16)i)) = cells[i];
	return err;
}

/* Whole bytes that all prefixes of the branch share, at most 15 and short of every prefix's end. */
static unsigned int shared_bytes(struct branch branch)
{
	const struct atom *atom;
	unsigned int shared = 15, i;

	for (atom = branch.first; atom < branch.last; atom++) {
		if ((atom->prefix.length - 1U) / 8 < shared)
			shared = (atom->prefix.length - 1U) / 8;
		for (i = 0; i < shared; i++)
			if (atom->prefix.address.byte[i] != branch.first->prefix.address.byte[i])
				shared = i;
	}
	return shared;
}

/* The page that nodes are packed into, sixteen to a page. */
struct node_page {
	__u32 address; /* 0: none yet */
	unsigned int used; /* cells */
};

/* Writes a node's cells; its table is complete. */
static int write_node(struct pages *pages, struct node_page *nodes, const __u32 cells[NODE_CELLS],
		      __u32 *entry)
{
	int err = 0;

	if (!nodes->address || nodes->used == PAGE_CELLS) {
		nodes->address = pages_add(pages, 1, &err);
		nodes->used = 0;
	}
	if (err)
		return err;
	memcpy(pages_cell(pages, nodes->address + nodes->used), cells, NODE_CELLS * sizeof(*cells));
	*entry = CELL_POINTER | (nodes->address + nodes->used);
	nodes->used += NODE_CELLS;
	return 0;
}

/*
 * The node over a branch that is not empty: skips what all its prefixes share, then a table by one
 * byte. *entry holds the record of addresses that none of them covers, and gets the node.
 */
static int write_branch6(struct branch branch, struct pages *pages, struct node_page *nodes,
			 __u32 *entry)
{
	unsigned int depth = shared_bytes(branch);
	const struct atom *any = branch.first;
	__u32 node[NODE_CELLS] = {[NODE_DEPTH] = depth, [NODE_DEFAULT] = *entry};
	struct image_page table;
	int err = 0;

	for (unsigned int i = 0; i < PAGE_CELLS; i++)
		table.cell[i] = *entry;
	while (branch.first < branch.last && !err) {
		struct branch child;

		if (branch.first->prefix.length <= depth * 8 + 8) {
			fill_cells(table.cell, branch.first++, depth * 8, 8);
			continue;
		}
		child = take_child(&branch, depth * 8, 8);
		err = write_branch6(child, pages, nodes,
				    &table.cell[child.first->prefix.address.byte[depth]]);
	}
	if (err)
		return err;
	node[NODE_TABLE] = pages_intern(pages, &table, &err);
	if (err)
		return err;
	memcpy(&node[NODE_WORDS], any->prefix.address.byte, depth);
	memset(&node[NODE_MASKS], 0xff, depth);
	return write_node(pages, nodes, node, entry);
}

int trie6_write(const struct records *records, struct pages *pages, __u32 *root)
{
	struct branch branch = family_branch(records, FAMILY_IPV6);
	struct node_page nodes = {0};

	*root = RECORD_UNLISTED;
	if (branch.first < branch.last && !branch.first->prefix.length)
		*root = atom_cell(branch.first++);
	if (branch.first == branch.last)
		return 0;
	return write_branch6(branch, pages, &nodes, root);
}
