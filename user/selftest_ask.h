/* SPDX-License-Identifier: MIT */
/* One packet of the self-test through the program, and the answer held against the policy. */
#ifndef ROLEWALL_SELFTEST_ASK_H
#define ROLEWALL_SELFTEST_ASK_H

#include "expectation.h"
#include "frame_build.h"
#include "selftest.h"

/* The reason it gets. 0, -EBADMSG or -errno. */
int ask_packet(struct selftest *test, const struct expectation *expectation);
/* Runs a program; a failure is told on stderr. 0 or -errno. */
int ask_program(struct selftest *test, const struct question *question,
		struct probe_result *result);

#endif
