/* SPDX-License-Identifier: MIT */
/* A policy on its way into a slot, to be flipped to (apply.c) or held against (shadow_load.c). */
#ifndef ROLEWALL_CANDIDATE_H
#define ROLEWALL_CANDIDATE_H

#include "compile.h"
#include "kernel.h"
#include "policy.h"

struct candidate {
	const struct policy *policy;
	struct registries registries; /* what the instance counts, and what the policy adds */
	struct pages image;
	__u32 slot;
	size_t probes; /* of its self-test */
};

/* Compiles the policy and checks every cell. 0 or -errno; the reasons are in diags or on stderr. */
int candidate_compile(struct candidate *candidate, struct diagnostics *diags);
/* Takes a slot that is free. 0, or -EBUSY with a message. */
int candidate_choose_slot(struct candidate *candidate, const struct kernel *kernel);
/* Writes the image into the slot and tests it there. 0 or -errno with a message. Locked. */
int candidate_write(struct candidate *candidate, const struct kernel *kernel);
void candidate_free(struct candidate *candidate);

#endif
