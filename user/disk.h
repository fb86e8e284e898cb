/* SPDX-License-Identifier: MIT */
/*
 * Small files that must survive a power loss. Names are relative to an open directory; links are
 * not followed, and what others could have written is refused. Nothing here prints.
 *
 * All return 0 or -errno; disk_fault() says in words what some of these mean here.
 */
#ifndef ROLEWALL_DISK_H
#define ROLEWALL_DISK_H

#include <stdbool.h>
#include <stddef.h>

/* Others could have written it. No -errno, for the kernel has reasons of its own to say EPERM. */
#define DISK_EXPOSED (-4099)

/* Opens the directory NAME of PARENT (AT_FDCWD: NAME is a path) and refuses one that others may use. */
int disk_open_dir(int parent, const char *name, int *dir);
/* The whole file; *bytes is to be freed and ends in a NUL that SIZE does not count. */
int disk_read(int dir, const char *name, size_t limit, char **bytes, size_t *size);
/* A new file; on the disk when it returns, but its name may not be. On failure it is gone again. */
int disk_write(int dir, const char *name, const void *bytes, size_t size);
/* The file as a whole changes, now or never; on the disk when it returns. */
int disk_replace(int dir, const char *name, const void *bytes, size_t size);
/* Removes the directory NAME and the files in it. */
int disk_remove(int parent, const char *name);
/* The parts: SIZE bytes of an open file (-EIO: it is shorter); and to one, on the disk when it returns. */
int disk_read_whole(int fd, char *bytes, size_t size);
int disk_write_whole(int fd, const char *bytes, size_t size);
/* A name is on the disk once its directory is. */
int disk_sync_parent(const char *path);
/* What a failure of these means; PATH-less, for a message behind the path. */
const char *disk_fault(int err);

/* True for names of what is being made or removed; a crash may leave such. */
static inline bool disk_is_temporary(const char *name)
{
	return *name == '.';
}

#endif
