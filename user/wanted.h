/* SPDX-License-Identifier: MIT */
/*
 * The interfaces that loaded images name: what has to be filtered, whatever is attached at the
 * moment. The image in force says so itself, so neither site file nor history is needed.
 */
#ifndef ROLEWALL_WANTED_H
#define ROLEWALL_WANTED_H

#include "kernel.h"

struct wanted_interface {
	char name[16];
	enum hook
		hook; /* as the site says; that of the image in force, if it names the interface */
	__u32 slots; /* a bit for each slot whose image names it */
	enum side sides[IMAGE_SLOTS]; /* by slot */
};

struct wanted {
	struct wanted_interface *items; /* in the order of the images' sites */
	size_t count;
	bool forwards; /* one of them by XDP */
	__u32 generation; /* of the image in force */
	__u64 reign; /* control cells when it was read, to tell when it has to be read again */
	__u32 fallback, shadow, returned;
};

/*
 * Of the image in force, of the one that a trial falls back to, and of the shadow. Returns 0,
 * -ENOENT if no image is in force, -EBADMSG if one cannot be read, or another -errno.
 */
int wanted_read(const struct kernel *kernel, struct wanted *wanted);
/* True if nothing has changed since it was read. Much cheaper. */
bool wanted_is_current(const struct kernel *kernel, const struct wanted *wanted);
void wanted_free(struct wanted *wanted);
/* NULL if no image names it. */
const struct wanted_interface *wanted_find(const struct wanted *wanted, const char *name);

#endif
