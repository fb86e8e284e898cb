/* SPDX-License-Identifier: MIT */
/* The state directory as it should be, and as it should not: each fault is named with its file. */
#include "state_dir.h"

#include <errno.h>
#include <time.h>

#include "state_internal.h"
#include "string_list.h"

static int begin(void **state)
{
	static struct bench bench;

	bench_begin(&bench);
	*state = &bench;
	return 0;
}

/* For rows of a table, whose state is the row. */
static struct bench row_bench;

static int end(void **state)
{
	bench_end(*state);
	return 0;
}

static struct state *open_for(const struct bench *bench, bool write)
{
	struct state *state = NULL;

	assert_int_equal(state_open(&bench->common, write, &state), 0);
	return state;
}

/* "1 kept, 2 trial, 3 damaged" */
static void expect_list(struct bench *bench, const struct state *state, const char *expected)
{
	struct state_entry *list;
	char text[2048] = "";
	size_t count;
	int err;

	HEARD(bench, err, state_list(state, &list, &count));
	assert_int_equal(err, 0);
	for (size_t i = 0; i < count; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%u%s %s",
			 i ? ", " : "", list[i].generation, list[i].is_current ? "*" : "",
			 list[i].damaged ? "damaged" : state_outcome_name(list[i].outcome));
	state_list_free(list, count);
	assert_string_equal(text, expected);
}

static void keeps_what_was_applied(void **context)
{
	struct bench *bench = *context;
	struct state *state = open_for(bench, true);
	struct state_entry entry;
	struct input input;

	assert_int_equal(bench_prepare(bench, state, 7, 3), 0);
	expect_list(bench, state, "7 prepared");
	assert_int_equal(state_commit(state, 7, STATE_KEPT), 0);
	put_text(bench->site, "something else\n");
	put_text(bench->matrix, "something else\n");
	assert_int_equal(state_read(state, 7, &entry), 0);
	assert_int_equal(entry.policy, 0x1007);
	assert_int_equal(entry.based_on, 3);
	assert_string_equal(entry.comment, "why");
	assert_string_equal(entry.site, bench->site);
	assert_string_equal(entry.matrix, "m");
	assert_int_equal(entry.who.uid, getuid());
	assert_in_range(entry.when, time(NULL) - 10, time(NULL));
	assert_in_range(entry.settled, entry.when, time(NULL));
	state_entry_free(&entry);
	assert_int_equal(state_load(state, 7, &input), 0);
	assert_int_equal(input.site.text.size, strlen(TEST_SITE));
	assert_memory_equal(input.site.text.bytes, TEST_SITE, strlen(TEST_SITE));
	assert_int_equal(input.policy.n_pools, 1);
	assert_string_equal(input.policy.rows[0]->id, "t/01");
	input_free(&input);
	state_close(state);
}

static void names_who_is_behind_sudo(void **context)
{
	struct state_who who;

	(void)context;
	setenv("SUDO_UID", "4294967", 1);
	assert_int_equal(state_who(&who), 0);
	unsetenv("SUDO_UID");
	assert_int_equal(who.login_uid, 4294967);
	assert_string_equal(who.login, "4294967"); /* nobody has that number */
	free(who.user);
	free(who.login);
}

static void current_follows_what_is_kept(void **context)
{
	struct bench *bench = *context;
	struct state *state = open_for(bench, true);
	struct input input;
	__u32 good;

	for (__u32 i = 1; i <= 5; i++)
		assert_int_equal(bench_prepare(bench, state, i, 0), 0);
	assert_int_equal(state_commit(state, 1, STATE_KEPT), 0);
	assert_int_equal(state_commit(state, 2, STATE_TRIAL), 0);
	assert_int_equal(state_settle(state, 3, STATE_FAILED), 0);
	assert_int_equal(state_settle(state, 4, STATE_RETURNED), 0);
	assert_int_equal(state_settle(state, 5, STATE_ROLLED_BACK), 0);
	expect_list(bench, state, "1* kept, 2 trial, 3 failed, 4 returned, 5 rolled-back");
	assert_int_equal(state_settle(state, 2, STATE_KEPT), 0);
	assert_int_equal(state_load_good(state, &good, &input), 0);
	assert_int_equal(good, 2);
	input_free(&input);
	assert_int_equal(state_next(state, 0, &good), 0);
	assert_int_equal(good, 6);
	state_close(state);
}

