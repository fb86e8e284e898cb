/* SPDX-License-Identifier: MIT */
/* What the kern_*.c files share; nobody else includes this. */
#ifndef ROLEWALL_KERN_INTERNAL_H
#define ROLEWALL_KERN_INTERNAL_H

#include <limits.h>

#include "kernel.h"

#define PIN_XDP "xdp"
#define PIN_TC "tc"
#define PIN_LINKS "links" /* a directory: a link for each interface, under its name */

extern const char *const pinned_map_names[N_PINNED_MAPS];

/* The path of a pin. 0 or -ENAMETOOLONG. */
int pin_path(const struct kernel *kernel, const char *name, char path[PATH_MAX]);
/* fd of a pinned object or -errno. */
int open_pin(const struct kernel *kernel, const char *name);
/* Pins FD under NAME, over what is pinned there. 0 or -errno. */
int pin_over(const struct kernel *kernel, int fd, const char *name);
/* 0 if it cannot be told. */
__u32 program_id(int fd);
/* Maps the control cells of an open control map. */
int map_control(struct kernel *kernel);
/* Points every attached link at the kernel's programs. 0 or -errno. */
int update_links(const struct kernel *kernel);
/* Removes every link and its pin. */
int remove_links(const struct kernel *kernel);

#endif
