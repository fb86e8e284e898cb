/* SPDX-License-Identifier: MIT */
/*
 * Changing the state directory, so that a power loss at any moment leaves what was or what comes:
 * a generation is made under another name and renamed when it is on the disk; meta.json and
 * `current` are replaced by a rename.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <zlib.h>

#include "cleanup.h"
#include "disk.h"
#include "state_internal.h"
#include "version.h"

/* --- a new generation */

/* Everything of an entry that its maker does not say; strings are borrowed, but for who. */
static int complete(const struct state_entry *entry, struct state_entry *whole)
{
	const struct input *input = entry->input;

	*whole = (struct state_entry){
		.generation = entry->generation,
		.policy = entry->policy,
		.based_on = entry->based_on,
		.comment = entry->comment,
		.outcome = STATE_PREPARED,
		.when = (long long)time(NULL),
		.version = (char *)ROLEWALL_VERSION,
		.site = entry->site ? entry->site : input->site.path,
		.matrix = input->matrix.name,
		.site_bytes = input->site.text.size,
		.matrix_bytes = input->matrix.text.size,
		.site_crc = state_text_crc(&input->site.text),
		.matrix_crc = state_text_crc(&input->matrix.text),
	};
	return state_who(&whole->who);
}

/* Into the directory NEW of all generations; says which file could not be written. */
static int write_files(const struct state *state, const struct state_entry *entry, const char *new,
		       const char **file)
{
	const struct input *input = entry->input;
	_cleanup_(state_entry_free) struct state_entry owned = {0};
	struct state_entry whole = {0};
	_cleanup_close_ int dir = -1;
	_cleanup_free_ char *meta = NULL;
	int err = complete(entry, &whole);

	owned.who = whole.who;
	*file = NULL;
	meta = err ? NULL : meta_write(&whole);
	if (!meta)
		return -ENOMEM;
	err = disk_open_dir(state->generations, new, &dir);
	if (err)
		return err;
	*file = FILE_SITE;
	err = disk_write(dir, FILE_SITE, input->site.text.bytes, input->site.text.size);
	if (err)
		return err;
	*file = FILE_MATRIX;
	err = disk_write(dir, FILE_MATRIX, input->matrix.text.bytes, input->matrix.text.size);
	if (err)
		return err;
	*file = FILE_META;
	err = disk_write(dir, FILE_META, meta, strlen(meta));
	return err ? err : fsync(dir) ? -errno : 0;
}

/* What a crash has left under names of its own. */
static void remove_temporary(const struct state *state)
{
	int fd = openat(state->generations, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!stream) {
		close_fd(&fd);
		return;
	}
	while ((entry = readdir(stream)))
		if (disk_is_temporary(entry->d_name) && strcmp(entry->d_name, ".") != 0 &&
		    strcmp(entry->d_name, "..") != 0)
			disk_remove(state->generations, entry->d_name);
	closedir(stream);
	unlinkat(state->dir, "." FILE_EDIT ".new", 0); /* the others' are written anew each time */
}

static int make_generation(const struct state *state, const struct state_entry *entry,
			   const char *new, const char **file)
{
	char name[GENERATION_NAME];
	int err;

	*file = NULL;
	if (mkdirat(state->generations, new, 0700))
		return -errno;
	err = write_files(state, entry, new, file);
	if (err)
		return err;
	*file = NULL;
	if (renameat2(state->generations, new, state->generations,
		      generation_name(entry->generation, name), RENAME_NOREPLACE))
		return -errno;
	return fsync(state->generations) ? -errno : 0;
}

int state_prepare(struct state *state, const struct state_entry *entry)
{
	char new[GENERATION_NAME + 8], name[GENERATION_NAME];
	const char *file;
	int err;

	if (entry->comment && strlen(entry->comment) > STATE_COMMENT_MAX) {
		fprintf(stderr, "rolewall: the comment has %zu bytes; accepted: at most %u\n",
			strlen(entry->comment), STATE_COMMENT_MAX);
		return -EINVAL;
	}
	snprintf(new, sizeof(new), ".%s.new", generation_name(entry->generation, name));
	remove_temporary(state);
	err = make_generation(state, entry, new, &file);
	if (!err)
		return 0;
	state_complain(state, entry->generation, file, "write", err);
	disk_remove(state->generations, new);
	return err;
}

/* --- its outcome */

static int replace_meta(const struct state *state, const struct state_entry *entry, int dir)
{
	_cleanup_free_ char *meta = meta_write(entry);
	int err = meta ? disk_replace(dir, FILE_META, meta, strlen(meta)) : -ENOMEM;

	return err ? state_complain(state, entry->generation, FILE_META, "write", err) : 0;
}

static int set_outcome(const struct state *state, __u32 generation, enum state_outcome outcome)
{
	_cleanup_(state_entry_free) struct state_entry entry = {0};
	_cleanup_close_ int dir = -1;
	int err = state_open_entry(state, generation, &entry, &dir);

	if (err)
		return err;
	entry.outcome = outcome;
	if (outcome != STATE_PREPARED && outcome != STATE_TRIAL)
		entry.settled = (long long)time(NULL);
	return replace_meta(state, &entry, dir);
}

int state_detach(struct state *state, __u32 generation)
{
	_cleanup_(state_entry_free) struct state_entry entry = {0};
	_cleanup_close_ int dir = -1;
	int err = state_open_entry(state, generation, &entry, &dir);

	if (err)
		return err;
	entry.detached = (long long)time(NULL);
	if (entry.outcome == STATE_TRIAL) {
		entry.outcome = STATE_DETACHED;
		entry.settled = entry.detached;
	}
	return replace_meta(state, &entry, dir);
}

static int point(const struct state *state, __u32 generation)
{
	char digits[GENERATION_NAME], text[CURRENT_MAX];
	int length = snprintf(digits, sizeof(digits), "%u", generation), err;

	length = snprintf(text, sizeof(text), "%u crc32 %08lx\n", generation,
			  crc32_z(0, (const Bytef *)digits, (size_t)length));
	err = disk_replace(state->dir, FILE_CURRENT, text, (size_t)length);
	return err ? state_complain(state, 0, FILE_CURRENT, "write", err) : 0;
}

/* A damaged one must not become the last good one. */
static int point_to_whole(const struct state *state, __u32 generation)
{
	_cleanup_(state_entry_free) struct state_entry entry = {0};
	_cleanup_close_ int dir = -1;
	int err = state_open_entry(state, generation, &entry, &dir);

	return err ? err : point(state, generation);
}

/* What `current` names counts as kept: a kill behind that leaves nothing that nobody looks at. */
int state_settle(struct state *state, __u32 generation, enum state_outcome outcome)
{
	int err = outcome == STATE_KEPT ? point_to_whole(state, generation) : 0;

	if (!err)
		err = set_outcome(state, generation, outcome);
	if (!err && outcome == STATE_KEPT)
		state_prune(state, generation);
	return err;
}

int state_commit(struct state *state, __u32 generation, enum state_outcome outcome)
{
	return state_settle(state, generation, outcome);
}