static void numbers_end(void **context)
{
	struct bench *bench = *context;
	char command[256];
	struct state *state;
	__u32 next;
	int err;

	bench_fill(bench, 41, 41);
	/* a stray directory is neither counted nor taken */
	snprintf(command, sizeof(command), "cd %s/generations && mkdir -m 700 000042 4294967295",
		 bench->path);
	assert_int_equal(system(command), 0);
	state = open_for(bench, true);
	HEARD(bench, err, state_next(state, 7, &next));
	assert_int_equal(err, 0);
	assert_int_equal(next, 43);
	HEARD(bench, err, state_next(state, 0xfffffffd, &next));
	assert_int_equal(err, 0);
	assert_int_equal(next, 0xfffffffe);
	for (__u32 above = 0xfffffffe; above; above++) {
		HEARD(bench, err, state_next(state, above, &next));
		assert_int_equal(err, -EOVERFLOW);
		assert_non_null(
			strstr(bench->said,
			       "no generation's number is left above 4294967295: detach, move "));
	}
	state_close(state);
	/* nor does pruning let the newest go whose number counts */
	state = open_for(bench, true);
	state->keep = 0;
	for (__u32 number = 43; number <= 44; number++)
		assert_int_equal(bench_prepare(bench, state, number, 0), 0);
	assert_int_equal(state_settle(state, 44, STATE_FAILED), 0);
	HEARD(bench, err, state_settle(state, 43, STATE_KEPT));
	assert_int_equal(err, 0);
	HEARD(bench, err, state_next(state, 0, &next));
	assert_int_equal(next, 45);
	state_close(state);
}

static void prunes(void **context)
{
	struct bench *bench = *context;
	struct state *state;
	__u32 *numbers;
	size_t count;

	bench_fill(bench, 1, 2 * STATE_KEEP);
	state = open_for(bench, false);
	assert_int_equal(state_numbers(state, &numbers, &count), 0);
	assert_int_equal(count, STATE_KEEP);
	assert_true(count >= 10);
	assert_int_equal(numbers[0], STATE_KEEP + 1);
	free(numbers);
	state_close(state);
}

/* Each letter is a site, a capital one has a comment. */
static void keep_letters(struct bench *bench, struct state *state, __u32 first, const char *letters)
{
	for (__u32 i = 0; letters[i]; i++) {
		bool capital = letters[i] < 'a';

		bench->comment = capital ? "why" : NULL;
		bench_vary(bench, (__u32)letters[i] | 0x20);
		assert_int_equal(bench_prepare(bench, state, first + i, 0), 0);
		assert_int_equal(state_commit(state, first + i, STATE_KEPT), 0);
	}
}

static void expect_numbers(const struct state *state, const char *expected)
{
	char text[256] = "";
	__u32 *numbers;
	size_t count;

	assert_int_equal(state_numbers(state, &numbers, &count), 0);
	for (size_t i = 0; i < count; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%u", i ? " " : "",
			 numbers[i]);
	free(numbers);
	assert_string_equal(text, expected);
}

struct pruning {
	const char *name;
	const char *letters; /* one after the other; 4 stay */
	const char *stay;
};

static const struct pruning prunings[] = {
	{"different ones: the oldest", "abcdef", "3 4 5 6"},
	{"repeats of the last, the oldest of them", "abccccc", "1 2 6 7"},
	{"repeats of one before", "abcad", "2 3 4 5"},
	{"what has a comment is not gone for repeats of another", "aBccccccccc", "1 2 10 11"},
	{"nor is the comment on the first of the repeats", "aBbbbbbbbbb", "1 2 10 11"},
	{"unless there is no other", "aBBBBBB", "1 5 6 7"},
	{"different ones stay, and beside them what the boot takes", "abcdddddd", "1 2 3 8 9"},
	{"comments go where different ones are enough", "abcDddddd", "1 2 3 8 9"},
	{"two in turns", "ababababab", "7 8 9 10"},
};

