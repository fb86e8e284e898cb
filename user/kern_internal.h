/* SPDX-License-Identifier: MIT */
/* What the kern_*.c files share; nobody else includes this. */
#ifndef ROLEWALL_KERN_INTERNAL_H
#define ROLEWALL_KERN_INTERNAL_H

#include <limits.h>

#include "kernel.h"

#define PIN_LINKS "links" /* a directory: a link for each interface, under its name */
#define PIN_PROGRAMS                                                                               \
	"programs" /* a directory: what belongs to one load, so that it changes as one */
#define PIN_NEXT "programs_new" /* the same on its way in or out */
#define PIN_LOAD "load" /* struct load */
#define PIN_SHADOW "shadow" /* a directory, while there is a shadow: its maps and entries */

/* The programs that are pinned. */
struct pinned_program {
	const char *pin, *function;
	size_t fd; /* offset in struct kernel */
};

#define N_PINNED_PROGRAMS 4U
extern const struct pinned_program pinned_programs[N_PINNED_PROGRAMS];

static inline int *program_fd(const struct kernel *kernel, size_t program)
{
	return (int *)((char *)kernel + pinned_programs[program].fd);
}

/* True for the maps that belong to one load of the programs; all else goes over to the next. */
static inline bool belongs_to_load(enum pinned_map map)
{
	return map == MAP_images || map == MAP_more_xdp || map == MAP_more_tc;
}

extern const char *const pinned_map_names[N_PINNED_MAPS];

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
/* The path of a link's pin. 0 or -ENAMETOOLONG. */
int attachment_path(const struct kernel *kernel, const char *interface, enum hook hook,
		    char path[PATH_MAX]);
/* fd of a pinned object or -errno. */
int open_pin(const struct kernel *kernel, const char *name);
/* 0 if it cannot be told. */
__u32 program_id(int fd);
/* Maps the control cells of an open control map. */
int map_control(struct kernel *kernel);
/* Closes everything but the directory. */
void kernel_forget(struct kernel *kernel);
/* Points every attached link at the plain entry, but for those of a trial. 0 or -errno. */
int update_links(const struct kernel *kernel);
/* Points every attached link at the trial entry, which may let go. 0 or -errno. */
int release_links(const struct kernel *kernel);
/* Gives slot TO the sides of slot FROM. 0 or -errno. */
int kernel_copy_sides(const struct kernel *kernel, __u32 from, __u32 to);
/* Removes every link and its pin. */
int remove_links(const struct kernel *kernel);

/* Nothing is in force any more: the trial entries pass everything, and the clock stays away. */
void kernel_let_go(const struct kernel *kernel);
/* Opens the control cells, if there are any of this ABI; without a word. */
bool open_if_ours(struct kernel *kernel);
/* kern_install.c: pins what kernel_load() made. */
int install_first(const struct kernel *kernel);

#endif
