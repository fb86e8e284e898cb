/* SPDX-License-Identifier: MIT */
/* Images in and out of the slots, which lie side by side in one map. */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <sys/mman.h>

#include "cleanup.h"
#include "compile.h"
#include "kern_internal.h"

/* Past this a slot more costs too much memory: two are enough for an apply. */
#define ALL_SLOTS_PAGES (1U << 16)

__u32 kernel_slots(__u32 pages)
{
	return pages > ALL_SLOTS_PAGES ? 2 : IMAGE_SLOTS;
}

/* The first BYTES of a slot, mapped. NULL with errno. */
static void *map_slot(const struct kernel *kernel, __u32 slot, size_t bytes, int protection)
{
	off_t offset = (off_t)slot * kernel->pages * (off_t)sizeof(struct image_page);
	void *cells = mmap(NULL, bytes, protection, MAP_SHARED, kernel->map[MAP_images], offset);

	return cells == MAP_FAILED ? NULL : cells;
}

int kernel_wait(const struct kernel *kernel)
{
	LIBBPF_OPTS(bpf_map_create_opts, options);
	_cleanup_close_ int inner = bpf_map_create(BPF_MAP_TYPE_ARRAY, "grace", sizeof(__u32),
						   sizeof(__u32), 1, &options);
	__u32 key = 0;

	if (inner < 0 || bpf_map_update_elem(kernel->map[MAP_grace], &key, &inner, BPF_ANY))
		return -errno;
	return 0;
}

int kernel_put_image(const struct kernel *kernel, __u32 slot, const struct pages *image)
{
	size_t bytes = image->count * sizeof(*image->page);
	int err = kernel_wait(kernel);
	struct image_page *cells;

	if (!err) {
		cells = map_slot(kernel, slot, bytes, PROT_READ | PROT_WRITE);
		if (cells) {
			memcpy(cells, image->page, bytes);
			cells->cell[HEADER_SLOT] = slot;
			munmap(cells, bytes);
		} else {
			err = -errno;
		}
	}
	if (err)
		fprintf(stderr, "rolewall: cannot write image slot %u: %s\n", slot, strerror(-err));
	return err;
}

int kernel_get_header(const struct kernel *kernel, __u32 slot, struct image_page *header)
{
	const struct image_page *cells = map_slot(kernel, slot, sizeof(*cells), PROT_READ);

	if (!cells)
		return -errno;
	*header = *cells;
	munmap((void *)cells, sizeof(*cells));
	return header->cell[HEADER_PAGES] ? 0 : -ENOENT;
}

int kernel_get_image(const struct kernel *kernel, __u32 slot, struct pages *image)
{
	_cleanup_(pages_free) struct pages pages = {0};
	const struct image_page *cells = map_slot(kernel, slot, sizeof(*cells), PROT_READ);
	size_t count;
	int err;

	if (!cells)
		return -errno;
	count = cells->cell[HEADER_PAGES];
	munmap((void *)cells, sizeof(*cells));
	if (!count)
		return -ENOENT;
	if (count > kernel->pages)
		return -EBADMSG;
	pages_add(&pages, count, &err);
	if (err)
		return err;
	cells = map_slot(kernel, slot, count * sizeof(*cells), PROT_READ);
	if (!cells)
		return -errno;
	memcpy(pages.page, cells, count * sizeof(*cells));
	munmap((void *)cells, count * sizeof(*cells));
	if (image_checksum(pages.page, count) != pages.page[0].cell[HEADER_CHECKSUM])
		return -EBADMSG;
	*image = pages;
	pages = (struct pages){0};
	return 0;
}