static void prunes_repeats_first(void **context)
{
	const struct pruning *row = *context;
	struct bench *bench = &row_bench;
	struct state *state;

	bench_begin(bench);
	state = open_for(bench, true);
	state->keep = 4;
	keep_letters(bench, state, 1, row->letters);
	expect_numbers(state, row->stay);
	state_close(state);
	bench_end(bench);
}

/* A repeat is one only of a generation that could be used instead. */
static void prunes_no_repeat_of_a_damaged_one(void **context)
{
	struct bench *bench = *context;
	struct state *state = open_for(bench, true);
	char command[192];

	state->keep = 4;
	keep_letters(bench, state, 1, "abbc");
	snprintf(command, sizeof(command), "echo >%s/generations/000003/site.yaml", bench->path);
	assert_int_equal(system(command), 0);
	keep_letters(bench, state, 5, "d");
	expect_numbers(state, "2 3 4 5");
	state_close(state);
}

static void prunes_no_trial(void **context)
{
	struct bench *bench = *context;
	struct state *state = open_for(bench, true);

	state->keep = 2;
	keep_letters(bench, state, 1, "a");
	for (__u32 i = 2; i <= 5; i++) {
		assert_int_equal(bench_prepare(bench, state, i, 0), 0);
		assert_int_equal(state_commit(state, i, i == 2 ? STATE_TRIAL : STATE_FAILED), 0);
	}
	keep_letters(bench, state, 6, "b");
	expect_numbers(state, "1 2 5 6");
	state_close(state);
}

static void stands_where_it_went_back_to(void **context)
{
	struct bench *bench = *context;
	struct state *state = open_for(bench, true);
	__u32 before;
	int err;

	keep_letters(bench, state, 1, "abcd");
	for (__u32 i = 0; i < 3; i++) { /* 5 is 3, 6 is 2, 7 is 1 */
		assert_int_equal(state_before(state, 4 + i, &before), 0);
		assert_int_equal(before, 3 - i);
		bench_vary(bench, 'a' + before - 1);
		assert_int_equal(bench_prepare(bench, state, 5 + i, before), 0);
		assert_int_equal(state_commit(state, 5 + i, STATE_KEPT), 0);
	}
	HEARD(bench, err, state_before(state, 7, &before));
	assert_int_equal(err, -ENOENT);
	assert_non_null(strstr(bench->said, "no generation before 1 that was kept\n"));
	keep_letters(bench, state, 8, "e");
	assert_int_equal(state_before(state, 8, &before), 0);
	assert_int_equal(before, 7);
	state_close(state);
}

static void passes_over_what_is_the_same(void **context)
{
	struct bench *bench = *context;
	struct state *state = open_for(bench, true);
	__u32 before;
	int err;

	keep_letters(bench, state, 1, "bbabb");
	HEARD(bench, err, state_before(state, 5, &before));
	assert_int_equal(err, 0);
	assert_int_equal(before, 3);
	assert_non_null(
		strstr(bench->said, "passing over 1 between generations 3 and 5: the same"));
	HEARD(bench, err, state_before(state, 2, &before));
	assert_int_equal(err, -ENOENT);
	assert_non_null(
		strstr(bench->said, "no generation before 2 that was kept and is not the same\n"));
	state_close(state);
}

/* Commands read the directory several times. */
static void says_nothing_twice(void **context)
{
	struct bench *bench = *context;
	struct strings said = {0};
	struct state_entry *list;
	struct state *state;
	char command[192];
	size_t count;
	int err;

	bench_fill(bench, 1, 2);
	snprintf(command, sizeof(command), "echo >%s/generations/000001/meta.json", bench->path);
	assert_int_equal(system(command), 0);
	bench->common.said = &said;
	for (int i = 0; i < 2; i++) {
		state = open_for(bench, false);
		HEARD(bench, err, state_list(state, &list, &count));
		assert_int_equal(err, 0);
		assert_int_equal(!*bench->said, i);
		state_list_free(list, count);
		state_close(state);
	}
	strings_free(&said);
}

