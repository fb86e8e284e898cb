/* SPDX-License-Identifier: MIT */
/* A diff of policies with what is known beside them: who runs, and what its rows have counted. */
#ifndef ROLEWALL_PLAN_H
#define ROLEWALL_PLAN_H

#include "control.h"
#include "listing.h"
#include "policy_diff.h"

struct input;

struct plan {
	struct policy_diff diff;
	char *names[N_WHENS]; /* "generation 7", "the site"; owned */
	__u32 generation; /* that runs, and is compared with; 0 = none */
	/* Only of what runs: */
	struct input *before; /* owned */
	struct plan_counted {
		__u64 packets;
		__u32 last; /* in seconds since they began to count; 0 = no packet yet */
		bool kept; /* a pool has the row after, too */
	} * counted; /* for each row of the policy before, owned; NULL: nobody has counted */
	__u32 seconds; /* since they began to count */
};

/*
 * From what runs at PIN_DIR to the policy. Returns 0, or -errno with a message on stderr: -ENODATA
 * where what runs does not say what it was made of. AFTER must outlive the plan.
 */
int plan_make(const char *pin_dir, const struct policy *after, struct plan *plan);
void plan_free(struct plan *plan);

/* On stdout. 0 or -errno. */
int plan_list(const struct plan *plan, enum format format);
/* For people, in lines, at most PLAN_LINES of them. 0 or -ENOMEM. */
#define PLAN_LINES 60U
int plan_print(FILE *out, const struct plan *plan);
/* Both for an apply: what is going to change, on stderr. What cannot be told is no failure. */
void plan_tell(const char *pin_dir, const struct policy *after);

/* plan_json.c: NULL = out of memory. */
struct json_t *plan_json(const struct plan *plan);
/* plan_rows.c: fills plan->counted. 0 or -ENOMEM. */
int plan_count(struct plan *plan, const struct row_counter *counters, size_t n_counters);
/* What the rows of something that shuts have let pass. */
struct plan_hits {
	__u64 packets;
	__u32 ago; /* seconds since the last of them */
	bool shared; /* for others as well, who keep a row */
};

/* False: nobody has counted, or nothing shuts. */
bool plan_hits(const struct plan *plan, const struct diff_change *change, struct plan_hits *hits);
/* "in", "out", "start" */
const char *plan_way(enum diff_way way);
const struct row *plan_row(const struct plan *plan, const struct diff_change *change, size_t index);

#endif
