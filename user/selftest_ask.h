/* SPDX-License-Identifier: MIT */
/* One packet of the self-test through one program, and all of the answer held against the policy. */
#ifndef ROLEWALL_SELFTEST_ASK_H
#define ROLEWALL_SELFTEST_ASK_H

#include "expectation.h"
#include "frame_build.h"
#include "selftest.h"

struct asker {
	struct selftest *test;
	size_t *rows; /* index into policy.rows, by counter id; NO_ROW */
	__u32 *pool_ids; /* counter id, by index into policy.pools */
};

#define NO_ROW ((size_t)-1)

/* Returns 0 or -ENOMEM; to be freed in any case. */
int asker_init(struct selftest *test, struct asker *asker);
void asker_free(struct asker *asker);

/* Reason, row, and whom both ends are taken for. TC: the TC program's. 0, -EBADMSG or -errno. */
int ask_packet(const struct asker *asker, const struct expectation *expectation, bool tc);
/* Runs a program; a failure is told on stderr. 0 or -errno. */
int ask_program(struct selftest *test, const struct question *question, bool tc,
		struct probe_result *result);

#endif
