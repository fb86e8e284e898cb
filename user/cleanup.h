/* SPDX-License-Identifier: MIT */
/*
 * Scope cleanup: what a variable owns goes when its scope ends, unless TAKE_* handed it on.
 *
 *	_cleanup_free_ char *text = NULL;
 *	_cleanup_close_ int fd = -1;
 *	_cleanup_(site_free) struct site site = {0};
 */
#ifndef ROLEWALL_CLEANUP_H
#define ROLEWALL_CLEANUP_H

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define _cleanup_(function) __attribute__((cleanup(function)))

#define _cleanup_free_ _cleanup_(free_pointer)
#define _cleanup_close_ _cleanup_(close_fd)
#define _cleanup_fclose_ _cleanup_(close_file)

#define TAKE_PTR(pointer)                                                                          \
	({                                                                                         \
		__typeof__(pointer) taken_ = (pointer);                                            \
		(pointer) = NULL;                                                                  \
		taken_;                                                                            \
	})

#define TAKE_FD(fd)                                                                                \
	({                                                                                         \
		int taken_ = (fd);                                                                 \
		(fd) = -1;                                                                         \
		taken_;                                                                            \
	})

/* The variable may be a pointer of any type, hence the copy. */
static inline void free_pointer(void *variable)
{
	void *pointer;

	memcpy(&pointer, variable, sizeof(pointer));
	free(pointer);
}

static inline void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void close_file(FILE **file)
{
	if (*file)
		fclose(*file);
}

/*
 * Room for one more item in an array that grows one by one. It is reallocated when COUNT is a
 * power of two, so no capacity has to be kept. NULL = out of memory, ITEMS is as it was.
 */
static inline void *array_grow(void *items, size_t count, size_t item_size)
{
	if (count & (count - 1))
		return items;
	return reallocarray(items, count ? count * 2 : 1, item_size);
}

#endif
