/* SPDX-License-Identifier: MIT */
/* Images in and out of the slots. */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <sys/mman.h>

#include "cleanup.h"
#include "compile.h"
#include "kern_internal.h"

static int fill_slot(int fd, const struct pages *image)
{
	size_t bytes = image->count * sizeof(*image->page);
	void *slot = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (slot == MAP_FAILED)
		return -errno;
	memcpy(slot, image->page, bytes);
	munmap(slot, bytes);
	/* From here on no program outside the kernel can change it, this one included. */
	return bpf_map_freeze(fd) ? -errno : 0;
}

/* Slots are pinned as well, so that reading one back takes no CAP_SYS_ADMIN. */
static void slot_name(__u32 slot, char name[16])
{
	snprintf(name, 16, "image%u", slot);
}

int slot_pin_path(const struct kernel *kernel, __u32 slot, char path[PATH_MAX])
{
	char name[16];

	slot_name(slot, name);
	return pin_path(kernel, name, path);
}

int make_slot(__u32 pages)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "image", sizeof(__u32),
				pages * (__u32)sizeof(struct image_page), 1, &options);

	return fd < 0 ? -errno : fd;
}

int kernel_put_image(const struct kernel *kernel, __u32 slot, const struct pages *image)
{
	__u32 room = kernel->pages;
	_cleanup_close_ int fd = -1;
	char name[16];
	int err;

	slot_name(slot, name);
	fd = make_slot(room);
	if (fd < 0) {
		err = fd;
		fprintf(stderr, "rolewall: no memory for an image of %u KiB: %s\n", room,
			strerror(-err));
		return err;
	}
	err = fill_slot(fd, image);
	if (!err)
		err = pin_over(kernel, fd, name);
	/* Waits until every program that began before has ended. */
	if (!err && bpf_map_update_elem(kernel->map[MAP_images], &slot, &fd, BPF_ANY))
		err = -errno;
	if (err)
		fprintf(stderr, "rolewall: cannot write image slot %u: %s\n", slot, strerror(-err));
	return err;
}

int kernel_share_image(const struct kernel *kernel, __u32 from, __u32 to)
{
	_cleanup_close_ int fd = -1;
	char name[16];

	slot_name(from, name);
	fd = open_pin(kernel, name);
	if (fd < 0)
		return fd;
	return bpf_map_update_elem(kernel->map[MAP_images], &to, &fd, BPF_ANY) ? -errno : 0;
}

/* Maps BYTES of a slot for reading. NULL with errno. */
static const struct image_page *map_slot(int fd, size_t bytes)
{
	void *cells = mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0);

	return cells == MAP_FAILED ? NULL : cells;
}

static int copy_slot(int fd, size_t count, struct pages *pages)
{
	const struct image_page *cells;
	int err;

	pages_add(pages, count, &err);
	if (err)
		return err;
	cells = map_slot(fd, count * sizeof(*cells));
	if (!cells)
		return -errno;
	memcpy(pages->page, cells, count * sizeof(*cells));
	munmap((void *)cells, count * sizeof(*cells));
	return image_checksum(pages->page, count) == pages->page[0].cell[HEADER_CHECKSUM]
		       ? 0
		       : -EBADMSG;
}

int kernel_get_image(const struct kernel *kernel, __u32 slot, struct pages *image)
{
	_cleanup_(pages_free) struct pages pages = {0};
	_cleanup_close_ int fd = -1;
	const struct image_page *first;
	char name[16];
	size_t count;
	int err;

	slot_name(slot, name);
	fd = open_pin(kernel, name);
	if (fd < 0)
		return fd;
	first = map_slot(fd, sizeof(*first));
	if (!first)
		return -errno;
	count = first->cell[HEADER_PAGES];
	munmap((void *)first, sizeof(*first));
	if (!count || count > kernel->pages)
		return -EBADMSG;
	err = copy_slot(fd, count, &pages);
	if (err)
		return err;
	*image = pages;
	pages = (struct pages){0};
	return 0;
}