static void nothing_there_is_empty(void **context)
{
	struct bench *bench = *context;
	struct state *state = open_for(bench, false);
	struct input input;
	__u32 good;
	int err;

	expect_list(bench, state, "");
	assert_string_equal(bench->said, "");
	HEARD(bench, err, state_load_good(state, &good, &input));
	assert_int_equal(err, -ENOENT);
	assert_non_null(strstr(bench->said, "no generation in "));
	state_close(state);
	assert_int_equal(access(bench->path, F_OK), -1);
}

static void one_writer(void **context)
{
	struct bench *bench = *context;
	struct state *first = open_for(bench, true), *second = NULL;
	int err;

	HEARD(bench, err, state_open(&bench->common, true, &second));
	assert_int_equal(err, -EBUSY);
	assert_non_null(strstr(bench->said, "is being written to by process "));
	second = open_for(bench, false);
	state_close(second);
	state_close(first);
	state_close(open_for(bench, true));
}

static void instances_do_not_share(void **context)
{
	static const char *const pins[][2] = {
		{"/sys/fs/bpf/rolewall", "/var/lib/rolewall"},
		{"/sys/fs/bpf//rolewall/", "/var/lib/rolewall"},
		{"/sys/fs/bpf/b/c", "/var/lib/rolewall/instances/sys-fs-bpf-b-c"},
		{"/sys/fs/bpf/b-c", "/var/lib/rolewall/instances/sys-fs-bpf-b%2dc"},
		{"/..", "/var/lib/rolewall/instances/%2e."},
	};

	(void)context;
	for (size_t i = 0; i < sizeof(pins) / sizeof(pins[0]); i++) {
		char *path = state_find_path(&(struct common){.pin_dir = pins[i][0]});

		assert_string_equal(path, pins[i][1]);
		free(path);
	}
}

/* --- faults; %s is the state directory */

struct damage {
	const char *name;
	const char *command; /* in the directory, which has generations 1 to 3 */
	const char *list; /* afterwards */
	const char *said; /* and part of what is said then */
	__u32 good; /* what would be loaded at boot; 0 = nothing */
	const char *said_loading;
};

#define GENERATION "generations/000003/"
#define FALLBACK "the last good generation cannot be had; taking generation 2"

