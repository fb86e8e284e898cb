/* SPDX-License-Identifier: MIT */
/*
 * What one verdict costs: ns for each packet under BPF_PROG_TEST_RUN, above an empty program.
 *
 *	verdict ROUNDS EMPTY NAME=PROGRAM... < QUESTIONS
 *
 * A program is the path of a pin or a number, its id. A question is a line "LABEL SRC DST PROTO
 * DPORT [SPORT [TCPFLAGS]]"; "seed" as LABEL sends the packet once, to make state, and prints nothing. Rounds are interleaved over programs, so that what the machine does besides meets all of
 * them; printed are medians, the spread between the quartiles, and the ratio to the first program.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "frame_build.h"
#include "site.h"

#define REPEAT 1000000
#define PROGRAMS_MAX 8
#define ROUNDS_MAX 101

struct program {
	const char *name;
	int fd;
};

struct samples {
	double ns[ROUNDS_MAX];
	unsigned int verdict;
};

static int open_program(const char *word)
{
	char *end;
	unsigned long id = strtoul(word, &end, 10);
	int fd = *word && !*end ? bpf_prog_get_fd_by_id((__u32)id) : bpf_obj_get(word);

	if (fd < 0)
		fprintf(stderr, "verdict: %s: %m\n", word);
	return fd;
}

static double run(int fd, const unsigned char *frame, size_t length, unsigned int *verdict)
{
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = (__u32)length,
		    .repeat = REPEAT);

	if (bpf_prog_test_run_opts(fd, &options)) {
		fprintf(stderr, "verdict: test run: %m\n");
		exit(1);
	}
	*verdict = options.retval;
	return options.duration;
}

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

static void measure(const struct program *programs, int n, int rounds, const unsigned char *frame,
		    size_t length, struct samples *samples)
{
	unsigned int verdict;

	for (int round = 0; round < rounds; round++) {
		for (int i = 1; i < n; i++) {
			/* Nanoseconds are whole numbers: the empty program runs beside each. */
			double empty = run(programs[0].fd, frame, length, &verdict);

			samples[i].ns[round] =
				run(programs[i].fd, frame, length, &samples[i].verdict) - empty;
		}
	}
	for (int i = 1; i < n; i++)
		qsort(samples[i].ns, (size_t)rounds, sizeof(double), compare);
}

static void report(const char *label, const struct program *programs, int n, int rounds,
		   const struct samples *samples)
{
	double first = samples[1].ns[rounds / 2];

	for (int i = 1; i < n; i++)
		printf("%-24s %-12s %-5s %8.1f %8.1f %8.3f\n", label, programs[i].name,
		       samples[i].verdict == 2 ? "pass" : "drop", samples[i].ns[rounds / 2],
		       samples[i].ns[rounds * 3 / 4] - samples[i].ns[rounds / 4],
		       samples[i].ns[rounds / 2] ? first / samples[i].ns[rounds / 2] : 0);
	fflush(stdout);
}

static int read_question(char *line, char label[32], struct question *question, unsigned int *flags)
{
	char source[64], destination[64], protocol[8];
	unsigned int port, source_port = 40000;

	*flags = 0;
	if (sscanf(line, "%31s %63s %63s %7s %u %u %x", label, source, destination, protocol, &port,
		   &source_port, flags) < 5 ||
	    prefix_parse(source, &question->source) ||
	    prefix_parse(destination, &question->destination))
		return -EINVAL;
	question->protocol = !strcmp(protocol, "tcp") ? IPPROTO_TCP : IPPROTO_UDP;
	question->source_port = (uint16_t)source_port;
	question->destination_port = (uint16_t)port;
	return 0;
}

int main(int argc, char **argv)
{
	struct program programs[PROGRAMS_MAX] = {{.name = "empty"}};
	struct samples samples[PROGRAMS_MAX];
	int rounds = argc > 1 ? atoi(argv[1]) : 0, n = argc - 2;
	char line[256], label[32];

	if (n < 2 || n > PROGRAMS_MAX || rounds < 1 || rounds > ROUNDS_MAX) {
		fprintf(stderr, "usage: verdict ROUNDS EMPTY NAME=PROGRAM... < QUESTIONS\n");
		return 2;
	}
	programs[0].fd = open_program(argv[2]);
	for (int i = 1; i < n; i++) {
		char *equals = strchr(argv[i + 2], '=');

		if (!equals)
			return 2;
		*equals = '\0';
		programs[i] = (struct program){argv[i + 2], open_program(equals + 1)};
	}
	for (int i = 0; i < n; i++)
		if (programs[i].fd < 0)
			return 1;
	printf("%-24s %-12s %-5s %8s %8s %8s\n", "PACKET", "PROGRAM", "DOES", "NS", "SPREAD",
	       "RATIO");
	while (fgets(line, sizeof(line), stdin)) {
		struct question question = {0};
		unsigned char frame[FRAME_BUILD_MAX];
		struct samples once;
		unsigned int flags;
		size_t length;

		if (read_question(line, label, &question, &flags)) {
			fprintf(stderr, "verdict: cannot read: %s", line);
			return 2;
		}
		length = frame_build(&question, frame);
		if (flags) /* the checksum is nobody's business here */
			frame[length - sizeof(struct tcphdr) + 13] = (unsigned char)flags;
		if (!strcmp(label, "seed")) {
			run(programs[1].fd, frame, length, &once.verdict);
			continue;
		}
		measure(programs, n, rounds, frame, length, samples);
		report(label, programs, n, rounds, samples);
	}
	return 0;
}
