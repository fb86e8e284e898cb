/* SPDX-License-Identifier: MIT */
/*
 * An apply's way through the state directory, ended at each system call that changes a file: by
 * SIGKILL, by a power loss that leaves only what was synced, by one that leaves names without
 * their contents; or that call fails because the disk is full. Each time what is left must open,
 * have a last good generation, and take the next one; and the next command must give it one end.
 */
#include "state_dir.h"

#include <sys/mman.h>
#include <sys/wait.h>

#include "failing_disk.h"
#include "record.h"
#include "state_internal.h"

#define BEFORE 3U /* generations that are there: each further one removes another */
#define STOPPED 77

static struct bench bench;
static volatile __u32 *promised; /* the last generation whose commit had returned */

static void lose_power(void)
{
	char path[128];
	struct stat status;

	disk.stop = 0;
	disk.recording = false;
	snprintf(path, sizeof(path), "%s/synced", bench.folder);
	assert_int_equal(stat(bench.path, &status), 0);
	put_synced(path, durable_of(status.st_ino, true));
	snprintf(path, sizeof(path), "%s/named", bench.folder);
	put_named(path, bench.path);
	_exit(STOPPED);
}

/* Two applies: one kept at once, one after a trial. */
static int work(void)
{
	struct state *state = NULL;
	int err = state_open(&bench.common, true, &state);

	if (!err)
		state->keep = BEFORE;
	if (!err)
		err = bench_prepare(&bench, state, BEFORE + 1, 0);
	if (!err)
		err = state_commit(state, BEFORE + 1, STATE_KEPT);
	if (!err)
		*promised = BEFORE + 1;
	if (!err)
		err = bench_prepare(&bench, state, BEFORE + 2, 0);
	if (!err)
		err = state_commit(state, BEFORE + 2, STATE_TRIAL);
	if (!err)
		err = state_settle(state, BEFORE + 2, STATE_KEPT);
	if (!err)
		*promised = BEFORE + 2;
	state_close(state);
	return err;
}

/* The same, but only what gives a generation its end is counted. */
static int end_both(void)
{
	const unsigned long stop = disk.stop;
	struct state *state = NULL;

	disk.stop = 0;
	assert_int_equal(state_open(&bench.common, true, &state), 0);
	state->keep = BEFORE;
	assert_int_equal(bench_prepare(&bench, state, BEFORE + 1, 0), 0);
	disk.stop = stop;
	assert_int_equal(state_commit(state, BEFORE + 1, STATE_KEPT), 0);
	*promised = BEFORE + 1;
	disk.stop = 0;
	assert_int_equal(bench_prepare(&bench, state, BEFORE + 2, 0), 0);
	assert_int_equal(state_commit(state, BEFORE + 2, STATE_TRIAL), 0);
	disk.stop = stop;
	assert_int_equal(state_settle(state, BEFORE + 2, STATE_KEPT), 0);
	*promised = BEFORE + 2;
	state_close(state);
	return 0;
}

static void expect_good(const char *path, unsigned long step)
{
	struct bench other = bench;
	struct state *state = NULL;
	struct state_entry *list;
	struct input input;
	size_t count, kept = 0;
	__u32 good = 0, next = 0;
	int err;

	other.common.state_dir = path;
	other.said = NULL;
	assert_int_equal(state_open(&other.common, true, &state), 0);
	HEARD(&other, err, state_load_good(state, &good, &input));
	if (err || *other.said || good < *promised || good > BEFORE + 2)
		print_message("step %lu of %s: %d, generation %u of %u, %s\n", step, path, err,
			      good, *promised, other.said);
	assert_int_equal(err, 0);
	assert_string_equal(other.said, "");
	assert_in_range(good, *promised, BEFORE + 2);
	assert_int_equal(input.policy.n_pools, 1);
	input_free(&input);
	HEARD(&other, err, state_list(state, &list, &count));
	assert_int_equal(err, 0);
	assert_string_equal(other.said, "");
	for (size_t i = 0; i < count; i++)
		kept += list[i].outcome == STATE_KEPT;
	assert_in_range(kept, BEFORE, BEFORE + 1);
	state_list_free(list, count);
	/* and the next one goes */
	assert_int_equal(state_next(state, 0, &next), 0);
	assert_int_equal(bench_prepare(&other, state, next, 0), 0);
	assert_int_equal(state_commit(state, next, STATE_KEPT), 0);
	assert_int_equal(state_load_good(state, &good, &input), 0);
	assert_int_equal(good, next);
	input_free(&input);
	state_close(state);
	free(other.said);
}

