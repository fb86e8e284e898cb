/* SPDX-License-Identifier: MIT */
/*
 * The state directory: every generation that was applied, with its site, its matrix, and who did it
 * when and why; and which one is the last that is known to be good (docs/changing.md).
 *
 *	generations/000042/site.yaml, matrix.yaml, meta.json
 *	current
 *	pins: the pin directory of the instance (state_pins.c)
 *	edit, while `pool` changes a site file (state_edit.c)
 *
 * What is written is whole and on the disk before anything leads to it. The kernel is the truth
 * about what runs; this is what comes back after a reboot.
 */
#ifndef ROLEWALL_STATE_H
#define ROLEWALL_STATE_H

#include <linux/types.h>

#include "command.h"
#include "input.h"

enum state_outcome {
	STATE_PREPARED, /* written, not in force yet; or killed before it said so */
	STATE_TRIAL, /* in force until somebody confirms or the deadline passes */
	STATE_KEPT, /* in force; or was, before the next */
	STATE_RETURNED, /* nobody confirmed it: the data plane went back by itself */
	STATE_ROLLED_BACK, /* a trial that was ended by `rollback` */
	STATE_FAILED, /* never was in force */
	STATE_DETACHED, /* a trial that was ended by `detach` */
	N_STATE_OUTCOMES,
};

/* "kept"; NULL if there is none. */
const char *state_outcome_name(enum state_outcome outcome);

struct state_who {
	char *user; /* name of the process's user; its number where it has no name */
	unsigned int uid;
	char *login; /* who is behind it (sudo, su), or NULL if it is the same */
	unsigned int login_uid;
};

struct state_entry {
	__u32 generation;
	__u32 policy; /* checksum of its image (HEADER_CHECKSUM) */
	__u32 based_on; /* a rollback to that generation; 0 = it is none */
	char *comment; /* NULL = none */
	/* Only for state_prepare(): what is applied. */
	const struct input *input;

	/* Filled in by state_prepare() itself, and read by state_list(). */
	enum state_outcome outcome;
	long long when; /* seconds since 1970 */
	long long settled; /* when it got its outcome; 0 = not yet */
	long long detached; /* when it was in force and `detach` took all away; 0 = never */
	struct state_who who;
	char *version; /* of rolewall */
	char *site, *matrix; /* the path that was applied; the matrix's name */
	size_t site_bytes, matrix_bytes;
	__u32 site_crc, matrix_crc;
	bool is_current; /* the last good one */
	bool damaged; /* cannot be used: stderr said why; only the generation is sure */
};

struct state; /* an open state directory */

/*
 * Opens it, for WRITE makes it first and takes its lock. Without WRITE a directory that does not
 * exist is an empty one. Returns 0 or -errno, message on stderr.
 */
int state_open(const struct common *common, bool write, struct state **state);
void state_close(struct state *state);
/* Its path, borrowed. */
const char *state_path(const struct state *state);
/* False: there is no such directory. */
bool state_exists(const struct state *state);

/* One line on stderr, behind "rolewall: "; unless this command has said the same before. */
__attribute__((format(printf, 2, 3))) void state_say(const struct state *state, const char *format,
						     ...);

/* The rest, too, returns 0 or -errno with a message on stderr. */

/*
 * Writes a generation whole, outcome STATE_PREPARED; nothing leads to it yet. Whatever can fail
 * (a full disk, a read-only one) fails here.
 */
int state_prepare(struct state *state, const struct state_entry *entry);
/*
 * It came into force, as STATE_TRIAL or STATE_KEPT; the latter makes it the last good one and
 * removes some of many (state_prune.c).
 */
int state_commit(struct state *state, __u32 generation, enum state_outcome outcome);
/* The same for what was left open: STATE_KEPT as above, or any other end. */
int state_settle(struct state *state, __u32 generation, enum state_outcome outcome);

/* What `current` says: 0 = there is none. */
int state_current(const struct state *state, __u32 *generation);
/* True if its meta.json says that it was kept; its files are not looked at. */
bool state_is_kept(const struct state *state, __u32 generation);
/*
 * The number of the next generation: above ABOVE and above all that were ever used, and no directory
 * has it. -EOVERFLOW: there is none left. A directory without a meta.json that can be read counts only
 * for the latter: a stray name must not use up the numbers.
 */
int state_next(const struct state *state, __u32 above, __u32 *next);
/* All of them, oldest first; *list is to be freed by state_list_free(). */
int state_list(const struct state *state, struct state_entry **list, size_t *count);
void state_list_free(struct state_entry *list, size_t count);
/* Those that are prepared or on trial, by their meta.json alone. */
int state_open_ends(const struct state *state, struct state_entry **list, size_t *count);
/* It was in force when all was taken away: its time, and STATE_DETACHED if it was on trial. */
int state_detach(struct state *state, __u32 generation);
/* True if there is such a directory. */
bool state_has(const struct state *state, __u32 generation);
/* One of them. -ENOENT: there is none; -EBADMSG: it is damaged. */
int state_read(const struct state *state, __u32 generation, struct state_entry *entry);
void state_entry_free(struct state_entry *entry);

/* Its site and matrix, as input_load() would give them. In any case input is to be freed. */
int state_load(const struct state *state, __u32 generation, struct input *input);
/*
 * The last good one that can be loaded: the current one, else, loudly, the newest kept one that is
 * whole. -ENOENT: there is none. For the boot.
 */
int state_load_good(const struct state *state, __u32 *generation, struct input *input);
/* True if both were made of the same site and matrix, as far as is known. */
bool state_same(const struct state_entry *a, const struct state_entry *b);
/*
 * The generation that was in force before GENERATION, as the administrator sees it: a rollback
 * stands where the one stands that it went back to, and those that are the same as GENERATION are
 * passed over. -ENOENT: there is none.
 */
int state_before(const struct state *state, __u32 generation, __u32 *before);

/* An edit of a site file, from before the flip until the file has the text of that generation. */
struct state_edit {
	__u32 generation;
	__u32 before; /* checksum of what the file held before */
	char *path;
};

int state_edit_begin(struct state *state, const struct state_edit *edit);
/* -ENOENT, without a word: there is none. *edit is to be freed in any case. */
int state_edit_read(const struct state *state, struct state_edit *edit);
int state_edit_end(struct state *state);
void state_edit_free(struct state_edit *edit);
/* Without a word, and without opening it. */
bool state_edit_exists(const struct common *common);

/* The site of a generation, byte by byte, to be freed. */
int state_site_text(const struct state *state, __u32 generation, struct source_text *text);
__u32 state_text_crc(const struct source_text *text);

#define STATE_COMMENT_MAX 1000U /* bytes */
/* Kept generations that stay, at least 10; and as many that were not kept. */
#define STATE_KEEP 20U

#endif
