/* SPDX-License-Identifier: MIT */
/*
 * Runs a command and kills it (SIGKILL) at a chosen point: at the entry of a system call, so that
 * everything before it happened and the call did not; behind a store into the control cells of an
 * instance, which no system call shows; or after some time.
 */
#include <elf.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "control.h"

static const char usage[] =
	"usage: strike count PIN-DIR COMMAND...            how many system calls it makes, and behind\n"
	"                                                  which the control cells were written, with\n"
	"                                                  \"flip\" if that changed what is in force\n"
	"       strike call N PIN-DIR COMMAND...           kills it at the entry of the N-th\n"
	"       strike store N K PIN-DIR COMMAND...        kills it behind the K-th store that follows\n"
	"                                                  the N-th call\n"
	"       strike trial PIN-DIR COMMAND...            kills it at the first call behind the flip to a\n"
	"                                                  policy on trial\n"
	"       strike flip PIN-DIR COMMAND...             kills it at the first call behind any flip\n"
	"       strike stop PIN-DIR COMMAND...             the same, but stops it and prints its id\n"
	"       strike after MICROSECONDS COMMAND...\n"
	"  exit status 0: it was killed (count: it succeeded); 3: it ended before that; 1: anything else\n"
	"              4: call, store: it was killed before it changed what is in force\n";

#define ENDED_BEFORE 3
#define KILLED_BEFORE_FLIP 4

/* --- the control cells, from outside */

struct cells {
	const char *pin_dir;
	const struct control *control; /* NULL: not there yet */
	struct control seen;
	bool flipped; /* at any time */
};

static struct control snapshot(const struct cells *cells)
{
	struct control now = *cells->control;

	now.epoch = 0; /* the clock's */
	return now;
}

