/* SPDX-License-Identifier: MIT */
/*
 * pins: "/sys/fs/bpf/rolewall", the pin directory whose history this is. Generations of two instances
 * in one directory would be taken for each other's.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "cleanup.h"
#include "disk.h"
#include "state_internal.h"

/* From the root, each slash once and none at the end. The directory itself may not exist. */
static char *absolute(const char *path)
{
	_cleanup_free_ char *whole = NULL;
	char cwd[PATH_MAX] = "", *out;

	if (*path != '/' && !getcwd(cwd, sizeof(cwd)))
		return NULL;
	if (asprintf(&whole, "%s/%s", cwd, path) < 0) {
		whole = NULL;
		return NULL;
	}
	out = whole;
	for (const char *in = whole; *in; in++)
		if (*in != '/' || (in[1] && in[1] != '/'))
			*out++ = *in;
	*out = '\0';
	return TAKE_PTR(whole);
}

static bool same_place(const char *a, const char *b)
{
	struct stat first, second;

	return !strcmp(a, b) || (!stat(a, &first) && !stat(b, &second) &&
				 first.st_dev == second.st_dev && first.st_ino == second.st_ino);
}

static void adopt(const struct state *state, const char *pin_dir)
{
	_cleanup_free_ char *line = NULL;
	int length = asprintf(&line, "%s\n", pin_dir);

	if (length < 0)
		line = NULL;
	else
		disk_replace(state->dir, FILE_PINS, line,
			     (size_t)length); /* else the next one does */
}

int state_check_pins(const struct state *state, const char *pin_dir, bool write)
{
	_cleanup_free_ char *ours = absolute(pin_dir), *theirs = NULL;
	size_t size;
	int err;

	if (!ours)
		return -ENOMEM;
	err = disk_read(state->dir, FILE_PINS, PATH_MAX + 1, &theirs, &size);
	if (err && err != -ENOENT)
		return state_complain(state, 0, FILE_PINS, "read", err);
	if (!err)
		theirs[strcspn(theirs, "\n")] = '\0';
	if (err || *theirs != '/') {
		if (write)
			adopt(state, ours);
		return 0;
	}
	if (same_place(ours, theirs))
		return 0;
	state_say(
		state,
		"%s is the history of the pins at %s, and not of those at %s: give --pin-dir %s, or another --state-dir; if nothing is at %s any more, remove %s/" FILE_PINS,
		state->path, theirs, ours, theirs, theirs, state->path);
	return -EXDEV;
}
