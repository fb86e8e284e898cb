/* SPDX-License-Identifier: MIT */
/*
 * edit: "3224b088 42 89abcdef /etc/rolewall/site.yaml": a site file that is to get the text of a
 * generation, and the checksum of what it held before. The first is over all that follows it.
 */
#include <errno.h>
#include <stdio.h>
#include <zlib.h>

#include "cleanup.h"
#include "disk.h"
#include "state_internal.h"

#define EDIT_MAX 8192U
#define CRC_TEXT 9 /* with the blank behind it */

__u32 state_text_crc(const struct source_text *text)
{
	return (__u32)crc32_z(0, (const Bytef *)text->bytes, text->size);
}

static __u32 crc_of_rest(const char *rest)
{
	return (__u32)crc32_z(0, (const Bytef *)rest, strlen(rest));
}

int state_edit_begin(struct state *state, const struct state_edit *edit)
{
	_cleanup_free_ char *rest = NULL, *text = NULL;
	int length, err;

	if (asprintf(&rest, "%u %08x %s", edit->generation, edit->before, edit->path) < 0) {
		rest = NULL;
		return -ENOMEM;
	}
	length = asprintf(&text, "%08x %s", crc_of_rest(rest), rest);
	if (length < 0) {
		text = NULL;
		return -ENOMEM;
	}
	err = disk_replace(state->dir, FILE_EDIT, text, (size_t)length);
	return err ? state_complain(state, 0, FILE_EDIT, "write", err) : 0;
}

/* Of what state_edit_begin() wrote. */
static bool parse(const char *text, struct state_edit *edit)
{
	unsigned int crc, generation, before;
	int path = 0;

	if (sscanf(text, "%8x %u %8x %n", &crc, &generation, &before, &path) != 3 || !path ||
	    text[path] != '/' || crc_of_rest(text + CRC_TEXT) != crc)
		return false;
	*edit = (struct state_edit){generation, before, strdup(text + path)};
	return true;
}

int state_edit_read(const struct state *state, struct state_edit *edit)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	int err;

	*edit = (struct state_edit){0};
	if (state->dir < 0)
		return -ENOENT;
	err = disk_read(state->dir, FILE_EDIT, EDIT_MAX, &text, &size);
	if (err == -ENOENT)
		return err;
	if (err)
		return state_complain(state, 0, FILE_EDIT, "read", err);
	if (strlen(text) == size && parse(text, edit))
		return edit->path ? 0 : -ENOMEM;
	state_say(state, "%s/" FILE_EDIT ": does not name an edit", state->path);
	return -EBADMSG;
}

void state_edit_free(struct state_edit *edit)
{
	free(edit->path);
	edit->path = NULL;
}

int state_edit_end(struct state *state)
{
	if (!unlinkat(state->dir, FILE_EDIT, 0) || errno == ENOENT)
		return 0;
	return state_complain(state, 0, FILE_EDIT, "remove", -errno);
}

bool state_edit_exists(const struct common *common)
{
	_cleanup_free_ char *path = state_find_path(common), *file = NULL;

	if (!path || asprintf(&file, "%s/" FILE_EDIT, path) < 0) {
		file = NULL;
		return false;
	}
	return !access(file, F_OK);
}

int state_site_text(const struct state *state, __u32 generation, struct source_text *text)
{
	_cleanup_(state_entry_free) struct state_entry entry = {0};
	_cleanup_close_ int dir = -1;
	int err = state_open_entry(state, generation, &entry, &dir);

	*text = (struct source_text){0};
	return err ? err : state_read_file(state, &entry, dir, FILE_SITE, text);
}