static void cells_open(struct cells *cells)
{
	char path[PATH_MAX];
	void *mapped;
	int fd;

	snprintf(path, sizeof(path), "%s/control", cells->pin_dir);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return;
	mapped = mmap(NULL, sizeof(struct control), PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	if (mapped == MAP_FAILED)
		return;
	cells->control = mapped;
	cells->seen = snapshot(cells);
}

enum change { NONE, CELLS, FLIP };

static enum change cells_change(struct cells *cells)
{
	enum change change = NONE;
	struct control now;

	if (!cells->control) {
		cells_open(cells);
		return NONE;
	}
	now = snapshot(cells);
	if (memcmp(&now, &cells->seen, sizeof(now)))
		change = now.reign == cells->seen.reign ? CELLS : FLIP;
	cells->seen = now;
	cells->flipped |= change == FLIP;
	return change;
}

/* --- the command */

static void die(const char *what)
{
	fprintf(stderr, "strike: %s: %s\n", what, strerror(errno));
	exit(1);
}

static pid_t start(char **command, bool traced)
{
	pid_t child = fork();

	if (child < 0)
		die("fork");
	if (child)
		return child;
	if (traced && (ptrace(PTRACE_TRACEME, 0, NULL, NULL) || raise(SIGSTOP)))
		_exit(126);
	execvp(command[0], command);
	_exit(127);
}

static int destroy(pid_t child)
{
	int status;

	kill(child, SIGKILL);
	if (waitpid(child, &status, 0) < 0)
		die("waitpid");
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL ? 0 : ENDED_BEFORE;
}

/* Stopped before its first call. */
static pid_t start_traced(char **command)
{
	pid_t child = start(command, true);
	int status;

	if (waitpid(child, &status, 0) < 0 || !WIFSTOPPED(status))
		die(command[0]);
	if (ptrace(PTRACE_SETOPTIONS, child, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL))
		die("ptrace");
	return child;
}

enum stop { STOP_CALL, STOP_STEP, STOP_END };

/* Goes on to the next entry or exit of a call, or by one instruction. */
static enum stop go_on(pid_t child, enum __ptrace_request how, int *status)
{
	int signal = 0;

	for (;;) {
		if (ptrace(how, child, NULL, (void *)(long)signal) || waitpid(child, status, 0) < 0)
			die("ptrace");
		if (!WIFSTOPPED(*status))
			return STOP_END;
		if (WSTOPSIG(*status) == (SIGTRAP | 0x80))
			return STOP_CALL;
		if (WSTOPSIG(*status) == SIGTRAP && how == PTRACE_SINGLESTEP)
			return STOP_STEP;
		/* execve() says SIGTRAP, too */
		signal = WSTOPSIG(*status) == SIGTRAP ? 0 : WSTOPSIG(*status);
	}
}

/* To the entry of the call after this one; false: there is none. */
static bool next_call(pid_t child, bool *inside, int *status)
{
	if (*inside && go_on(child, PTRACE_SYSCALL, status) == STOP_END)
		return false;
	*inside = true;
	return go_on(child, PTRACE_SYSCALL, status) != STOP_END;
}

/* --- the forms */

static int count(struct cells *cells, char **command)
{
	pid_t child = start_traced(command);
	bool inside = false;
	unsigned int calls = 0;
	int status;

	while (next_call(child, &inside, &status)) {
		const enum change change = cells_change(cells);

		if (change)
			printf("%u%s\n", calls, change == FLIP ? " flip" : "");
		calls++;
	}
	printf("total %u\n", calls);
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : 1;
}

static int destroy_at(pid_t child, const struct cells *cells)
{
	int rc = destroy(child);

	return !rc && !cells->flipped ? KILLED_BEFORE_FLIP : rc;
}

static int kill_at_call(unsigned int number, struct cells *cells, char **command)
{
	pid_t child = start_traced(command);
	bool inside = false;
	int status;

	for (unsigned int i = 0; i < number; i++) {
		if (!next_call(child, &inside, &status))
			return ENDED_BEFORE;
		cells_change(cells);
	}
	return destroy_at(child, cells);
}

/* The next instruction makes a system call? */
static bool is_at_call(pid_t child)
{
#if defined(__x86_64__)
	unsigned long at = (unsigned long)ptrace(PTRACE_PEEKUSER, child, 16 * sizeof(long), NULL);
	const unsigned long mask = 0xffff, call = 0x050f; /* rip; syscall */
#else
	unsigned long at = 0;
	const unsigned long mask = 0, call = 1;
#endif
	return ((unsigned long)ptrace(PTRACE_PEEKTEXT, child, at, NULL) & mask) == call;
}

static int kill_at_store(unsigned int number, unsigned int store, struct cells *cells,
			 char **command)
{
	pid_t child = start_traced(command);
	bool inside = false;
	int status;

	for (unsigned int i = 0; i < number; i++) {
		if (!next_call(child, &inside, &status))
			return ENDED_BEFORE;
		cells_change(cells);
	}
	if (go_on(child, PTRACE_SYSCALL, &status) == STOP_END)
		return ENDED_BEFORE;
	cells_change(cells);
	while (store && !is_at_call(child)) {
		if (go_on(child, PTRACE_SINGLESTEP, &status) == STOP_END)
			return ENDED_BEFORE;
		store -= cells_change(cells) != NONE;
	}
	status = destroy_at(child, cells);
	return store ? ENDED_BEFORE : status;
}

/* It is stopped at the first call behind a flip, to a policy ON TRIAL; 0: it ended before. */
static pid_t run_to_flip(struct cells *cells, char **command, bool on_trial)
{
	pid_t child = start_traced(command);
	bool inside = false;
	int status;

	while (next_call(child, &inside, &status)) {
		if (cells_change(cells) == FLIP &&
		    (!on_trial ||
		     (cells->seen.deadline && cells->seen.deadline != DEADLINE_PASSED)))
			return child;
	}
	return 0;
}

static int stop_on_trial(struct cells *cells, char **command)
{
	pid_t child = run_to_flip(cells, command, true);

	if (!child)
		return ENDED_BEFORE;
	if (kill(child, SIGSTOP) || ptrace(PTRACE_SETOPTIONS, child, NULL, 0) ||
	    ptrace(PTRACE_DETACH, child, NULL, NULL))
		die("ptrace");
	printf("%d\n", (int)child);
	return 0;
}

static int kill_at_flip(struct cells *cells, char **command, bool on_trial)
{
	pid_t child = run_to_flip(cells, command, on_trial);

	return child ? destroy(child) : ENDED_BEFORE;
}

static int kill_after(unsigned long microseconds, char **command)
{
	const struct timespec time = {(time_t)(microseconds / 1000000),
				      (long)(microseconds % 1000000) * 1000};
	pid_t child = start(command, false);

	nanosleep(&time, NULL);
	return destroy(child);
}

static unsigned int number(const char *text)
{
	return (unsigned int)strtoul(text, NULL, 10);
}

int main(int argc, char **argv)
{
	struct cells cells = {0};

	if (argc > 3)
		cells.pin_dir = argv[2];
	if (argc > 3 && !strcmp(argv[1], "count"))
		return count(&cells, argv + 3);
	if (argc > 3 && !strcmp(argv[1], "trial"))
		return kill_at_flip(&cells, argv + 3, true);
	if (argc > 3 && !strcmp(argv[1], "flip"))
		return kill_at_flip(&cells, argv + 3, false);
	if (argc > 3 && !strcmp(argv[1], "stop"))
		return stop_on_trial(&cells, argv + 3);
	if (argc > 4 && !strcmp(argv[1], "call")) {
		cells.pin_dir = argv[3];
		return kill_at_call(number(argv[2]), &cells, argv + 4);
	}
	if (argc > 5 && !strcmp(argv[1], "store")) {
		cells.pin_dir = argv[4];
		return kill_at_store(number(argv[2]), number(argv[3]), &cells, argv + 5);
	}
	if (argc > 3 && !strcmp(argv[1], "after"))
		return kill_after(number(argv[2]), argv + 3);
	fputs(usage, stderr);
	return 2;
}
