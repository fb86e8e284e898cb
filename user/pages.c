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

#define LANES 4

/* Lanes that do not wait for each other; a page is a whole number of words for each. */
static __u32 page_hash(const struct image_page *page)
{
	__u64 lane[LANES] = {1, 2, 3, 4}, hash = 0, word;

	for (size_t i = 0; i < sizeof(*page); i += LANES * sizeof(word))
		for (size_t k = 0; k < LANES; k++) {
			memcpy(&word, (const char *)page + i + k * sizeof(word), sizeof(word));
			lane[k] = (lane[k] ^ word) * 0x9e3779b97f4a7c15ULL;
			lane[k] ^= lane[k] >> 29;
		}
	for (size_t k = 0; k < LANES; k++)
		hash = (hash ^ lane[k]) * 0x9e3779b97f4a7c15ULL;
	return (__u32)(hash >> 32);
}

/* The index's place of a page with these cells, or the free one where it would be. */
static struct page_place *find_place(const struct pages *pages, const struct image_page *page,
				     __u32 hash)
{
	size_t slot = hash & (pages->index_size - 1);
	struct page_place *place;

	for (;; slot = (slot + 1) & (pages->index_size - 1)) {
		place = &pages->index[slot];
		if (!place->number)
			return place;
		if (place->hash == hash &&
		    !memcmp(&pages->page[place->number - 1], page, sizeof(*page)))
			return place;
	}
}

/* Keeps the index at most half full. */
static int index_reserve(struct pages *pages)
{
	size_t size = pages->index_size ? pages->index_size * 2 : 2048;
	struct page_place *wider;

	if (pages->interned * 2 < pages->index_size)
		return 0;
	wider = calloc(size, sizeof(*wider));
	if (!wider)
		return -ENOMEM;
	for (size_t i = 0; i < pages->index_size; i++) {
		size_t slot = pages->index[i].hash & (size - 1);

		if (!pages->index[i].number)
			continue;
		while (wider[slot].number)
			slot = (slot + 1) & (size - 1);
		wider[slot] = pages->index[i];
	}
	free(pages->index);
	pages->index = wider;
	pages->index_size = size;
	return 0;
}

__u32 pages_intern(struct pages *pages, const struct image_page *page, int *error)
{
	__u32 hash = page_hash(page);
	struct page_place *place;

	*error = index_reserve(pages);
	if (*error)
		return 0;
	place = find_place(pages, page, hash);
	if (place->number)
		return (place->number - 1) << PAGE_SHIFT;
	*error = pages_reserve(pages, 1);
	if (*error)
		return 0;
	pages->page[pages->count++] = *page;
	pages->interned++;
	*place = (struct page_place){(__u32)pages->count, hash};
	return (__u32)(pages->count - 1) << PAGE_SHIFT;
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