/* The newest that was kept is the last good one, for whoever looks at either, and none is open. */
static void expect_one_end(const char *path, unsigned long step)
{
	struct common common = bench.common;
	struct state *state = NULL;
	struct state_entry *list;
	__u32 kept = 0, current = 0, good = 0;
	struct input input;
	size_t count, open = 0;

	common.state_dir = path;
	record_settle(&common, NULL); /* after a reboot: nothing is loaded */
	assert_int_equal(state_open(&common, false, &state), 0);
	assert_int_equal(state_list(state, &list, &count), 0);
	for (size_t i = 0; i < count; i++) {
		assert_false(list[i].damaged);
		open += list[i].outcome == STATE_PREPARED || list[i].outcome == STATE_TRIAL;
		kept = list[i].outcome == STATE_KEPT ? list[i].generation : kept;
		current = list[i].is_current ? list[i].generation : current;
	}
	state_list_free(list, count);
	assert_int_equal(state_load_good(state, &good, &input), 0);
	input_free(&input);
	if (open || kept != current || good != current)
		print_message("step %lu of %s: %zu are open, newest kept %u, current %u, good %u\n",
			      step, path, open, kept, current, good);
	assert_int_equal(open, 0);
	assert_int_equal(kept, current);
	assert_int_equal(good, current);
	assert_in_range(good, *promised, BEFORE + 2);
	state_close(state);
}

/* In a process of its own. True if it came to its end. */
static bool run_to(int (*way)(void), unsigned long stop, int fail)
{
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (!child) {
		FILE *quiet = freopen("/dev/null", "w", stderr);

		disk.recording = !fail;
		if (!fail)
			record_tree(bench.path);
		disk.stop = stop;
		disk.fail = fail;
		disk.stopped = fail ? NULL : lose_power;
		status = way();
		/* beyond the last step nothing is left to count */
		_exit(!quiet || disk.step < stop ? 0 : status ? 1 : 2);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (fail)
		return WEXITSTATUS(status) == 0;
	assert_true(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == STOPPED);
	return WEXITSTATUS(status) == 0;
}

/* The same start each time. */
static void begin(void)
{
	static const char command[] = "rm -rf '%s/state' '%s/synced' '%s/named' && "
				      "cp -a '%s/start' '%s/state'";
	char text[512];

	snprintf(text, sizeof(text), command, bench.folder, bench.folder, bench.folder,
		 bench.folder, bench.folder);
	assert_int_equal(system(text), 0);
	*promised = BEFORE;
}

static int begin_all(void **state)
{
	char start[128];

	(void)state;
	bench_begin(&bench);
	bench_fill(&bench, 1, BEFORE);
	snprintf(start, sizeof(start), "%s/start", bench.folder);
	return rename(bench.path, start);
}

static int end_all(void **state)
{
	(void)state;
	bench_end(&bench);
	return 0;
}

/* Not each of them each time, unless SOAK is set. */
static unsigned long stride(void)
{
	return getenv("SOAK") ? 1 : 8;
}

static unsigned long first_step(void)
{
	return 1 + (unsigned long)getpid() % stride();
}

static const char *const left[] = {"state", "synced", "named"};

static void survives_each_step(void **state)
{
	unsigned long step = first_step(), steps = 0;
	char path[128];
	bool done;

	(void)state;
	do {
		begin();
		done = run_to(work, step, 0);
		for (size_t i = 0; i < (done ? 1 : 3); i++) {
			snprintf(path, sizeof(path), "%s/%s", bench.folder, left[i]);
			expect_good(path, step);
		}
		step += stride();
		steps++;
	} while (!done);
	print_message("# note: stopped at %lu system calls\n", steps);
	assert_true(step > 100); /* it has that many at least */
}

/* At each of them: between the two writes that say what was kept there are only a few. */
static void ends_one_way(void **state)
{
	unsigned long step = 0;
	char path[128];
	bool done;

	(void)state;
	do {
		begin();
		done = run_to(end_both, ++step, 0);
		for (size_t i = 0; i < (done ? 1 : 3); i++) {
			snprintf(path, sizeof(path), "%s/%s", bench.folder, left[i]);
			expect_one_end(path, step);
		}
	} while (!done);
	print_message("# note: stopped at %lu system calls\n", step);
	assert_true(step > 30); /* it has that many at least */
}

static void survives_full_disk(void **state)
{
	unsigned long step = first_step();
	bool done;

	(void)state;
	do {
		begin();
		done = run_to(work, step, ENOSPC);
		expect_good(bench.path, step);
		step += stride();
	} while (!done);
	assert_true(step > 100); /* it has that many at least */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(survives_each_step),
		cmocka_unit_test(ends_one_way),
		cmocka_unit_test(survives_full_disk),
	};

	promised = mmap(NULL, sizeof(*promised), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			-1, 0);
	return promised == MAP_FAILED ? 1 : cmocka_run_group_tests(tests, begin_all, end_all);
}
