/* SPDX-License-Identifier: MIT */
/* A plan as lines of a table: what people read, and CSV. */
#ifndef ROLEWALL_PLAN_LINES_H
#define ROLEWALL_PLAN_LINES_H

#include "plan.h"

enum plan_column {
	PLAN_CHANGE, /* "setting", "pool added", "opens" */
	PLAN_POOL,
	PLAN_HOSTS,
	PLAN_WHAT,
	PLAN_PEERS,
	PLAN_ROWS,
	PLAN_PACKETS,
	PLAN_LAST, /* "12 min ago" */
	N_PLAN_COLUMNS,
};

extern const struct column plan_columns[N_PLAN_COLUMNS];

/* Adds them all to a listing of plan_columns. 0 or -ENOMEM. */
int plan_lines(const struct plan *plan, struct listing *listing);
/* "1,204" */
#define NUMBER_TEXT 32
const char *number_text(__u64 number, char text[NUMBER_TEXT]);
/* "3 h 12 min" */
const char *age_text(__u32 seconds, char text[NUMBER_TEXT]);

#endif
