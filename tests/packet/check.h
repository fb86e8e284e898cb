/* SPDX-License-Identifier: MIT */
/* The one assertion of the packet tests: exactly this verdict, reason and count. */
#ifndef ROLEWALL_TESTS_CHECK_H
#define ROLEWALL_TESTS_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "parties.h"
#include "reason.h"
#include "recipe.h"
#include "world.h"

/* A group of tests over one world, and what they have sent into it so far. */
struct bench {
	struct world *world;
	__u64 sent; /* live frames */
	unsigned int variation; /* the last that was handed out */
	bool audit; /* the site says `mode: audit` */
};

/* How a frame comes in, and what must come of it. */
struct expectation {
	const struct frame *frame;
	enum device device;
	bool tc;
	size_t linear; /* XDP: bytes of the first buffer; 0 = all */
	unsigned int gso_size; /* TC */
	enum reason reason;
	unsigned int flows, fragments; /* entries it makes */
};

/*
 * Sends the frame as a probe and live: the verdict and the reason are right both times, and after
 * both one counter has gone up by one packet and the frame's bytes, and the tables as expected.
 */
void expect(struct bench *bench, const struct expectation *expectation);

/* BPF_PROG_TEST_RUN takes no skb longer than a page, and none that ends inside a bare IP header. */
bool tc_takes(const struct frame *frame);

/* A client that nobody has been yet. */
unsigned int next_variation(struct bench *bench);

static inline bool is_pass_reason(enum reason reason)
{
	return reason >= FIRST_PASS_REASON;
}

/* Everything that was sent has been counted, once. */
void expect_conservation(struct bench *bench);

/* Tests that are made from tables; each has its own row and bench behind `state`. */
struct suite {
	const char *name;
	struct bench bench;
	struct CMUnitTest *tests;
	size_t count, room;
};

/* What a test gets as *state. */
struct task {
	struct bench *bench;
	const void *row;
	enum family family;
	enum tagging tagging;
	bool tc;
	int choice; /* whatever else tells tests of one row apart */
};

/* Adds a test of this name (which the suite keeps) for one task. */
void add_task(struct suite *suite, char *name, CMUnitTestFunction function,
	      const struct task *task);
/* Runs them, and a last one for conservation where asked; returns the number of failures. */
int run_suite(struct suite *suite, bool conservation);

#endif
