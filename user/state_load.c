/* SPDX-License-Identifier: MIT */
/* From a generation in the state directory back to a policy. */
#include <errno.h>
#include <stdio.h>

#include "cleanup.h"
#include "state_internal.h"

/* The paths are where the files lie now: that is what messages name. */
static int make_paths(const struct state *state, __u32 generation, struct input *input,
		      char **matrix)
{
	char name[GENERATION_NAME];
	const char *folder = generation_name(generation, name);

	if (asprintf(&input->path, "%s/" DIR_GENERATIONS "/%s/" FILE_SITE, state->path, folder) <
	    0) {
		input->path = NULL;
		return -ENOMEM;
	}
	if (asprintf(matrix, "%s/" DIR_GENERATIONS "/%s/" FILE_MATRIX, state->path, folder) < 0) {
		*matrix = NULL;
		return -ENOMEM;
	}
	return 0;
}

static int resolve(const struct source_text *site, const struct source_text *matrix,
		   char **matrix_path, struct input *input, struct diagnostics *diags)
{
	int err = site_parse(input->path, site->bytes, site->size, &input->site, diags);

	if (err)
		return err;
	/* whatever matrix the site names: it was this one */
	free(input->site.matrix);
	input->site.matrix = TAKE_PTR(*matrix_path);
	err = matrix_parse(input->site.matrix, matrix->bytes, matrix->size, &input->matrix, diags);
	return err ? err : policy_resolve(&input->matrix, &input->site, &input->policy, diags);
}

static int read_both(const struct state *state, __u32 generation, struct source_text *site,
		     struct source_text *matrix)
{
	_cleanup_(state_entry_free) struct state_entry entry = {0};
	_cleanup_close_ int dir = -1;
	int err = state_open_entry(state, generation, &entry, &dir);

	if (!err)
		err = state_read_file(state, &entry, dir, FILE_SITE, site);
	return err ? err : state_read_file(state, &entry, dir, FILE_MATRIX, matrix);
}

int state_load(const struct state *state, __u32 generation, struct input *input)
{
	struct source_text site = {0}, matrix = {0};
	_cleanup_free_ char *matrix_path = NULL;
	struct diagnostics diags = {0};
	int err;

	*input = (struct input){0};
	err = make_paths(state, generation, input, &matrix_path);
	if (!err)
		err = read_both(state, generation, &site, &matrix);
	if (!err)
		err = resolve(&site, &matrix, &matrix_path, input, &diags);
	if (err)
		diag_print(&diags, stderr); /* its warnings were said when it was applied */
	diag_free(&diags);
	free(site.bytes);
	free(matrix.bytes);
	return err;
}

static int try_to_load(const struct state *state, __u32 generation, struct input *input)
{
	int err = state_load(state, generation, input);

	if (err) {
		input_free(input);
		*input = (struct input){0};
	}
	return err;
}

/* The newest kept one that can be loaded, but for ONE that could not be. */
static int load_newest(const struct state *state, __u32 one, __u32 *generation, struct input *input)
{
	struct state_entry *list;
	size_t count;
	int err = state_list(state, &list, &count);

	if (err)
		return err;
	err = -ENOENT;
	for (size_t i = count; i-- > 0 && err && err != -ENOMEM;) {
		if (list[i].damaged || list[i].outcome != STATE_KEPT || list[i].generation == one)
			continue;
		err = try_to_load(state, list[i].generation, input);
		*generation = list[i].generation;
	}
	state_list_free(list, count);
	return err == -ENOMEM || !err ? err : -ENOENT;
}

int state_load_good(const struct state *state, __u32 *generation, struct input *input)
{
	__u32 current, found;
	int err = state_current(state, &current);

	*input = (struct input){0};
	if (!err && !current)
		err = -ENOENT;
	if (!err)
		err = try_to_load(state, current, input);
	if (!err) {
		*generation = current;
		return 0;
	}
	if (err == -ENOMEM)
		return err;
	err = load_newest(state, current, &found, input);
	if (err) {
		if (err == -ENOENT)
			fprintf(stderr, "rolewall: no generation in %s can be loaded\n",
				state->path);
		return err;
	}
	fprintf(stderr, "rolewall: the last good generation cannot be had; taking generation %u\n",
		found);
	*generation = found;
	return 0;
}

/* Where a rollback stands: at what it went back to. 0: that is no longer there. */
static __u32 standing(const struct state_entry *list, size_t count, __u32 generation)
{
	for (size_t i = count; i-- > 0;) {
		if (list[i].generation != generation)
			continue;
		if (list[i].damaged || !list[i].based_on)
			return generation;
		if (list[i].based_on >= generation)
			return generation; /* nobody writes that */
		generation = list[i].based_on;
	}
	return generation;
}

bool state_same(const struct state_entry *a, const struct state_entry *b)
{
	return a->site && b->site && a->site_crc == b->site_crc && a->matrix_crc == b->matrix_crc &&
	       a->site_bytes == b->site_bytes && a->matrix_bytes == b->matrix_bytes;
}

static const struct state_entry *find_entry(const struct state_entry *list, size_t count,
					    __u32 generation)
{
	for (size_t i = 0; i < count; i++)
		if (list[i].generation == generation)
			return &list[i];
	return NULL;
}

/* The newest kept one below PLACE that is not the same as NOW (NULL: not known). 0: none. */
static __u32 newest_other(const struct state_entry *list, size_t count, __u32 place,
			  const struct state_entry *now, size_t *passed)
{
	*passed = 0;
	for (size_t i = count; i-- > 0;) {
		if (list[i].generation >= place || list[i].damaged || list[i].outcome != STATE_KEPT)
			continue;
		if (!now || !state_same(&list[i], now))
			return list[i].generation;
		++*passed;
	}
	return 0;
}

int state_before(const struct state *state, __u32 generation, __u32 *before)
{
	struct state_entry *list;
	size_t count, passed;
	int err = state_list(state, &list, &count);
	__u32 place, found;

	if (err)
		return err;
	place = standing(list, count, generation);
	found = newest_other(list, count, place, find_entry(list, count, generation), &passed);
	state_list_free(list, count);
	if (found && passed)
		fprintf(stderr,
			"rolewall: passing over %zu between generations %u and %u: the same as what is in force\n",
			passed, found, place);
	if (!found)
		fprintf(stderr, "rolewall: %s has no generation before %u that was kept%s\n",
			state->path, place, passed ? " and is not the same" : "");
	*before = found;
	return found ? 0 : -ENOENT;
}
