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

#define PIN_SHADOW "shadow" /* a directory, while a shadow is loaded: its maps and entries */

/* Maps of a shadow; each starts with fresh ones. `hearings` alone has nothing to keep. */
#define SHADOW_MAPS(X)                                                                             \
	X(differences)                                                                             \
	X(compared)                                                                                \
	X(shadow_frags)                                                                            \
	X(refused4)                                                                                \
	X(refused6)                                                                                \
	X(hearings)

enum shadow_map {
#define X(name) SHADOW_MAP_##name,
	SHADOW_MAPS(X)
#undef X
		N_SHADOW_MAPS,
};

#define SHADOW_PROGRAMS(X)                                                                         \
	X(rolewall_xdp_shadow)                                                                     \
	X(rolewall_tc_shadow)                                                                      \
	X(rolewall_xdp_shadow_candidate)                                                           \
	X(rolewall_xdp_shadow_active)                                                              \
	X(rolewall_tc_shadow_candidate)                                                            \
	X(rolewall_tc_shadow_active)

enum shadow_program {
#define X(name) PROGRAM_##name,
	SHADOW_PROGRAMS(X)
#undef X
		N_SHADOW_PROGRAMS,
};

extern const char *const shadow_map_names[N_SHADOW_MAPS];
extern const char *const shadow_program_names[N_SHADOW_PROGRAMS];

/* What is loaded for a shadow, fds; -1 = none. */
struct shadow_parts {
	int map[N_SHADOW_MAPS];
	int program[N_SHADOW_PROGRAMS];
};

/* Loads them over the maps of the programs that run (kern_load.c). Nothing leads to them yet. */
int load_shadow(const struct kernel *kernel, struct shadow_parts *parts);
/* Removes the pins of a shadow. */
void unpin_shadow(const struct kernel *kernel);

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
