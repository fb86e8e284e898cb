/* SPDX-License-Identifier: MIT */
/* What the state*.c files share; nobody else includes this. */
#ifndef ROLEWALL_STATE_INTERNAL_H
#define ROLEWALL_STATE_INTERNAL_H

#include "state.h"
#include "yaml_doc.h"

#define FILE_SITE "site.yaml"
#define FILE_MATRIX "matrix.yaml"
#define FILE_META "meta.json"
#define FILE_CURRENT "current"
#define FILE_EDIT "edit"
#define FILE_PINS "pins"
#define DIR_GENERATIONS "generations"

#define META_MAX 65536U
#define STATE_FILE_MAX YAML_FILE_MAX /* of a site or matrix */
#define CURRENT_MAX 64U

struct state {
	char *path;
	int dir; /* locked if open for writing; -1: there is none */
	int generations; /* -1: there is none */
	size_t keep; /* STATE_KEEP, but in tests */
	struct strings *said; /* see struct common */
};

/* Where the state directory is; to be freed. NULL: out of memory. */
char *state_find_path(const struct common *common);

#define GENERATION_NAME 16
/* "000042" */
const char *generation_name(__u32 generation, char name[GENERATION_NAME]);
/* The generation of a name; 0 if it is no such name. */
__u32 generation_number(const char *name);

/* Says that something was wrong with a file, generation 0 = of the directory itself. Returns err. */
int state_complain(const struct state *state, __u32 generation, const char *file, const char *doing,
		   int err);

/* Says that a file of a generation is not as it was written. Returns -EBADMSG. */
int state_damaged(const struct state *state, __u32 generation, const char *file, const char *fault);

/* Says which generations there are instead. Returns -ENOENT. */
int state_missing(const struct state *state, __u32 generation);

/*
 * state_pins.c: refuses a directory that another instance's pins belong to. One that nobody's do
 * belongs to these from now on, if it is open for WRITE. 0 or -errno, message on stderr.
 */
int state_check_pins(const struct state *state, const char *pin_dir, bool write);

/* All numbers of generations, ascending; *list is to be freed. 0 or -errno, quietly. */
int state_numbers(const struct state *state, __u32 **list, size_t *count);
/* A generation's directory, opened, and what its meta.json says. As above. */
int state_open_entry(const struct state *state, __u32 generation, struct state_entry *entry,
		     int *dir);
/* One of its files, which must be the one that was written. To be freed. As above. */
int state_read_file(const struct state *state, const struct state_entry *entry, int dir,
		    const char *name, struct source_text *text);

/*
 * state_prune.c: removes what is too much, CURRENT being the last good generation. What cannot be
 * removed stays, with a message.
 */
void state_prune(const struct state *state, __u32 current);

/* state_meta.c: a generation's meta.json. Text to be freed; NULL: out of memory. */
char *meta_write(const struct state_entry *entry);
/* 0, -ENOMEM, or -EBADMSG with the reason in *fault, which is to be freed. */
int meta_read(const char *text, size_t size, struct state_entry *entry, char **fault);

/* who.c: whoever runs this process. 0 or -ENOMEM. */
int state_who(struct state_who *who);

#endif
