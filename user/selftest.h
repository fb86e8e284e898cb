/* SPDX-License-Identifier: MIT */
/*
 * The last check before a flip: packets for the candidate policy through the loaded programs, by
 * the slot it lies in, held against what expectation.c says.
 */
#ifndef ROLEWALL_SELFTEST_H
#define ROLEWALL_SELFTEST_H

#include "compile.h"
#include "kernel.h"
#include "policy.h"

/* Prefixes that are looked up each; of more, so many at even distances. */
#define SELFTEST_LOOKUPS_MAX 20000U

struct selftest {
	const struct kernel *kernel;
	const struct policy *policy;
	struct registries *registries; /* the ids that the image counts by */
	struct pages *image; /* what the slot holds */
	__u32 slot;
	size_t probes; /* asked */
};

/*
 * docs/changing.md says what is asked. What takes longer than a second says where it is on stderr.
 * Returns 0, -EBADMSG where an answer differs (message on stderr), or -errno.
 */
int selftest_run(struct selftest *test);

#endif
