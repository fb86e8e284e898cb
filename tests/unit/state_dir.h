/* SPDX-License-Identifier: MIT */
/* For tests of the state directory: a folder of their own, a site in it, and what stderr says. */
#ifndef ROLEWALL_TESTS_STATE_DIR_H
#define ROLEWALL_TESTS_STATE_DIR_H

#include "expect.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "state.h"

#define TEST_SITE                                                                                  \
	"version: 1\n"                                                                             \
	"matrix: matrix.yaml\n"                                                                    \
	"interfaces: [eth0] # the only one\n"                                                      \
	"pools:\n- {name: fe, roles: [front-end], addresses: 10.1.2.0/28}\n"

/* A small one: some tests read it a thousand times. */
#define TEST_MATRIX                                                                                \
	"version: 1\nname: m\ntitle: M\nroles:\n  front-end: {title: A}\ntables:\n"                \
	"  t: {title: T, rows: [{id: t/01, role: front-end, service: S, ports: 1, "                \
	"protocols: tcp, direction: in}]}\n"

struct bench {
	char folder[64]; /* of the test */
	char path[96]; /* of the state directory in it */
	char site[96], matrix[96];
	struct common common;
	const char *comment; /* of what is prepared next, or NULL */
	char *said; /* on stderr, by the last heard() */
};

static inline void put_text(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

static inline void bench_begin(struct bench *bench)
{
	*bench = (struct bench){.comment = "why"};
	strcpy(bench->folder, "/dev/shm/rwstate-XXXXXX"); /* where fsync() is free */
	if (!mkdtemp(bench->folder)) {
		strcpy(bench->folder, "/tmp/rwstate-XXXXXX");
		assert_non_null(mkdtemp(bench->folder));
	}
	snprintf(bench->path, sizeof(bench->path), "%s/state", bench->folder);
	snprintf(bench->site, sizeof(bench->site), "%s/site.yaml", bench->folder);
	put_text(bench->site, TEST_SITE);
	snprintf(bench->matrix, sizeof(bench->matrix), "%s/matrix.yaml", bench->folder);
	put_text(bench->matrix, TEST_MATRIX);
	bench->common = (struct common){
		.site = bench->site, .pin_dir = "/sys/fs/bpf/rolewall", .state_dir = bench->path};
}

static inline void bench_end(struct bench *bench)
{
	char command[192];

	snprintf(command, sizeof(command), "chmod -R u+rwx '%s' && rm -rf '%s'", bench->folder,
		 bench->folder);
	assert_int_equal(system(command), 0);
	free(bench->said);
}

/* What DO says on stderr; what it returns is in *RC. */
#define HEARD(bench, rc, call)                                                                     \
	do {                                                                                       \
		FILE *heard_ = tmpfile();                                                          \
		int stderr_ = dup(STDERR_FILENO);                                                  \
		assert_non_null(heard_);                                                           \
		dup2(fileno(heard_), STDERR_FILENO);                                               \
		(rc) = (call);                                                                     \
		fflush(stderr);                                                                    \
		dup2(stderr_, STDERR_FILENO);                                                      \
		close(stderr_);                                                                    \
		bench_hear(bench, heard_);                                                         \
	} while (0)

static inline void bench_hear(struct bench *bench, FILE *heard)
{
	long size = ftell(heard);

	fseek(heard, 0, SEEK_END);
	size = ftell(heard);
	rewind(heard);
	free(bench->said);
	bench->said = calloc(1, (size_t)size + 1);
	assert_non_null(bench->said);
	assert_int_equal(fread(bench->said, 1, (size_t)size, heard), (size_t)size);
	fclose(heard);
}

/* From here on its site is another one for each NUMBER. */
static inline void bench_vary(const struct bench *bench, __u32 number)
{
	char text[sizeof(TEST_SITE) + 16];

	snprintf(text, sizeof(text), TEST_SITE "# %u\n", number);
	put_text(bench->site, text);
}

/* Generation NUMBER of the bench's site, prepared. */
static inline int bench_prepare(const struct bench *bench, struct state *state, __u32 number,
				__u32 based_on)
{
	struct diagnostics diags = {0};
	struct input input = {0};
	struct state_entry entry = {
		.generation = number,
		.policy = 0x1000 + number,
		.based_on = based_on,
		.comment = (char *)bench->comment,
		.input = &input,
	};
	int err;

	assert_int_equal(input_load(bench->site, &input, &diags), 0);
	err = state_prepare(state, &entry);
	diag_free(&diags);
	input_free(&input);
	return err;
}

/* Generations FIRST to LAST, all kept. */
static inline void bench_fill(const struct bench *bench, __u32 first, __u32 last)
{
	struct state *state = NULL;

	assert_int_equal(state_open(&bench->common, true, &state), 0);
	for (__u32 i = first; i <= last; i++) {
		assert_int_equal(bench_prepare(bench, state, i, 0), 0);
		assert_int_equal(state_commit(state, i, STATE_KEPT), 0);
	}
	state_close(state);
}

#endif