static const struct damage damages[] = {
	{"nothing", "true", "1 kept, 2 kept, 3* kept", "", 3, ""},
	{"meta.json is gone", "rm " GENERATION "meta.json", "1 kept, 2 kept, 3* damaged",
	 "state/generations/000003/meta.json: No such file", 2, FALLBACK},
	{"meta.json is empty", ": >" GENERATION "meta.json", "1 kept, 2 kept, 3* damaged",
	 "000003/meta.json: not JSON in line 1: '[' or '{' expected", 2, FALLBACK},
	{"meta.json is cut", "truncate -s 100 " GENERATION "meta.json",
	 "1 kept, 2 kept, 3* damaged", "000003/meta.json: not JSON in line", 2, FALLBACK},
	{"meta.json is changed", "sed -i s/why/how/ " GENERATION "meta.json",
	 "1 kept, 2 kept, 3* damaged", "000003/meta.json: its checksum is wrong", 2, FALLBACK},
	{"meta.json is another's", "cp generations/000002/meta.json " GENERATION,
	 "1 kept, 2 kept, 3* damaged", "000003/meta.json: is another generation's", 2, FALLBACK},
	{"meta.json is of a later version",
	 "sed -i 's/\"format\": 1/\"format\": 2/' " GENERATION "meta.json",
	 "1 kept, 2 kept, 3* damaged", "meta.json: format 2; this version reads format 1", 2,
	 FALLBACK},
	{"meta.json is huge", "truncate -s 100000 " GENERATION "meta.json",
	 "1 kept, 2 kept, 3* damaged", "meta.json: is too large to be a file of rolewall", 2,
	 FALLBACK},
	{"the site is changed", "sed -i s/eth0/eth1/ " GENERATION "site.yaml",
	 "1 kept, 2 kept, 3* damaged",
	 "000003/site.yaml: is not what was written: its checksum is wrong", 2, FALLBACK},
	{"the site is cut", "truncate -s 10 " GENERATION "site.yaml", "1 kept, 2 kept, 3* damaged",
	 "000003/site.yaml: is not what was written", 2, FALLBACK},
	{"the matrix is gone", "rm " GENERATION "matrix.yaml", "1 kept, 2 kept, 3* damaged",
	 "000003/matrix.yaml: No such file", 2, FALLBACK},
	{"the site is a link", "cd " GENERATION " && mv site.yaml x && ln -s x site.yaml",
	 "1 kept, 2 kept, 3* damaged", "site.yaml: is a symbolic link, which is not followed", 2,
	 FALLBACK},
	{"the site is a pipe",
	 "rm " GENERATION "site.yaml && mkfifo -m 600 " GENERATION "site.yaml",
	 "1 kept, 2 kept, 3* damaged", "site.yaml: is no regular file", 2, FALLBACK},
	{"the site may be written by all", "chmod 666 " GENERATION "site.yaml",
	 "1 kept, 2 kept, 3* damaged", "site.yaml: must belong to the caller", 2, FALLBACK},
	{"a generation is a link", "mv generations/000003 x && ln -s ../x generations/000003",
	 "1 kept, 2 kept, 3* damaged", "generations/000003: is a symbolic link", 2, FALLBACK},
	{"a generation is a file", "rm -r generations/000003 && touch generations/000003",
	 "1 kept, 2 kept, 3* damaged", "generations/000003: Not a directory", 2, FALLBACK},
	{"a generation is gone", "rm -r generations/000003", "1 kept, 2 kept", "", 2, FALLBACK},
	{"current is gone", "rm current", "1 kept, 2 kept, 3 kept", "", 3, "taking generation 3"},
	{"current is empty", ": >current", "1 kept, 2 kept, 3 kept",
	 "state/current: does not name a generation", 3, "taking generation 3"},
	{"current is changed", "sed -i s/3/2/ current", "1 kept, 2 kept, 3 kept",
	 "state/current: does not name a generation", 3, "taking generation 3"},
	{"current is huge", "truncate -s 1000 current", "1 kept, 2 kept, 3 kept",
	 "current: is too large", 3, "taking generation 3"},
	{"current is a directory", "rm current && mkdir -m 700 current", "1 kept, 2 kept, 3 kept",
	 "current: is no regular file", 3, "taking generation 3"},
	{"all are damaged", "rm generations/*/meta.json", "1 damaged, 2 damaged, 3* damaged",
	 "000001/meta.json: No such file", 0, "no generation in "},
	{"names that are no generations",
	 "mkdir -m 700 generations/000000 generations/4 generations/0000005 generations/x "
	 "generations/.000006.new generations/99999999999",
	 "1 kept, 2 kept, 3* kept", "", 3, ""},
};

static void says_what_is_damaged(void **context)
{
	const struct damage *row = *context;
	struct bench *bench = &row_bench;
	struct state *state;
	struct input input;
	char command[512];
	__u32 good = 0;
	int err;

	bench_begin(bench);
	bench_fill(bench, 1, 3);
	snprintf(command, sizeof(command), "cd %s && %s", bench->path, row->command);
	assert_int_equal(system(command), 0);
	state = open_for(bench, false);
	expect_list(bench, state, row->list);
	if (!strstr(bench->said, row->said) || !*row->said != !*bench->said)
		fail_msg("want \"%s\" in: %s", row->said, bench->said);
	HEARD(bench, err, state_load_good(state, &good, &input));
	assert_int_equal(err, row->good ? 0 : -ENOENT);
	assert_int_equal(good, row->good);
	if (!strstr(bench->said, row->said_loading) || !*row->said_loading != !*bench->said)
		fail_msg("want \"%s\" in: %s", row->said_loading, bench->said);
	input_free(&input);
	state_close(state);
	/* and the next apply goes, whatever it finds */
	state = open_for(bench, true);
	HEARD(bench, err, bench_prepare(bench, state, 10, 0));
	assert_int_equal(err, 0);
	bench_end(bench);
	state_close(state);
}

