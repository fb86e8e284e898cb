/* SPDX-License-Identifier: MIT */
/* The shadow of a loaded instance: a candidate in a slot of its own, asked about every packet. */
#ifndef ROLEWALL_KERN_SHADOW_H
#define ROLEWALL_KERN_SHADOW_H

#include "kernel.h"
#include "shadow.h"

/* One kind of difference, summed over the CPUs, with its newest sample. */
struct shadow_finding {
	struct shadow_key key;
	struct shadow_difference difference;
};

/* True if one is loaded. */
bool kernel_has_shadow(const struct kernel *kernel);
/* Opens the shadow's entries, if there are any; for kernel_open(). */
void kernel_open_shadow(struct kernel *kernel);
/*
 * Starts comparing with the image in SLOT, in the place of a shadow that may be there, with fresh
 * counters. Links change one after the other, each without a packet in between; comparing starts on
 * all of them at once. Returns 0 or -errno with a message; then there is no shadow. Locked.
 */
int kernel_start_shadow(struct kernel *kernel, __u32 slot);
/* Ends it, if there is one, with its counters. Locked. 0 or -errno with a message. */
int kernel_end_shadow(struct kernel *kernel);

/* What it found; *findings is to be freed. 0 or -errno. */
int kernel_shadow_findings(const struct kernel *kernel, struct shadow_finding **findings,
			   size_t *count);
int kernel_shadow_counters(const struct kernel *kernel, struct shadow_counters *counters);

#endif
