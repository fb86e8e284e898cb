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

#define SLOT_FLAGS (BPF_F_MMAPABLE | BPF_F_RDONLY_PROG)

/* A map that programs may only read cannot be written through mmap(); a batch is as good. */
static int fill_slot(int fd, const struct pages *image)
{
	_cleanup_free_ __u32 *keys = calloc(image->count, sizeof(*keys));
	__u32 count = (__u32)image->count;

	if (!keys)
		return -ENOMEM;
	for (__u32 i = 0; i < count; i++)
		keys[i] = i;
	if (bpf_map_update_batch(fd, keys, image->page, &count, NULL))
		return -errno;
	/* From here on nobody can change it, this program included. */
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
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = SLOT_FLAGS);
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "image", sizeof(__u32),
				sizeof(struct image_page), pages, &options);

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

int kernel_get_image(const struct kernel *kernel, __u32 slot, struct pages *image)
{
	_cleanup_(pages_free) struct pages pages = {0};
	_cleanup_close_ int fd = -1;
	struct image_page first;
	char name[16];
	__u32 key = 0;
	size_t bytes;
	void *cells;
	int err;

	slot_name(slot, name);
	fd = open_pin(kernel, name);
	if (fd < 0)
		return fd;
	if (bpf_map_lookup_elem(fd, &key, &first))
		return -errno;
	pages_add(&pages, first.cell[HEADER_PAGES], &err);
	if (err)
		return err;
	bytes = pages.count * sizeof(*pages.page);
	cells = mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0);
	if (cells == MAP_FAILED)
		return -errno;
	memcpy(pages.page, cells, bytes);
	munmap(cells, bytes);
	if (image_checksum(pages.page, pages.count) != first.cell[HEADER_CHECKSUM])
		return -EBADMSG;
	*image = pages;
	pages = (struct pages){0};
	return 0;
}
