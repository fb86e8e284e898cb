/* SPDX-License-Identifier: MIT */
/*
 * What one verdict costs: ns for each packet under BPF_PROG_TEST_RUN, above an empty program.
 *
 *	verdict ROUNDS[xREPEAT] EMPTY NAME=PROGRAM... < QUESTIONS
 *
 * A program is the path of a pin or a number, its id. A question is a line "LABEL SRC DST PROTO
 * DPORT [SPORT [TCPFLAGS]]" or "LABEL frame HEX"; "seed" as LABEL sends the packet REPEAT times to
 * the first program, to make state, before anything is measured, and prints nothing. Rounds are
 * interleaved over packets and programs, so that what the machine does besides meets all of them, and
 * time is this thread's on the CPU. Printed are medians, each with the spread between the quartiles,
 * of the cost; of the first program's part of this one's cost; and of this cost as a multiple of what
 * the last program takes for the first packet. Both are taken round by round: the CPU's speed changes
 * under way.
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
#define QUESTIONS_MAX 64

struct program {
	const char *name;
	int fd;
};

struct samples {
	double ns[ROUNDS_MAX];
	double ratio[ROUNDS_MAX]; /* the first program's to this one's */
	double times[ROUNDS_MAX]; /* this to the last program's for the first packet */
	unsigned int verdict; /* or VERDICT_MIXED */
};

struct frame {
	unsigned char bytes[FRAME_MAX];
	size_t length;
};

struct question_line {
	char label[32];
	struct frame frame;
};

#define VERDICT_MIXED 5U /* not the same in every round */

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

static void measure_once(const struct program *programs, int n, int round,
			 const struct frame *frame, struct samples *samples)
{
	unsigned int verdict;

	for (int i = 1; i < n; i++) {
		double empty = run(programs[0].fd, frame, &verdict);

		samples[i].ns[round] = run(programs[i].fd, frame, &verdict) - empty;
		if (round && verdict != samples[i].verdict)
			verdict = VERDICT_MIXED;
		samples[i].verdict = verdict;
	}
	for (int i = 1; i < n; i++)
		samples[i].ratio[round] = samples[1].ns[round] / samples[i].ns[round];
}

static void sort(double *values, int rounds)
{
	qsort(values, (size_t)rounds, sizeof(*values), compare);
}

/* SAMPLES: N for each question. */
static void measure(const struct program *programs, int n, int rounds,
		    const struct question_line *questions, int asked, struct samples *samples)
{
	for (int round = 0; round < rounds; round++) {
		double base;

		for (int i = 0; i < asked; i++)
			measure_once(programs, n, round, &questions[i].frame, &samples[i * n]);
		base = samples[n - 1].ns[round];
		for (int i = 0; i < asked * n; i++)
			samples[i].times[round] = samples[i].ns[round] / base;
	}
	for (int i = 0; i < asked * n; i++) {
		sort(samples[i].ns, rounds);
		sort(samples[i].ratio, rounds);
		sort(samples[i].times, rounds);
	}
}

static double spread(const double *sorted, int rounds)
{
	return sorted[rounds * 3 / 4] - sorted[rounds / 4];
}

static void report(const char *label, const struct program *programs, int n, int rounds,
		   const struct samples *samples)
{
	static const char *const verdicts[] = {"aborted", "drop", "pass", "sent", "sent", "mixed"};

	for (int i = 1; i < n; i++)
		printf("%-24s %-12s %-5s %8.1f %8.1f %8.3f %8.3f %8.3f %8.3f\n", label,
		       programs[i].name,
		       samples[i].verdict <= VERDICT_MIXED ? verdicts[samples[i].verdict] : "odd",
		       samples[i].ns[rounds / 2], spread(samples[i].ns, rounds),
		       samples[i].ratio[rounds / 2], spread(samples[i].ratio, rounds),
		       samples[i].times[rounds / 2], spread(samples[i].times, rounds));
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

/* All of standard input; seeds are sent at once. How many there are to measure, -1 = bad. */
static int read_questions(int seeded, struct question_line *questions)
{
	char line[FRAME_MAX * 2 + 64];
	unsigned int verdict;
	int n = 0;

	while (fgets(line, sizeof(line), stdin)) {
		struct question_line *next = &questions[n];

		if (n == QUESTIONS_MAX || read_question(line, next->label, &next->frame)) {
			fprintf(stderr, "verdict: cannot read: %s", line);
			return -1;
		}
		if (strcmp(next->label, "seed"))
			n++;
		else
			run(seeded, &next->frame, &verdict);
	}
	return n;
}

static int ask(const struct program *programs, int n, int rounds)
{
	static struct question_line questions[QUESTIONS_MAX];
	_cleanup_free_ struct samples *samples = NULL;
	int asked = read_questions(programs[1].fd, questions);

	if (asked < 0)
		return 2;
	samples = calloc((size_t)asked * (size_t)n + 1, sizeof(*samples));
	if (!samples)
		return 1;
	printf("%-24s %-12s %-5s %8s %8s %8s %8s %8s %8s\n", "PACKET", "PROGRAM", "DOES", "NS",
	       "SPREAD", "RATIO", "SPREAD", "TIMES", "SPREAD");
	measure(programs, n, rounds, questions, asked, samples);
	for (int i = 0; i < asked; i++)
		report(questions[i].label, programs, n, rounds, &samples[i * n]);
	return 0;
}

int main(int argc, char **argv)
{
	struct program programs[PROGRAMS_MAX];
	int rounds = 0, n = argc - 2, err = 2;

	if (argc > 1)
		sscanf(argv[1], "%dx%u", &rounds, &repeat);
	if (n >= 2 && n <= PROGRAMS_MAX && rounds >= 1 && rounds <= ROUNDS_MAX && repeat)
		err = open_programs(argv + 2, n, programs);
	if (err == 2)
		fprintf(stderr,
			"usage: verdict ROUNDS[xREPEAT] EMPTY NAME=PROGRAM... < QUESTIONS\n");
	return err ? err : ask(programs, n, rounds);
}
