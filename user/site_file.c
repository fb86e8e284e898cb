/* SPDX-License-Identifier: MIT */
#include "site_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/file.h>
#include <sys/xattr.h>

#include "cleanup.h"
#include "disk.h"
#include "lock_owner.h"
#include "yaml_doc.h"

#define TRIES 8 /* times that the file may be replaced between opening and locking it */
#define XATTR_ROOM 65536U

__attribute__((format(printf, 3, 4))) static int complain(const char *path, int err,
							  const char *format, ...)
{
	va_list arguments;

	fprintf(stderr, "rolewall: %s: ", path);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	return err;
}

static int read_text(struct site_file *file)
{
	size_t size = (size_t)file->status.st_size;

	if (size > YAML_FILE_MAX)
		return -EFBIG;
	file->text.bytes = calloc(1, size + 1);
	file->text.size = size;
	return file->text.bytes ? disk_read_whole(file->fd, file->text.bytes, size) : -ENOMEM;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* Returns -EAGAIN where another file has this path by now. */
static int lock_file(struct site_file *file)
{
	char owner[LOCK_OWNER_TEXT];
	struct stat now;

	file->fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (file->fd < 0 || fstat(file->fd, &file->status))
		return complain(file->path, -errno, "cannot be read: %s", strerror(errno));
	if (!S_ISREG(file->status.st_mode))
		return complain(file->path, -EINVAL, "is no plain file, so it cannot be edited");
	if (file->status.st_nlink > 1)
		return complain(file->path, -EMLINK,
				"has %ju names (hard links); they would hold different texts after "
				"an edit",
				(uintmax_t)file->status.st_nlink);
	if (flock(file->fd, LOCK_EX | LOCK_NB))
		return complain(file->path, -EBUSY, "is being edited by %s; try again",
				lock_owner(file->fd, owner, sizeof(owner)));
	if (stat(file->path, &now) || !same_file(&now, &file->status))
		return -EAGAIN;
	return 0;
}

int site_file_open(const char *path, struct site_file *file)
{
	int err = -EAGAIN;

	*file = (struct site_file){.fd = -1};
	for (int i = 0; i < TRIES && err == -EAGAIN; i++) {
		site_file_close(file);
		file->path = realpath(path, NULL);
		if (!file->path)
			return complain(path, -errno, "cannot be read: %s", strerror(errno));
		err = lock_file(file);
	}
	if (err == -EAGAIN)
		complain(path, err, "somebody else keeps changing it");
	if (err)
		return err;
	err = read_text(file);
	return err ? complain(path, err, "cannot be read: %s", strerror(-err)) : 0;
}

/* Access lists and labels; those that the file system sets itself may refuse to be set. */
static void copy_attributes(int from, int to)
{
	_cleanup_free_ char *names = malloc(XATTR_ROOM);
	_cleanup_free_ char *value = malloc(XATTR_ROOM);
	ssize_t length = names ? flistxattr(from, names, XATTR_ROOM) : 0;

	for (char *name = names; value && name && name < names + length; name += strlen(name) + 1) {
		ssize_t size = fgetxattr(from, name, value, XATTR_ROOM);

		if (size >= 0)
			(void)!fsetxattr(to, name, value, (size_t)size, 0);
	}
}

static int fill_next(const struct site_file *file, int fd, const struct source_text *text)
{
	const struct stat *status = &file->status;
	struct stat now;

	if (fstat(fd, &now))
		return -errno;
	if ((now.st_uid != status->st_uid || now.st_gid != status->st_gid) &&
	    fchown(fd, status->st_uid, status->st_gid))
		return -errno;
	if (fchmod(fd, status->st_mode & 07777))
		return -errno;
	copy_attributes(file->fd, fd);
	return disk_write_whole(fd, text->bytes, text->size);
}

/* What the kernel says of a file that rename() would refuse to replace. */
static int check_replaceable(const struct site_file *file)
{
	struct statx status;

	if (statx(file->fd, "", AT_EMPTY_PATH, 0, &status))
		return 0;
	if (status.stx_attributes & STATX_ATTR_MOUNT_ROOT)
		return complain(
			file->path, -EBUSY,
			"is a mount of its own and cannot be replaced; accepted: a file in a "
			"folder that is mounted");
	if (status.stx_attributes & (STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND))
		return complain(file->path, -EPERM,
				"cannot be replaced: it is immutable or append-only (chattr)");
	return 0;
}

/* One for each file, whose lock its maker has: what a killed one has left is found again. */
static char *name_next(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *next;

	return asprintf(&next, "%.*s/.%s.rolewall", (int)(slash - path), path, slash + 1) < 0
		       ? NULL
		       : next;
}

int site_file_prepare(struct site_file *file, const struct source_text *text)
{
	_cleanup_close_ int fd = -1;
	int err = check_replaceable(file);

	if (err)
		return err;
	file->next = name_next(file->path);
	if (!file->next)
		return -ENOMEM;
	unlink(file->next);
	fd = open(file->next, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0) {
		err = -errno;
		free(TAKE_PTR(file->next));
	} else {
		err = fill_next(file, fd, text);
	}
	return err ? complain(file->path, err, "cannot be replaced: %s", strerror(-err)) : 0;
}

int site_file_replace(struct site_file *file)
{
	struct stat now;
	int err;

	if (stat(file->path, &now) || !same_file(&now, &file->status))
		return complain(file->path, -ESTALE,
				"was changed by somebody else meanwhile, and is left as it is");
	if (rename(file->next, file->path)) {
		err = -errno;
	} else {
		free(TAKE_PTR(file->next));
		err = disk_sync_parent(file->path);
	}
	return err ? complain(file->path, err, "cannot be replaced: %s", strerror(-err)) : 0;
}

void site_file_tidy(const char *path)
{
	_cleanup_free_ char *real = realpath(path, NULL), *next = real ? name_next(real) : NULL;
	_cleanup_close_ int fd = -1;

	if (!next || access(next, F_OK))
		return;
	fd = open(real, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd >= 0 && !flock(fd, LOCK_EX | LOCK_NB))
		unlink(next);
}

void site_file_close(struct site_file *file)
{
	if (file->next)
		unlink(file->next);
	if (file->fd >= 0)
		close(file->fd);
	free(file->path);
	free(file->next);
	free(file->text.bytes);
	*file = (struct site_file){.fd = -1};
}
