/* SPDX-License-Identifier: MIT */
/*
 * What one verdict costs: ns for each packet under BPF_PROG_TEST_RUN, above an empty program.
 *
 *	verdict ROUNDS[xREPEAT] EMPTY NAME=PROGRAM... < QUESTIONS
 *
 * A program is the path of a pin or a number, its id. A question is a line "LABEL SRC DST PROTO
 * DPORT [SPORT [TCPFLAGS]]" or "LABEL frame HEX"; "seed" as LABEL sends the packet REPEAT times to
 * the first program, to make state, and prints nothing. Rounds are interleaved over programs, so
 * that what the machine does besides meets all of them, and time is this thread's on the CPU; printed
 * are medians, the spread between the quartiles, and the median and spread of the first program's part
 * of this one's cost, taken round by round: the CPU's speed changes under way.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cleanup.h"
#include "frame_build.h"
#include "site.h"

#define REPEAT 1000000
#define PROGRAMS_MAX 48
#define FRAME_MAX 2048
#define ROUNDS_MAX 101

struct program {
	const char *name;
	int fd;
};

struct samples {
	double ns[ROUNDS_MAX];
	double ratio[ROUNDS_MAX]; /* the first program's to this one's */
	unsigned int verdict;
};

struct frame {
	unsigned char bytes[FRAME_MAX];
	size_t length;
};

static __u32 repeat = REPEAT;

static int open_program(const char *word)
{
	char *end;
	unsigned long id = strtoul(word, &end, 10);
	int fd = *word && !*end ? bpf_prog_get_fd_by_id((__u32)id) : bpf_obj_get(word);

	if (fd < 0)
		fprintf(stderr, "verdict: %s: %m\n", word);
	return fd;
}

/* The kernel's own answer is in whole nanoseconds. */
static double cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static double run(int fd, const struct frame *frame, unsigned int *verdict)
{
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame->bytes,
		    .data_size_in = (__u32)frame->length, .repeat = (int)repeat);
	double start = cpu_ns();

	if (bpf_prog_test_run_opts(fd, &options)) {
		fprintf(stderr, "verdict: test run: %m\n");
		exit(1);
	}
	*verdict = options.retval;
	return (cpu_ns() - start) / repeat;
}

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

static void measure(const struct program *programs, int n, int rounds, const struct frame *frame,
		    struct samples *samples)
{
	unsigned int verdict;

	for (int round = 0; round < rounds; round++) {
		for (int i = 1; i < n; i++) {
			double empty = run(programs[0].fd, frame, &verdict);

			samples[i].ns[round] =
				run(programs[i].fd, frame, &samples[i].verdict) - empty;
		}
	}
	for (int i = n - 1; i >= 1; i--) {
		for (int round = 0; round < rounds; round++)
			samples[i].ratio[round] = samples[1].ns[round] / samples[i].ns[round];
		qsort(samples[i].ns, (size_t)rounds, sizeof(double), compare);
		qsort(samples[i].ratio, (size_t)rounds, sizeof(double), compare);
	}
}

static double spread(const double *sorted, int rounds)
{
	return sorted[rounds * 3 / 4] - sorted[rounds / 4];
}

static void report(const char *label, const struct program *programs, int n, int rounds,
		   const struct samples *samples)
{
	static const char *const verdicts[] = {"aborted", "drop", "pass", "sent", "sent"};

	for (int i = 1; i < n; i++)
		printf("%-24s %-12s %-5s %8.1f %8.1f %8.3f %8.3f\n", label, programs[i].name,
		       samples[i].verdict < 5 ? verdicts[samples[i].verdict] : "odd",
		       samples[i].ns[rounds / 2], spread(samples[i].ns, rounds),
		       samples[i].ratio[rounds / 2], spread(samples[i].ratio, rounds));
	fflush(stdout);
}

static int read_hex(const char *hex, struct frame *frame)
{
	for (frame->length = 0; *hex && *hex != '\n'; hex += 2, frame->length++)
		if (frame->length == FRAME_MAX ||
		    sscanf(hex, "%2hhx", &frame->bytes[frame->length]) != 1)
			return -EINVAL;
	return frame->length ? 0 : -EINVAL;
}

static int read_packet(const char *line, struct frame *frame)
{
	char source[64], destination[64], protocol[8];
	unsigned int port, source_port = 40000, flags = 0;
	struct question question = {0};

	if (sscanf(line, "%*s %63s %63s %7s %u %u %x", source, destination, protocol, &port,
		   &source_port, &flags) < 4 ||
	    prefix_parse(source, &question.source) ||
	    prefix_parse(destination, &question.destination))
		return -EINVAL;
	question.protocol = !strcmp(protocol, "tcp") ? IPPROTO_TCP : IPPROTO_UDP;
	question.source_port = (uint16_t)source_port;
	question.destination_port = (uint16_t)port;
	frame->length = frame_build(&question, frame->bytes);
	if (flags) /* the checksum is nobody's business here */
		frame->bytes[frame->length - sizeof(struct tcphdr) + 13] = (unsigned char)flags;
	return 0;
}

static int read_question(const char *line, char label[32], struct frame *frame)
{
	int hex = 0;

	if (sscanf(line, "%31s", label) != 1)
		return -EINVAL;
	sscanf(line, "%*s frame %n", &hex);
	return hex ? read_hex(line + hex, frame) : read_packet(line, frame);
}

static int open_programs(char **words, int n, struct program *programs)
{
	for (int i = 0; i < n; i++) {
		char *equals = i ? strchr(words[i], '=') : NULL;

		if (i && !equals)
			return 2;
		if (equals)
			*equals = '\0';
		programs[i].name = i ? words[i] : "empty";
		programs[i].fd = open_program(i ? equals + 1 : words[i]);
		if (programs[i].fd < 0)
			return 1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct program programs[PROGRAMS_MAX];
	struct samples samples[PROGRAMS_MAX];
	int rounds = 0, n = argc - 2, err = 2;
	char line[FRAME_MAX * 2 + 64], label[32];
	struct frame frame;

	if (argc > 1)
		sscanf(argv[1], "%dx%u", &rounds, &repeat);
	if (n >= 2 && n <= PROGRAMS_MAX && rounds >= 1 && rounds <= ROUNDS_MAX && repeat)
		err = open_programs(argv + 2, n, programs);
	if (err == 2)
		fprintf(stderr,
			"usage: verdict ROUNDS[xREPEAT] EMPTY NAME=PROGRAM... < QUESTIONS\n");
	if (err)
		return err;
	printf("%-24s %-12s %-5s %8s %8s %8s %8s\n", "PACKET", "PROGRAM", "DOES", "NS", "SPREAD",
	       "RATIO", "SPREAD");
	while (fgets(line, sizeof(line), stdin)) {
		if (read_question(line, label, &frame)) {
			fprintf(stderr, "verdict: cannot read: %s", line);
			return 2;
		}
		if (!strcmp(label, "seed")) {
			run(programs[1].fd, &frame, &samples[0].verdict);
			continue;
		}
		measure(programs, n, rounds, &frame, samples);
		report(label, programs, n, rounds, samples);
	}
	return 0;
}
