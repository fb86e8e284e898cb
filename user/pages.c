/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pages.h"

static int pages_reserve(struct pages *pages, size_t more)
{
	size_t room = pages->room ? pages->room : 512;
	struct image_page *page;

	if (pages->count + more > IMAGE_PAGES_MAX)
		return -ENOSPC;
	while (room < pages->count + more)
		room *= 2;
	if (room == pages->room)
		return 0;
	page = reallocarray(pages->page, room, sizeof(*page));
	if (!page)
		return -ENOMEM;
	pages->page = page;
	pages->room = room;
	return 0;
}

__u32 pages_add(struct pages *pages, size_t count, int *error)
{
	__u32 address = (__u32)pages->count << PAGE_SHIFT;

	*error = pages_reserve(pages, count);
	if (*error)
		return 0;
	memset(&pages->page[pages->count], 0, count * sizeof(struct image_page));
	pages->count += count;
	return address;
}

static size_t page_hash(const struct image_page *page)
{
	__u64 hash = 0, word;

	for (size_t i = 0; i < sizeof(*page); i += sizeof(word)) {
		memcpy(&word, (const char *)page + i, sizeof(word));
		hash = (hash ^ word) * 0x9e3779b97f4a7c15ULL;
		hash ^= hash >> 29;
	}
	return (size_t)hash;
}

static size_t page_slot(const struct pages *pages, const struct image_page *page)
{
	size_t slot = page_hash(page) & (pages->index_size - 1);

	while (pages->index[slot] &&
	       memcmp(&pages->page[pages->index[slot] - 1], page, sizeof(*page)) != 0)
		slot = (slot + 1) & (pages->index_size - 1);
	return slot;
}

/* Keeps the index at most half full. */
static int index_reserve(struct pages *pages)
{
	size_t old_size = pages->index_size;
	__u32 *old = pages->index;

	if (pages->count * 2 < old_size)
		return 0;
	pages->index_size = old_size ? old_size * 2 : 2048;
	while (pages->index_size <= pages->count * 2)
		pages->index_size *= 2;
	pages->index = calloc(pages->index_size, sizeof(*pages->index));
	if (!pages->index) {
		pages->index = old;
		pages->index_size = old_size;
		return -ENOMEM;
	}
	for (size_t i = 0; i < old_size; i++)
		if (old[i])
			pages->index[page_slot(pages, &pages->page[old[i] - 1])] = old[i];
	free(old);
	return 0;
}

__u32 pages_intern(struct pages *pages, const struct image_page *page, int *error)
{
	__u32 address;
	size_t slot;

	*error = index_reserve(pages);
	if (*error)
		return 0;
	slot = page_slot(pages, page);
	if (pages->index[slot])
		return (pages->index[slot] - 1) << PAGE_SHIFT;
	address = pages_add(pages, 1, error);
	if (*error)
		return 0;
	pages->page[address >> PAGE_SHIFT] = *page;
	pages->index[slot] = (address >> PAGE_SHIFT) + 1;
	return address;
}

__u32 *pages_cell(struct pages *pages, __u32 address)
{
	return &pages->page[address >> PAGE_SHIFT].cell[address & (PAGE_CELLS - 1)];
}

void pages_free(struct pages *pages)
{
	free(pages->page);
	free(pages->index);
	*pages = (struct pages){0};
}
