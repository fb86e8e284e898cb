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
#include "lock_owner.h"
#include "steady.h"

#define BPFFS "/sys/fs/bpf"

const char *const pinned_map_names[N_PINNED_MAPS] = {
#define X(name) #name,
	PINNED_MAPS(X)
#undef X
};

const struct pinned_program pinned_programs[N_PINNED_PROGRAMS] = {
	{"xdp", "rolewall_xdp", offsetof(struct kernel, xdp)},
	{"tc", "rolewall_tc", offsetof(struct kernel, tc)},
	{"xdp_trial", "rolewall_xdp_trial", offsetof(struct kernel, xdp_trial)},
	{"tc_trial", "rolewall_tc_trial", offsetof(struct kernel, tc_trial)},
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

#define NSENTER "`ip netns exec` hides it, `nsenter --net=/run/netns/NAME` does not"

static int complain(const char *pin_dir, int err)
{
	fprintf(stderr, "rolewall: cannot open the pins in %s: %s\n", pin_dir, strerror(-err));
	return err;
}

/* PATH becomes the nearest folder above it that exists. True: on bpffs; -errno. */
static int find_bpffs(char *path)
{
	struct statfs fs;
	char *slash;

	while (statfs(path, &fs)) {
		slash = strrchr(path, '/');
		if (errno != ENOENT || !slash || slash == path)
			return -errno;
		*slash = '\0';
	}
	return fs.f_type == BPF_FS_MAGIC;
}

/* Of process PID; 0 if that cannot be told. */
static ino_t mount_namespace(pid_t pid)
{
	char path[64];
	struct stat status;

	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", (int)pid);
	return stat(path, &status) ? 0 : status.st_ino;
}

static pid_t parent_of(pid_t pid)
{
	_cleanup_fclose_ FILE *file = NULL;
	char path[64];
	int parent = 0;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file = fopen(path, "re");
	return file && fscanf(file, "%*d (%*[^\n)]) %*c %d", &parent) == 1 ? parent : 0;
}

/* Whoever started us, or one before, sees other mounts, as far as can be told. */
static bool has_own_mounts(void)
{
	ino_t ours = mount_namespace(getpid());

	for (pid_t pid = getppid(); pid > 0; pid = parent_of(pid)) {
		ino_t theirs = mount_namespace(pid);

		if (ours && theirs && ours != theirs)
			return true;
	}
	return false;
}

void kernel_tell_hidden(const char *pin_dir)
{
	_cleanup_free_ char *parent = strdup(pin_dir);
	static bool said; /* the agent asks every second */

	if (said || !parent || find_bpffs(parent) || (!strcmp(parent, BPFFS) && !has_own_mounts()))
		return;
	said = true;
	fprintf(stderr, "rolewall: %s is not on a BPF filesystem here: " NSENTER "\n", pin_dir);
}

/* Mounts bpffs where it belongs if it is not there. */
static int ensure_bpffs(const char *pin_dir)
{
	_cleanup_free_ char *parent = strdup(pin_dir);
	int found = parent ? find_bpffs(parent) : -ENOMEM;

	if (found)
		return found < 0 ? complain(pin_dir, found) : 0;
	if (strcmp(parent, BPFFS) != 0) {
		fprintf(stderr, "rolewall: %s is not on a BPF filesystem\n", pin_dir);
		return -ENOTSUP;
	}
	if (has_own_mounts()) {
		fprintf(stderr,
			"rolewall: there is no BPF filesystem on %s here, and one of this mount namespace would go with it, pins and all: " NSENTER
			"\n",
			parent);
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

	steady_pipes(); /* whoever locks it means to change it */
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
			return complain(pin_dir, -errno);
		if (flock(kernel->dir, LOCK_EX | LOCK_NB)) {
			char owner[LOCK_OWNER_TEXT];

			fprintf(stderr, "rolewall: %s is being changed by %s; try again\n", pin_dir,
				lock_owner(kernel->dir, owner, sizeof(owner)));
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
		if (belongs_to_load(i) || i == MAP_control)
			continue;
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
		"rolewall: what is loaded at %s has ABI %u, this version has ABI %u: it cannot take over; detach it (\"rolewall detach\", counters and flows go), then apply\n",
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
	return 0;
}

static int open_in(int dir, const char *name)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dir, name);
	fd = bpf_obj_get(path);
	return fd < 0 ? -errno : fd;
}

static int read_load(struct kernel *kernel, int dir)
{
	_cleanup_close_ int fd = open_in(dir, PIN_LOAD);
	struct load load;
	__u32 key = 0;

	if (fd < 0)
		return fd;
	if (bpf_map_lookup_elem(fd, &key, &load))
		return -errno;
	kernel->pages = load.image_pages;
	memcpy(kernel->build, load.build, sizeof(kernel->build));
	return 0;
}

/* Everything of one load; what is being replaced meanwhile is gone (-ENOENT), not mixed. */
static int open_load(struct kernel *kernel, int dir)
{
	int err = read_load(kernel, dir);

	for (size_t i = 0; i < N_PINNED_PROGRAMS && !err; i++) {
		int *fd = program_fd(kernel, i);

		close_fd(fd);
		*fd = open_in(dir, pinned_programs[i].pin);
		err = *fd < 0 ? *fd : 0;
	}
	for (int i = 0; i < N_PINNED_MAPS && !err; i++) {
		if (!belongs_to_load(i))
			continue;
		close_fd(&kernel->map[i]);
		kernel->map[i] = open_in(dir, pinned_map_names[i]);
		err = kernel->map[i] < 0 ? kernel->map[i] : 0;
	}
	return err;
}

/* Returns -ENOENT if there is none, -EIO if it is not whole. */
static int open_programs(struct kernel *kernel)
{
	char path[PATH_MAX];
	int err = pin_path(kernel, PIN_PROGRAMS, path);

	for (int tries = 0; tries < 10 && !err; tries++) {
		_cleanup_close_ int dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (dir < 0)
			return -errno;
		err = open_load(kernel, dir);
		if (!err || err != -ENOENT)
			return err;
		err = same_dir(path, dir) ? -EIO : 0;
	}
	return err ? err : -EIO;
}

static int open_control(struct kernel *kernel)
{
	int err;

	kernel->map[MAP_control] = open_pin(kernel, pinned_map_names[MAP_control]);
	if (kernel->map[MAP_control] < 0)
		return kernel->map[MAP_control];
	err = map_control(kernel);
	return err ? err : check_abi(kernel);
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
	err = open_control(kernel);
	if (!err)
		err = open_programs(kernel);
	if (err == -ENOENT) {
		kernel_tell_hidden(pin_dir);
		kernel_forget(kernel);
		return err;
	}
	if (!err)
		err = open_maps(kernel);
	if (!err)
		kernel_open_shadow(kernel);
	if (err && err != -EPROTO)
		complain(pin_dir, err);
	return err == -ENOENT ? -EIO : err;
}

bool open_if_ours(struct kernel *kernel)
{
	if (kernel->control)
		return kernel->xdp >= 0;
	kernel->map[MAP_control] = open_pin(kernel, pinned_map_names[MAP_control]);
	return kernel->map[MAP_control] >= 0 && !map_control(kernel) &&
	       kernel->control->abi == ROLEWALL_ABI && !open_programs(kernel);
}

bool kernel_peek(const char *pin_dir, struct kernel *kernel)
{
	kernel->pin_dir = strdup(pin_dir);
	return kernel->pin_dir && open_if_ours(kernel) && !open_maps(kernel);
}

static void forget_fd(int *fd)
{
	close_fd(fd);
	*fd = -1;
}

void kernel_forget(struct kernel *kernel)
{
	if (kernel->control)
		munmap(kernel->control, sizeof(struct control));
	kernel->control = NULL;
	for (int i = 0; i < N_PINNED_MAPS; i++)
		forget_fd(&kernel->map[i]);
	for (size_t i = 0; i < N_PINNED_PROGRAMS; i++)
		forget_fd(program_fd(kernel, i));
	forget_fd(&kernel->shadow_xdp);
	forget_fd(&kernel->shadow_tc);
	forget_fd(&kernel->load);
	forget_fd(&kernel->clock);
}

void kernel_close(struct kernel *kernel)
{
	kernel_forget(kernel);
	close_fd(&kernel->dir);
	free(kernel->pin_dir);
	*kernel = (struct kernel)KERNEL_CLOSED;
}
