/* SPDX-License-Identifier: MIT */
/* What runs at a pin directory, opened for reading: the start of status, explain and drops. */
#ifndef ROLEWALL_RUNNING_H
#define ROLEWALL_RUNNING_H

#include <jansson.h>

#include "kernel.h"
#include "pages.h"

struct running {
	struct kernel kernel;
	struct pages image; /* of the active slot */
	json_t *description; /* the image's own */
};

/* Returns 0 or -errno, messages on stderr; nothing loaded is -ENOENT with a message too. */
int running_open(const char *pin_dir, struct running *running);
void running_close(struct running *running);
__u32 running_header(const struct running *running, enum image_header cell);

/* Names and texts of include/reason.h; "?" for a number that is none. */
const char *reason_name(enum reason reason);
const char *reason_text(enum reason reason);

#endif
