/* SPDX-License-Identifier: MIT */
/* What a shadow found so far, with names: the start of `rolewall shadow`. */
#ifndef ROLEWALL_SHADOW_REPORT_H
#define ROLEWALL_SHADOW_REPORT_H

#include "counters.h"
#include "kern_shadow.h"
#include "running.h"

struct shadow_report {
	struct running running;
	__u32 generation; /* of the candidate */
	__u32 seconds; /* since it started to compare */
	struct shadow_counters counters;
	struct shadow_finding *findings; /* most packets first */
	size_t n_findings;
	struct row_counter *rows; /* by id */
	size_t n_rows;
	struct pool_counter *pools; /* by id */
	size_t n_pools;
};

/* -ENOENT: no shadow is loaded. Messages on stderr; to be freed in any case. */
int shadow_report_take(const char *pin_dir, struct shadow_report *report);
void shadow_report_free(struct shadow_report *report);

/* Sums over the findings of one kind. */
__u64 shadow_report_packets(const struct shadow_report *report, enum shadow_kind kind);
const char *shadow_kind_name(enum shadow_kind kind); /* "newly-drop" */
/* The row's id, or the reason's name. */
const char *shadow_said(const struct shadow_report *report, __u32 said);
/* NULL where it is none. */
const char *shadow_pool(const struct shadow_report *report, __u32 pool);

#endif
