/* SPDX-License-Identifier: MIT */
#include "disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "cleanup.h"

#define NAME_ROOM 64 /* of the names that are used here */

const char *disk_fault(int err)
{
	switch (err) {
	case -EPERM:
		return "Operation not permitted; an immutable or append-only one can be told by lsattr";
	case DISK_EXPOSED:
		return "must belong to the caller, and others must have no rights to it (mode 0700, of a file 0600)";
	case -ELOOP:
		return "is a symbolic link, which is not followed";
	case -EFBIG:
		return "is too large to be a file of rolewall";
	case -EBADF:
		return "is no regular file";
	default:
		return strerror(-err);
	}
}

static int check_owner(const struct stat *status)
{
	return status->st_uid == geteuid() && !(status->st_mode & 077) ? 0 : DISK_EXPOSED;
}

int disk_open_dir(int parent, const char *name, int *dir)
{
	_cleanup_close_ int fd =
		openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat status;

	if (fd < 0) {
		int err = -errno;

		/* a link to a directory is "no directory" to open() */
		if (err == -ENOTDIR && !fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) &&
		    S_ISLNK(status.st_mode))
			return -ELOOP;
		return err;
	}
	if (fstat(fd, &status))
		return -errno;
	if (check_owner(&status))
		return DISK_EXPOSED;
	*dir = TAKE_FD(fd);
	return 0;
}

int disk_read_whole(int fd, char *bytes, size_t size)
{
	for (size_t done = 0; done < size;) {
		ssize_t got = read(fd, bytes + done, size - done);

		if (got < 0 && errno != EINTR)
			return -errno;
		if (!got)
			return -EIO; /* shorter than it was a moment ago */
		done += got > 0 ? (size_t)got : 0;
	}
	return 0;
}

int disk_read(int dir, const char *name, size_t limit, char **bytes, size_t *size)
{
	_cleanup_close_ int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	_cleanup_free_ char *buffer = NULL;
	struct stat status;
	int err;

	if (fd < 0 || fstat(fd, &status))
		return -errno;
	if (!S_ISREG(status.st_mode))
		return -EBADF;
	if (check_owner(&status))
		return DISK_EXPOSED;
	if (status.st_size < 0 || (size_t)status.st_size > limit)
		return -EFBIG;
	buffer = malloc((size_t)status.st_size + 1);
	if (!buffer)
		return -ENOMEM;
	err = disk_read_whole(fd, buffer, (size_t)status.st_size);
	if (err)
		return err;
	buffer[status.st_size] = '\0';
	*bytes = TAKE_PTR(buffer);
	*size = (size_t)status.st_size;
	return 0;
}

int disk_write_whole(int fd, const char *bytes, size_t size)
{
	for (size_t done = 0; done < size;) {
		ssize_t put = write(fd, bytes + done, size - done);

		if (put < 0 && errno != EINTR)
			return -errno;
		done += put > 0 ? (size_t)put : 0;
	}
	return fsync(fd) ? -errno : 0;
}

int disk_write(int dir, const char *name, const void *bytes, size_t size)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int err;

	if (fd < 0)
		return -errno;
	err = disk_write_whole(fd, bytes, size);
	if (close(fd) && !err)
		err = -errno;
	if (err)
		unlinkat(dir, name, 0);
	return err;
}

int disk_replace(int dir, const char *name, const void *bytes, size_t size)
{
	char fresh[NAME_ROOM];
	int err;

	if (snprintf(fresh, sizeof(fresh), ".%s.new", name) >= (int)sizeof(fresh))
		return -ENAMETOOLONG;
	if (unlinkat(dir, fresh, 0) && errno != ENOENT)
		return -errno;
	err = disk_write(dir, fresh, bytes, size);
	if (err)
		return err;
	if (renameat(dir, fresh, dir, name)) {
		err = -errno;
		unlinkat(dir, fresh, 0);
		return err;
	}
	return fsync(dir) ? -errno : 0;
}

int disk_sync_parent(const char *path)
{
	_cleanup_free_ char *parent = strdup(path);
	_cleanup_close_ int dir = -1;
	char *slash = parent ? strrchr(parent, '/') : NULL;

	if (!parent)
		return -ENOMEM;
	if (slash)
		slash[slash == parent] = '\0';
	dir = open(slash ? parent : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir < 0 || fsync(dir) ? -errno : 0;
}

static int remove_files(int dir)
{
	DIR *stream = fdopendir(dir);
	struct dirent *entry;
	int err = 0;

	if (!stream) {
		err = -errno;
		close(dir);
		return err;
	}
	while (!err && (entry = readdir(stream))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (unlinkat(dirfd(stream), entry->d_name, 0))
			err = -errno;
	}
	closedir(stream);
	return err;
}

int disk_remove(int parent, const char *name)
{
	int dir = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int err;

	if (dir < 0 && (errno == ENOTDIR || errno == ELOOP))
		return unlinkat(parent, name, 0) ? -errno : 0;
	if (dir < 0)
		return -errno;
	err = remove_files(dir);
	if (!err && unlinkat(parent, name, AT_REMOVEDIR))
		err = -errno;
	return err;
}
