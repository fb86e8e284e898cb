/* SPDX-License-Identifier: MIT */
#include "pending.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "cleanup.h"
#include "disk.h"
#include "settle.h"
#include "site_file.h"
#include "steady.h"
#include "yaml_doc.h"

enum holds { HOLDS_BEFORE, HOLDS_AFTER, HOLDS_OTHER };

static void free_text(struct source_text *text)
{
	free(text->bytes);
}

/* Whatever it is, and whoever has it locked. */
static enum holds look(const struct state_edit *edit, const struct source_text *after)
{
	_cleanup_close_ int fd = open(edit->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	_cleanup_(free_text) struct source_text now = {0};
	struct stat status;

	if (fd < 0 || fstat(fd, &status) || !S_ISREG(status.st_mode) ||
	    (size_t)status.st_size > YAML_FILE_MAX)
		return HOLDS_OTHER;
	now.size = (size_t)status.st_size;
	now.bytes = calloc(1, now.size + 1);
	if (!now.bytes || disk_read_whole(fd, now.bytes, now.size))
		return HOLDS_OTHER;
	if (now.size == after->size && !memcmp(now.bytes, after->bytes, now.size))
		return HOLDS_AFTER;
	return state_text_crc(&now) == edit->before ? HOLDS_BEFORE : HOLDS_OTHER;
}

static void tell(const struct state *state, const struct state_edit *edit, const char *why)
{
	state_say(
		state,
		"generation %u, which is in force, was made by `pool`, and %s does not have its change: %s; \"rolewall history %u\" shows the text that is in force",
		edit->generation, edit->path, why, edit->generation);
}

/* Under its lock, as `pool` would have done. */
static int write_file(const struct state_edit *edit, const struct source_text *after)
{
	_cleanup_(site_file_close) struct site_file file = {.fd = -1};
	int err = site_file_open(edit->path, &file);

	if (!err && state_text_crc(&file.text) != edit->before)
		err = -ESTALE;
	if (!err)
		err = site_file_prepare(&file, after);
	return err ? err : site_file_replace(&file);
}

/* Of what is in force. True: that is all that had to be done. */
static bool finish(const struct state *state, const struct state_edit *edit,
		   const struct source_text *after)
{
	switch (look(edit, after)) {
	case HOLDS_AFTER:
		return true;
	case HOLDS_OTHER:
		tell(state, edit, "it was changed or removed since");
		return false;
	default:
		break;
	}
	if (write_file(edit, after)) {
		tell(state, edit, "it could not be replaced");
		return false;
	}
	state_say(
		state,
		"%s has got the change of generation %u now: `pool` was ended before it could write it",
		edit->path, edit->generation);
	return true;
}

/* A power loss behind the replacement, before the history had it. */
static void tell_ahead(const struct state *state, const struct state_edit *edit,
		       const struct source_text *after)
{
	if (look(edit, after) == HOLDS_AFTER)
		state_say(
			state,
			"%s has the change that `pool` made with generation %u, which is not in force any more: \"rolewall apply\" brings it",
			edit->path, edit->generation);
}

void pending_settle(struct state *state, __u32 in_force)
{
	_cleanup_(state_edit_free) struct state_edit edit = {0};
	_cleanup_(free_text) struct source_text after = {0};
	int err = state_edit_read(state, &edit);
	bool is_done = true;

	if (err == -ENOENT || err == -ENOMEM)
		return;
	if (!err)
		err = state_site_text(state, edit.generation, &after);
	if (!err && edit.generation == in_force)
		is_done = finish(state, &edit, &after);
	else if (!err)
		tell_ahead(state, &edit, &after);
	if (!is_done)
		return;
	if (edit.path)
		site_file_tidy(edit.path);
	state_edit_end(state);
}

/* --- for commands */

int pending_finish(const struct common *common)
{
	_cleanup_(steady_end) struct steady steady;
	_cleanup_(kernel_close) struct kernel kernel = KERNEL_CLOSED;
	int history, err;

	steady_begin(&steady);
	site_file_tidy(common->site);
	if (!state_edit_exists(common))
		return 0;
	err = settle_open(common, &kernel, &history);
	if (err == -ENOENT) {
		kernel_unload(&kernel);
		err = 0;
	}
	return err;
}

static void tell_of(const struct state *state, __u32 in_force)
{
	_cleanup_(state_edit_free) struct state_edit edit = {0};
	_cleanup_(free_text) struct source_text after = {0};

	if (state_edit_read(state, &edit) || edit.generation != in_force ||
	    state_site_text(state, edit.generation, &after))
		return;
	switch (look(&edit, &after)) {
	case HOLDS_AFTER:
		break;
	case HOLDS_BEFORE:
		tell(state, &edit, "the next `apply` or `pool` writes it");
		break;
	case HOLDS_OTHER:
		tell(state, &edit, "it was changed or removed since");
	}
}

void pending_tell(const struct common *common)
{
	_cleanup_(kernel_close) struct kernel kernel = KERNEL_CLOSED;
	struct state *state;

	if (!state_edit_exists(common) || !kernel_peek(common->pin_dir, &kernel) ||
	    state_open(common, false, &state))
		return;
	tell_of(state, generation_in_force(&kernel));
	state_close(state);
}
