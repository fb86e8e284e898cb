/* SPDX-License-Identifier: MIT */
/*
 * Putting a load of the programs into the pins and under the links, and taking everything off
 * again. A controller may be killed behind any of these steps: each leaves a state from which the
 * next one knows how to go on (docs/changing.md).
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "cleanup.h"
#include "kern_internal.h"

static int join(char path[PATH_MAX], const char *dir, const char *name)
{
	return snprintf(path, PATH_MAX, "%s/%s", dir, name) < PATH_MAX ? 0 : -ENAMETOOLONG;
}

static int pin_in(const char *dir, const char *name, int fd)
{
	char path[PATH_MAX];
	int err = join(path, dir, name);

	return err ? err : bpf_obj_pin(fd, path) ? -errno : 0;
}

/* --- what belongs to one load */

/* Removes one of the two directories with all that can be in it. */
static int remove_load(const struct kernel *kernel, const char *name)
{
	char dir[PATH_MAX], path[PATH_MAX];
	int err = pin_path(kernel, name, dir);

	if (err)
		return err;
	for (size_t i = 0; i < N_PINNED_PROGRAMS; i++)
		if (!join(path, dir, pinned_programs[i].pin))
			unlink(path);
	for (int i = 0; i < N_PINNED_MAPS; i++)
		if (belongs_to_load(i) && !join(path, dir, pinned_map_names[i]))
			unlink(path);
	if (!join(path, dir, PIN_LOAD))
		unlink(path);
	return rmdir(dir) && errno != ENOENT ? -errno : 0;
}

static int pin_next(const struct kernel *kernel)
{
	char dir[PATH_MAX];
	int err = remove_load(kernel, PIN_NEXT);

	if (!err)
		err = pin_path(kernel, PIN_NEXT, dir);
	if (!err && mkdir(dir, 0700))
		err = -errno;
	for (size_t i = 0; i < N_PINNED_PROGRAMS && !err; i++)
		err = pin_in(dir, pinned_programs[i].pin, *program_fd(kernel, i));
	for (int i = 0; i < N_PINNED_MAPS && !err; i++)
		if (belongs_to_load(i))
			err = pin_in(dir, pinned_map_names[i], kernel->map[i]);
	return err ? err : pin_in(dir, PIN_LOAD, kernel->load);
}

/* FLAGS: RENAME_EXCHANGE puts one load into the place of the other at once. */
static int rename_load(const struct kernel *kernel, const char *from, const char *to,
		       unsigned int flags)
{
	char old[PATH_MAX], fresh[PATH_MAX];
	int err = pin_path(kernel, from, old);

	if (!err)
		err = pin_path(kernel, to, fresh);
	if (!err && renameat2(AT_FDCWD, old, AT_FDCWD, fresh, flags))
		err = -errno;
	return err;
}

static int complain(const struct kernel *kernel, int err)
{
	if (err)
		fprintf(stderr, "rolewall: cannot pin in %s: %s\n", kernel->pin_dir,
			strerror(-err));
	return err;
}

/* --- in */

static int pin_maps(const struct kernel *kernel)
{
	char path[PATH_MAX];
	int err = 0;

	for (int i = 0; i < N_PINNED_MAPS && !err; i++) {
		if (belongs_to_load(i))
			continue;
		err = pin_path(kernel, pinned_map_names[i], path);
		if (!err)
			unlink(path); /* of a first load that was killed */
		if (!err && bpf_obj_pin(kernel->map[i], path))
			err = -errno;
	}
	return err;
}

/* The programs come last: an instance without them counts as not loaded. */
int install_first(const struct kernel *kernel)
{
	char links[PATH_MAX];
	int err = pin_path(kernel, PIN_LINKS, links);

	if (!err)
		err = pin_maps(kernel);
	if (!err && mkdir(links, 0700) && errno != EEXIST)
		err = -errno;
	if (!err)
		err = pin_next(kernel);
	if (!err)
		err = rename_load(kernel, PIN_NEXT, PIN_PROGRAMS, 0);
	return complain(kernel, err);
}

/*
 * The old load stays pinned until no packet is in it any more: with its last pin a program array
 * is emptied.
 */
static int retire(const struct kernel *kernel)
{
	int err = update_links(kernel);

	if (!err)
		err = kernel_wait(kernel);
	return err ? err : remove_load(kernel, PIN_NEXT);
}

int kernel_switch(struct kernel *kernel)
{
	int err = pin_next(kernel);

	if (!err)
		err = rename_load(kernel, PIN_NEXT, PIN_PROGRAMS, RENAME_EXCHANGE);
	return complain(kernel, err ? err : retire(kernel));
}

int kernel_settle(struct kernel *kernel)
{
	char path[PATH_MAX];
	int err = pin_path(kernel, PIN_NEXT, path);

	if (err || (access(path, F_OK) && errno == ENOENT))
		return err;
	return complain(kernel, retire(kernel));
}

/* --- out */

/* All interfaces are let go by one store; then nothing depends any more on what is removed. */
static void let_go(struct kernel *kernel)
{
	if (open_if_ours(kernel) && !release_links(kernel))
		kernel_let_go(kernel);
}

/* Pins of versions before ABI 4. */
static const char *const former[] = {"xdp", "tc", "images", "more_xdp", "more_tc"};

static int remove_pins(const struct kernel *kernel)
{
	char path[PATH_MAX];
	int err = remove_load(kernel, PIN_NEXT);

	/* Without programs it counts as not loaded, and that in one step. */
	if (!err)
		err = rename_load(kernel, PIN_PROGRAMS, PIN_NEXT, 0);
	if (!err)
		err = remove_load(kernel, PIN_NEXT);
	if (!err || err == -ENOENT)
		err = pin_path(kernel, PIN_LINKS, path);
	if (!err && rmdir(path) && errno != ENOENT)
		err = -errno;
	kernel_release_closing(kernel->pin_dir);
	for (size_t i = 0; i < sizeof(former) / sizeof(former[0]); i++)
		if (!pin_path(kernel, former[i], path))
			unlink(path);
	for (int i = 0; i < N_PINNED_MAPS; i++)
		if (!belongs_to_load(i) && !pin_path(kernel, pinned_map_names[i], path))
			unlink(path);
	return err;
}

int kernel_clear(struct kernel *kernel)
{
	int err;

	let_go(kernel);
	err = remove_links(kernel);
	if (err) {
		fprintf(stderr, "rolewall: cannot remove the links in %s: %s\n", kernel->pin_dir,
			strerror(-err));
		return err;
	}
	unpin_shadow(kernel);
	err = remove_pins(kernel);
	if (err)
		fprintf(stderr, "rolewall: cannot remove the pins in %s: %s\n", kernel->pin_dir,
			strerror(-err));
	kernel_forget(kernel);
	return err;
}

int kernel_unload(struct kernel *kernel)
{
	int err = kernel_clear(kernel);

	if (!err && rmdir(kernel->pin_dir) && errno != ENOENT) {
		err = -errno;
		fprintf(stderr, "rolewall: cannot remove %s: %m\n", kernel->pin_dir);
	}
	return err;
}
