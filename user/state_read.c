/* SPDX-License-Identifier: MIT */
/* What is in the state directory: which generations, what they say of themselves, their files. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <zlib.h>

#include "cleanup.h"
#include "disk.h"
#include "state_internal.h"

static int compare_numbers(const void *a, const void *b)
{
	__u32 x = *(const __u32 *)a, y = *(const __u32 *)b;

	return (x > y) - (x < y);
}

static int collect_numbers(DIR *stream, __u32 **list, size_t *count)
{
	_cleanup_free_ __u32 *numbers = NULL;
	struct dirent *entry;
	size_t found = 0;

	while ((entry = readdir(stream))) {
		__u32 number = generation_number(entry->d_name), *more;

		if (!number)
			continue;
		more = array_grow(numbers, found, sizeof(*numbers));
		if (!more)
			return -ENOMEM;
		numbers = more;
		numbers[found++] = number;
	}
	if (found)
		qsort(numbers, found, sizeof(*numbers), compare_numbers);
	*list = TAKE_PTR(numbers);
	*count = found;
	return 0;
}

int state_numbers(const struct state *state, __u32 **list, size_t *count)
{
	int fd, err;
	DIR *stream;

	*list = NULL;
	*count = 0;
	if (state->generations < 0)
		return 0;
	fd = openat(state->generations, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	stream = fdopendir(fd);
	if (!stream) {
		err = -errno;
		close(fd);
		return err;
	}
	err = collect_numbers(stream, list, count);
	closedir(stream);
	return err;
}

/* "4 to 33", "2, 4, 5, 9 to 12" */
static void print_numbers(FILE *out, const __u32 *numbers, size_t count)
{
	for (size_t i = 0, last; i < count; i = last + 1) {
		last = i;
		while (last + 1 < count && numbers[last + 1] == numbers[last] + 1)
			last++;
		if (last == i + 1)
			last = i;
		fprintf(out, "%s%u", i ? ", " : "", numbers[i]);
		if (last > i)
			fprintf(out, " to %u", numbers[last]);
	}
}

static char *numbers_text(const struct state *state)
{
	_cleanup_free_ __u32 *numbers = NULL;
	char *text = NULL;
	size_t size, count;
	FILE *out;

	if (state_numbers(state, &numbers, &count))
		return NULL;
	out = open_memstream(&text, &size);
	if (!out)
		return NULL;
	print_numbers(out, numbers, count);
	if (!fclose(out))
		return text;
	free(text);
	return NULL;
}

int state_missing(const struct state *state, __u32 generation)
{
	_cleanup_free_ char *numbers = numbers_text(state);

	if (!state_exists(state))
		state_say(state, "there is no generation %u: there is no state directory %s",
			  generation, state->path);
	else if (numbers && *numbers)
		state_say(state, "there is no generation %u in %s; there are: %s", generation,
			  state->path, numbers);
	else
		state_say(state, "there is no generation %u in %s%s", generation, state->path,
			  numbers ? ", nor any other" : "");
	return -ENOENT;
}

/* "42 crc32 3224b088\n" */
static bool read_current(const char *text, size_t size, __u32 *generation)
{
	char again[CURRENT_MAX], digits[GENERATION_NAME];
	size_t length = strspn(text, "0123456789");

	if (!length || length >= sizeof(digits))
		return false;
	memcpy(digits, text, length);
	digits[length] = '\0';
	*generation = (__u32)strtoul(digits, NULL, 10);
	snprintf(again, sizeof(again), "%u crc32 %08lx\n", *generation,
		 crc32_z(0, (const Bytef *)digits, length));
	return size == strlen(again) && !memcmp(text, again, size);
}

int state_current(const struct state *state, __u32 *generation)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	int err;

	*generation = 0;
	if (state->dir < 0)
		return 0;
	err = disk_read(state->dir, FILE_CURRENT, CURRENT_MAX, &text, &size);
	if (err == -ENOENT)
		return 0;
	if (err)
		return state_complain(state, 0, FILE_CURRENT, "read", err);
	if (read_current(text, size, generation))
		return 0;
	*generation = 0;
	state_say(state, "%s/" FILE_CURRENT ": does not name a generation", state->path);
	return -EBADMSG;
}

void state_entry_free(struct state_entry *entry)
{
	free(entry->comment);
	free(entry->who.user);
	free(entry->who.login);
	free(entry->version);
	free(entry->site);
	free(entry->matrix);
	*entry = (struct state_entry){0};
}

static int open_generation(const struct state *state, __u32 generation, int *dir)
{
	char name[GENERATION_NAME];

	if (state->generations < 0)
		return -ENOENT;
	return disk_open_dir(state->generations, generation_name(generation, name), dir);
}

/* Reads a file of a generation and sees that it is the one that was written. */
int state_read_file(const struct state *state, const struct state_entry *entry, int dir,
		    const char *name, struct source_text *text)
{
	bool site = !strcmp(name, FILE_SITE);
	size_t bytes = site ? entry->site_bytes : entry->matrix_bytes;
	__u32 crc = site ? entry->site_crc : entry->matrix_crc;
	_cleanup_free_ char *read = NULL;
	size_t size;
	int err = disk_read(dir, name, STATE_FILE_MAX, &read, &size);

	if (err)
		return state_complain(state, entry->generation, name, "read", err);
	if (size != bytes || crc32_z(0, (const Bytef *)read, size) != crc)
		return state_damaged(state, entry->generation, name,
				     "is not what was written: its checksum is wrong");
	*text = (struct source_text){TAKE_PTR(read), size};
	return 0;
}