/* Directories that cannot be used at all. */
static const struct damage refused[] = {
	{"the directory is a link", "mv state x && ln -s x state", NULL,
	 "state: is a symbolic link, which is not followed", 0, NULL},
	{"the directory is a file", "rm -r state && touch state", NULL, "state: Not a directory", 0,
	 NULL},
	{"the directory may be used by others", "chmod 750 state", NULL,
	 "state: must belong to the caller, and others must have no rights to it", 0, NULL},
	{"the generations may be used by others", "chmod 701 state/generations", NULL,
	 "state/generations: must belong to the caller", 0, NULL},
	{"the generations are a link", "mv state/generations x && ln -s ../x state/generations",
	 NULL, "state/generations: is a symbolic link", 0, NULL},
	{"the directory is another's", "chown 12345 state", NULL,
	 "state: must belong to the caller", 0, NULL},
};

static void says_what_is_refused(void **context)
{
	const struct damage *row = *context;
	struct bench *bench = &row_bench;
	struct state *state = NULL;
	char command[512];
	int err;

	if (geteuid() && !strncmp(row->command, "chown", 5))
		skip();
	bench_begin(bench);
	bench_fill(bench, 1, 1);
	snprintf(command, sizeof(command), "cd %s && %s", bench->folder, row->command);
	assert_int_equal(system(command), 0);
	for (int write = 0; write < 2; write++) {
		HEARD(bench, err, state_open(&bench->common, write, &state));
		assert_true(err < 0);
		if (!strstr(bench->said, row->said))
			fail_msg("want \"%s\" in: %s", row->said, bench->said);
	}
	bench_end(bench);
}

static void refuses_long_comments(void **context)
{
	struct bench *bench = *context;
	struct state *state = open_for(bench, true);
	char comment[STATE_COMMENT_MAX + 2];
	struct state_entry entry = {.generation = 1, .comment = comment};
	int err;

	memset(comment, 'x', sizeof(comment) - 1);
	comment[sizeof(comment) - 1] = '\0';
	HEARD(bench, err, state_prepare(state, &entry));
	assert_int_equal(err, -EINVAL);
	assert_non_null(strstr(bench->said, "accepted: at most 1000"));
	state_close(state);
}

static void never_writes_over_a_generation(void **context)
{
	struct bench *bench = *context;
	struct state *state;
	int err;

	bench_fill(bench, 1, 1);
	state = open_for(bench, true);
	HEARD(bench, err, bench_prepare(bench, state, 1, 0));
	assert_int_equal(err, -EEXIST);
	assert_non_null(strstr(bench->said, "generations/000001: File exists"));
	expect_list(bench, state, "1* kept");
	state_close(state);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
	struct CMUnitTest tests[64] = {
		TEST(keeps_what_was_applied),
		TEST(names_who_is_behind_sudo),
		TEST(current_follows_what_is_kept),
		TEST(numbers_end),
		TEST(prunes),
		TEST(prunes_no_repeat_of_a_damaged_one),
		TEST(prunes_no_trial),
		TEST(stands_where_it_went_back_to),
		TEST(passes_over_what_is_the_same),
		TEST(says_nothing_twice),
		TEST(nothing_there_is_empty),
		TEST(one_writer),
		TEST(instances_do_not_share),
		TEST(refuses_long_comments),
		TEST(never_writes_over_a_generation),
	};
	size_t count = 14;

	ADD_ROWS(tests, count, prunings, prunes_repeats_first);
	ADD_ROWS(tests, count, damages, says_what_is_damaged);
	ADD_ROWS(tests, count, refused, says_what_is_refused);
	return RUN_TESTS("state", tests, count);
}
