/* SPDX-License-Identifier: MIT */
/* The pin directory: finding it, locking it, opening what is in it. */
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "cleanup.h"
#include "kern_internal.h"
#include "kern_shadow.h"

const char *const pinned_map_names[N_PINNED_MAPS] = {
#define X(name) #name,
	PINNED_MAPS(X)
#undef X
};

int pin_path(const struct kernel *kernel, const char *name, char path[PATH_MAX])
{
	int length = snprintf(path, PATH_MAX, "%s/%s", kernel->pin_dir, name);

	return length < PATH_MAX ? 0 : -ENAMETOOLONG;
}

int open_pin(const struct kernel *kernel, const char *name)
{
	char path[PATH_MAX];
	int err = pin_path(kernel, name, path);
	int fd;

	if (err)
		return err;
	fd = bpf_obj_get(path);
	return fd < 0 ? -errno : fd;
}

/* First beside what is pinned there, then by rename: the name always leads somewhere. */
int pin_over(const struct kernel *kernel, int fd, const char *name)
{
	char path[PATH_MAX], fresh[PATH_MAX];
	int err = pin_path(kernel, name, path);

	if (err)
		return err;
	if (snprintf(fresh, sizeof(fresh), "%s_new", path) >= (int)sizeof(fresh))
		return -ENAMETOOLONG;
	unlink(fresh);
	if (bpf_obj_pin(fd, fresh))
		return -errno;
	if (!rename(fresh, path))
		return 0;
	err = -errno;
	unlink(fresh);
	return err;
}

/* The nearest folder above DIR that exists is on bpffs? Mounts /sys/fs/bpf where it is empty. */
static int ensure_bpffs(const char *pin_dir)
{
	_cleanup_free_ char *parent = strdup(pin_dir);
	struct statfs fs;
	char *slash;

	if (!parent)
		return -ENOMEM;
	while (statfs(parent, &fs)) {
		slash = strrchr(parent, '/');
		if (errno != ENOENT || !slash || slash == parent)
			return -errno;
		*slash = '\0';
	}
	if (fs.f_type == BPF_FS_MAGIC)
		return 0;
	if (strcmp(parent, "/sys/fs/bpf") != 0) {
		fprintf(stderr, "rolewall: %s is not on a BPF filesystem\n", pin_dir);
		return -ENOTSUP;
	}
	if (mount("bpf", parent, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700")) {
		fprintf(stderr, "rolewall: cannot mount bpffs on %s: %m\n", parent);
		return -errno;
	}
	return 0;
}

static int make_dir(const char *path)
{
	if (!mkdir(path, 0700) || errno == EEXIST)
		return 0;
	fprintf(stderr, "rolewall: cannot make %s: %m\n", path);
	return -errno;
}

/* Refuses a directory that others could have filled: pins are the policy. */
static int check_owner(int dir, const char *path)
{
	struct stat status;

	if (fstat(dir, &status))
		return -errno;
	if (status.st_uid == geteuid() && !(status.st_mode & 077))
		return 0;
	fprintf(stderr, "rolewall: %s must belong to the caller with mode 0700\n", path);
	return -EPERM;
}

/* True if PATH still names the directory that FD has open: it may have been removed meanwhile. */
static bool same_dir(const char *path, int fd)
{
	struct stat by_path, by_fd;

	return !stat(path, &by_path) && !fstat(fd, &by_fd) && by_path.st_ino == by_fd.st_ino &&
	       by_path.st_dev == by_fd.st_dev;
}

int kernel_lock(const char *pin_dir, struct kernel *kernel)
{
	int err;

	*kernel = (struct kernel)KERNEL_CLOSED;
	kernel->pin_dir = strdup(pin_dir);
	if (!kernel->pin_dir)
		return -ENOMEM;
	err = ensure_bpffs(pin_dir);
	do {
		if (kernel->dir >= 0)
			close(kernel->dir);
		kernel->dir = -1;
		if (err || (err = make_dir(pin_dir)))
			return err;
		kernel->dir = open(pin_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		if (kernel->dir < 0)
			return -errno;
		if (flock(kernel->dir, LOCK_EX | LOCK_NB)) {
			fprintf(stderr, "rolewall: another rolewall is changing %s; try again\n",
				pin_dir);
			return -EBUSY;
		}
	} while (!same_dir(pin_dir, kernel->dir));
	return check_owner(kernel->dir, pin_dir);
}

int kernel_try_lock(const char *pin_dir, struct kernel *kernel)
{
	*kernel = (struct kernel)KERNEL_CLOSED;
	kernel->pin_dir = strdup(pin_dir);
	if (!kernel->pin_dir)
		return -ENOMEM;
	kernel->dir = open(pin_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (kernel->dir < 0 || flock(kernel->dir, LOCK_EX | LOCK_NB))
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	return same_dir(pin_dir, kernel->dir) ? check_owner(kernel->dir, pin_dir) : -ENOENT;
}

static int open_maps(struct kernel *kernel)
{
	for (int i = 0; i < N_PINNED_MAPS; i++) {
		kernel->map[i] = open_pin(kernel, pinned_map_names[i]);
		if (kernel->map[i] < 0)
			return kernel->map[i];
	}
	return 0;
}

static int check_abi(const struct kernel *kernel)
{
	if (kernel->control->abi == ROLEWALL_ABI)
		return 0;
	fprintf(stderr,
		"rolewall: %s was loaded by a version with ABI %u; this one has ABI %u: detach with that version first\n",
		kernel->pin_dir, kernel->control->abi, ROLEWALL_ABI);
	return -EPROTO;
}

int map_control(struct kernel *kernel)
{
	void *cells = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED,
			   kernel->map[MAP_control], 0);

	if (cells == MAP_FAILED)
		return -errno;
	kernel->control = cells;
	kernel->pages = kernel->control->image_pages;
	return 0;
}

int kernel_open(const char *pin_dir, struct kernel *kernel)
{
	int err;

	if (!kernel->pin_dir) {
		*kernel = (struct kernel)KERNEL_CLOSED;
		kernel->pin_dir = strdup(pin_dir);
		if (!kernel->pin_dir)
			return -ENOMEM;
	}
	kernel->xdp = open_pin(kernel, PIN_XDP);
	if (kernel->xdp == -ENOENT)
		return -ENOENT;
	kernel->tc = open_pin(kernel, PIN_TC);
	err = kernel->xdp < 0 ? kernel->xdp : kernel->tc < 0 ? kernel->tc : open_maps(kernel);
	if (!err)
		err = map_control(kernel);
	if (err) {
		errno = -err;
		fprintf(stderr, "rolewall: cannot open the pins in %s: %m\n", pin_dir);
		return err == -ENOENT ? -EIO : err;
	}
	err = check_abi(kernel);
	if (!err)
		kernel_open_shadow(kernel);
	return err;
}

void kernel_close(struct kernel *kernel)
{
	if (kernel->control)
		munmap(kernel->control, sizeof(struct control));
	for (int i = 0; i < N_PINNED_MAPS; i++)
		close_fd(&kernel->map[i]);
	close_fd(&kernel->xdp);
	close_fd(&kernel->tc);
	close_fd(&kernel->clock);
	close_fd(&kernel->shadow_xdp);
	close_fd(&kernel->shadow_tc);
	close_fd(&kernel->dir);
	free(kernel->pin_dir);
	*kernel = (struct kernel)KERNEL_CLOSED;
}