static int check_files(const struct state *state, const struct state_entry *entry, int dir)
{
	struct source_text site = {0}, matrix = {0};
	int err = state_read_file(state, entry, dir, FILE_SITE, &site);

	if (!err)
		err = state_read_file(state, entry, dir, FILE_MATRIX, &matrix);
	free(site.bytes);
	free(matrix.bytes);
	return err;
}

/* Its meta.json; DIR is its directory. */
static int read_meta(const struct state *state, __u32 generation, int dir,
		     struct state_entry *entry)
{
	_cleanup_free_ char *text = NULL, *fault = NULL;
	size_t size;
	int err = disk_read(dir, FILE_META, META_MAX, &text, &size);

	if (err)
		return state_complain(state, generation, FILE_META, "read", err);
	err = meta_read(text, size, entry, &fault);
	if (err == -EBADMSG)
		return state_damaged(state, generation, FILE_META, fault);
	if (err || entry->generation == generation)
		return err;
	state_entry_free(entry);
	return state_damaged(state, generation, FILE_META, "is another generation's");
}

/* Meta and files; the directory stays open in *dir. */
int state_open_entry(const struct state *state, __u32 generation, struct state_entry *entry,
		     int *dir)
{
	int err = open_generation(state, generation, dir);

	if (err == -ENOENT)
		return state_missing(state, generation);
	if (err)
		return state_complain(state, generation, NULL, "open", err);
	return read_meta(state, generation, *dir, entry);
}

bool state_has(const struct state *state, __u32 generation)
{
	char name[GENERATION_NAME];

	return state->generations >= 0 &&
	       !faccessat(state->generations, generation_name(generation, name), F_OK,
			  AT_SYMLINK_NOFOLLOW);
}

static bool is_sound(const struct state *state, __u32 generation)
{
	_cleanup_(state_entry_free) struct state_entry entry = {0};
	_cleanup_close_ int dir = -1;

	return !state_open_entry(state, generation, &entry, &dir);
}

static bool is_taken(const __u32 *numbers, size_t count, __u32 number)
{
	for (size_t i = count; i-- > 0 && numbers[i] >= number;)
		if (numbers[i] == number)
			return true;
	return false;
}

int state_next(const struct state *state, __u32 above, __u32 *next)
{
	_cleanup_free_ __u32 *numbers = NULL;
	size_t count, sound;
	int err = state_numbers(state, &numbers, &count);

	if (err)
		return state_complain(state, 0, DIR_GENERATIONS, "read", err);
	for (sound = count; sound > 0 && !is_sound(state, numbers[sound - 1]);)
		sound--;
	if (sound && numbers[sound - 1] > above)
		above = numbers[sound - 1];
	while (above < UINT32_MAX && is_taken(numbers, count, above + 1))
		above++;
	if (above == UINT32_MAX) {
		state_say(
			state,
			"no generation's number is left above %u: detach, move %s away, and apply again",
			above, state->path);
		return -EOVERFLOW;
	}
	*next = above + 1;
	return 0;
}

bool state_is_kept(const struct state *state, __u32 generation)
{
	_cleanup_(state_entry_free) struct state_entry entry = {0};
	_cleanup_close_ int dir = -1;

	return !state_open_entry(state, generation, &entry, &dir) && entry.outcome == STATE_KEPT;
}

static int read_entry(const struct state *state, __u32 generation, struct state_entry *entry)
{
	_cleanup_close_ int dir = -1;
	int err;

	*entry = (struct state_entry){0};
	err = state_open_entry(state, generation, entry, &dir);
	return err ? err : check_files(state, entry, dir);
}

int state_read(const struct state *state, __u32 generation, struct state_entry *entry)
{
	__u32 current;
	int err = read_entry(state, generation, entry);

	if (err)
		return err;
	state_current(state, &current); /* says what is wrong with it */
	entry->is_current = current == generation;
	return 0;
}

void state_list_free(struct state_entry *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		state_entry_free(&list[i]);
	free(list);
}

int state_list(const struct state *state, struct state_entry **list, size_t *count)
{
	_cleanup_free_ __u32 *numbers = NULL;
	struct state_entry *entries;
	__u32 current;
	size_t found;
	int err = state_numbers(state, &numbers, &found);

	if (err)
		return state_complain(state, 0, DIR_GENERATIONS, "read", err);
	entries = calloc(found + 1, sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	state_current(state, &current); /* says what is wrong with it; the list is the same */
	for (size_t i = 0; i < found; i++) {
		err = read_entry(state, numbers[i], &entries[i]);
		if (err == -ENOMEM) {
			state_list_free(entries, i + 1);
			return err;
		}
		entries[i].damaged = err;
		entries[i].generation = numbers[i];
		entries[i].is_current = numbers[i] == current;
	}
	*list = entries;
	*count = found;
	return 0;
}

int state_open_ends(const struct state *state, struct state_entry **list, size_t *count)
{
	_cleanup_free_ __u32 *numbers = NULL;
	struct state_entry *entries;
	__u32 current;
	size_t found, n = 0;
	int err = state_numbers(state, &numbers, &found);

	if (err)
		return state_complain(state, 0, DIR_GENERATIONS, "read", err);
	entries = calloc(found + 1, sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	state_current(state, &current); /* says what is wrong with it */
	for (size_t i = 0; i < found; i++) {
		_cleanup_close_ int dir = -1;

		if (state_open_entry(state, numbers[i], &entries[n], &dir))
			continue; /* damaged: said */
		entries[n].is_current = numbers[i] == current;
		if (entries[n].outcome == STATE_PREPARED || entries[n].outcome == STATE_TRIAL)
			n++;
		else
			state_entry_free(&entries[n]);
	}
	*list = entries;
	*count = n;
	return 0;
}
