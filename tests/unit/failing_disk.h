/* SPDX-License-Identifier: MIT */
/*
 * The system calls that change files, counted, so that a test can stop or fail the program at each
 * of them. What a disk has for sure is kept too: a power loss leaves that and not what the program
 * saw. A test that includes this has its own mkdir(), openat(), write() and so on.
 */
#ifndef ROLEWALL_TESTS_FAILING_DISK_H
#define ROLEWALL_TESTS_FAILING_DISK_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define OBJECTS_MAX 4096
#define NAMES_MAX 64

struct durable { /* what is on the disk of one file or directory */
	ino_t inode;
	bool is_dir, synced;
	char *bytes;
	size_t size;
	struct {
		char name[32];
		ino_t inode;
	} names[NAMES_MAX];
	size_t n_names;
};

static struct {
	unsigned long step; /* calls so far */
	unsigned long stop; /* at which to act; 0 = never */
	int fail; /* with this errno; 0: call stopped() */
	void (*stopped)(void);
	bool recording;
	struct durable *objects;
	size_t n_objects;
} disk;

static struct durable *durable_of(ino_t inode, bool is_dir)
{
	if (!disk.objects)
		disk.objects = calloc(OBJECTS_MAX, sizeof(*disk.objects));
	for (size_t i = 0; i < disk.n_objects; i++)
		if (disk.objects[i].inode == inode)
			return &disk.objects[i];
	if (disk.n_objects == OBJECTS_MAX)
		abort();
	disk.objects[disk.n_objects] = (struct durable){.inode = inode, .is_dir = is_dir};
	return &disk.objects[disk.n_objects++];
}

static void record_file(const char *path, struct durable *object, size_t size)
{
	FILE *file = fopen(path, "re");

	free(object->bytes);
	object->bytes = malloc(size + 1);
	object->size = file ? fread(object->bytes, 1, size, file) : 0;
	if (file)
		fclose(file);
}

static void record_dir(const char *path, struct durable *object)
{
	DIR *stream = opendir(path);
	struct dirent *entry;

	object->n_names = 0;
	while (stream && (entry = readdir(stream))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (object->n_names == NAMES_MAX)
			abort();
		snprintf(object->names[object->n_names].name, 32, "%.31s", entry->d_name);
		object->names[object->n_names++].inode = entry->d_ino;
		durable_of(entry->d_ino, entry->d_type == DT_DIR);
	}
	if (stream)
		closedir(stream);
}

/* PATH is on the disk as it is now. */
static void record(const char *path)
{
	struct durable *object;
	struct stat status;

	if (stat(path, &status))
		return;
	object = durable_of(status.st_ino, S_ISDIR(status.st_mode));
	object->synced = true;
	if (object->is_dir)
		record_dir(path, object);
	else
		record_file(path, object, (size_t)status.st_size);
}

/* And everything below. */
static void record_tree(const char *path)
{
	char below[4096];
	DIR *stream;
	struct dirent *entry;

	record(path);
	stream = opendir(path);
	while (stream && (entry = readdir(stream))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		snprintf(below, sizeof(below), "%s/%s", path, entry->d_name);
		record_tree(below);
	}
	if (stream)
		closedir(stream);
}

static void put_file(const char *path, const struct durable *object)
{
	int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (object->size && syscall(SYS_write, fd, object->bytes, object->size) < 0)
		abort();
	close(fd);
}

/* What a power loss leaves: only what was synced. */
static void put_synced(const char *path, const struct durable *object)
{
	char below[4096];

	if (!object->is_dir) {
		put_file(path, object);
		return;
	}
	syscall(SYS_mkdirat, AT_FDCWD, path, 0700);
	for (size_t i = 0; i < object->n_names; i++) {
		snprintf(below, sizeof(below), "%s/%s", path, object->names[i].name);
		put_synced(below, durable_of(object->names[i].inode, false));
	}
}

/* Or: all names, but of files only what was synced. */
static void put_named(const char *path, const char *from)
{
	char below[4096], source[4096];
	struct dirent *entry;
	struct stat status;
	DIR *stream;

	if (stat(from, &status))
		return;
	if (!S_ISDIR(status.st_mode)) {
		put_file(path, durable_of(status.st_ino, false));
		return;
	}
	syscall(SYS_mkdirat, AT_FDCWD, path, 0700);
	stream = opendir(from);
	while (stream && (entry = readdir(stream))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		snprintf(below, sizeof(below), "%s/%s", path, entry->d_name);
		snprintf(source, sizeof(source), "%s/%s", from, entry->d_name);
		put_named(below, source);
	}
	if (stream)
		closedir(stream);
}

/* Before each call: true if it is to fail. */
static bool step(void)
{
	if (!disk.stop || ++disk.step != disk.stop)
		return false;
	if (disk.stopped)
		disk.stopped();
	errno = disk.fail;
	return disk.fail;
}

/* An inode that is open is nobody else's: records go by its number. */
static void keep_inode(int dir, const char *name)
{
	if (disk.recording)
		syscall(SYS_openat, dir, name, O_RDONLY | O_CLOEXEC);
}

int mkdirat(int dir, const char *name, mode_t mode)
{
	int rc = step() ? -1 : (int)syscall(SYS_mkdirat, dir, name, mode);

	if (!rc)
		keep_inode(dir, name);
	return rc;
}

int mkdir(const char *name, mode_t mode)
{
	return mkdirat(AT_FDCWD, name, mode);
}

int openat(int dir, const char *name, int flags, ...)
{
	mode_t mode = 0;
	va_list arguments;
	int fd;

	if (!(flags & O_CREAT))
		return (int)syscall(SYS_openat, dir, name, flags, 0);
	va_start(arguments, flags);
	mode = va_arg(arguments, mode_t);
	va_end(arguments);
	fd = step() ? -1 : (int)syscall(SYS_openat, dir, name, flags, mode);
	if (fd >= 0)
		keep_inode(dir, name);
	return fd;
}

/* Two calls, so that half a file is there in between. */
ssize_t write(int fd, const void *bytes, size_t size)
{
	if (!disk.stop || size < 2)
		return step() ? -1 : syscall(SYS_write, fd, bytes, size);
	return step() ? -1 : syscall(SYS_write, fd, bytes, size / 2);
}

int fsync(int fd)
{
	char path[32];

	if (step() || syscall(SYS_fsync, fd))
		return -1;
	if (disk.recording) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		record(path);
	}
	return 0;
}

int renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned int flags)
{
	return step() ? -1 : (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, flags);
}

int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	return renameat2(from_dir, from, to_dir, to, 0);
}

int unlinkat(int dir, const char *name, int flags)
{
	return step() ? -1 : (int)syscall(SYS_unlinkat, dir, name, flags);
}

#endif
