/* SPDX-License-Identifier: MIT */
/* The pages of an image while compile.c writes it; identical pages are kept once. */
#ifndef ROLEWALL_PAGES_H
#define ROLEWALL_PAGES_H

#include <stddef.h>

#include "image.h"

/* 256 MiB of image: the verifier bounds an offset into a map value by 512 MiB. */
#define IMAGE_PAGES_MAX (1U << 18)

/* A place of the hash table of pages; its hash tells most pages apart without a look at them. */
struct page_place {
	__u32 number; /* of a page + 1; 0 = free */
	__u32 hash;
};

struct pages {
	struct image_page *page;
	size_t count, room;
	struct page_place *index;
	size_t index_size; /* power of two */
	size_t interned; /* pages in the index */
};

/*
 * COUNT fresh pages of zeroes, one behind the other. Returns the first one's cell address, or 0
 * where the image is full (-ENOSPC) or memory is (-ENOMEM); *error says which. Page 0 is the
 * header's, so no other page has address 0.
 */
__u32 pages_add(struct pages *pages, size_t count, int *error);
/* The address of a page with these cells, a new one only if there is none yet. As pages_add(). */
__u32 pages_intern(struct pages *pages, const struct image_page *page, int *error);
/* The cell at an address of an image. */
__u32 *pages_cell(struct pages *pages, __u32 address);
void pages_free(struct pages *pages);

#endif
