/* SPDX-License-Identifier: MIT */
/* A plan on stdout, or in lines among the messages of another command. */
#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "cleanup.h"
#include "plan_lines.h"

static bool shuts_something(const struct plan *plan)
{
	for (size_t i = 0; i < plan->diff.n_areas; i++)
		for (size_t j = 0; j < plan->diff.areas[i].n_changes; j++)
			if (plan->diff.areas[i].changes[j].kind == DIFF_SHUTS)
				return true;
	return false;
}

static void print_age(FILE *out, const struct plan *plan)
{
	time_t since = time(NULL) - (time_t)plan->seconds;
	char age[NUMBER_TEXT], text[24];
	struct tm utc;

	if (!plan->counted || !shuts_something(plan))
		return;
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&since, &utc));
	fprintf(out,
		"rolewall: packets that rows let pass in the %s since %s; <= where others keep the row\n",
		age_text(plan->seconds, age), text);
}

/* Nothing is filtered as yet, so what will be open is what stays open. */
static void print_first(FILE *out, const struct plan *plan)
{
	const struct policy *after = plan->diff.policies[AFTER];
	size_t pools = 0, prefixes6 = 0;
	char number[NUMBER_TEXT];
	__u64 hosts = 0;

	for (size_t i = 0; i < after->n_pools; i++)
		pools += after->pools[i].guarded || after->site->unlisted_drop;
	for (size_t i = 0; i < plan->diff.n_areas; i++) {
		const struct diff_area *area = &plan->diff.areas[i];

		if (policy_diff_unfiltered(&plan->diff, area, AFTER))
			continue;
		hosts += area->ipv4;
		prefixes6 += area->prefixes6;
	}
	fprintf(out,
		"rolewall: nothing runs yet, so that nothing is filtered: with %s what its pools open stays open, and everything else to their hosts shuts (pools: %zu, IPv4 addresses: %s, IPv6 prefixes: %zu)%s\n",
		plan->names[AFTER], pools, number_text(hosts, number), prefixes6,
		after->site->mode == MODE_AUDIT ? "; mode: audit counts that, but drops nothing"
						: "");
}

static void print_head(FILE *out, const struct plan *plan)
{
	if (plan->diff.policies[BEFORE])
		fprintf(out, "rolewall: %s -> %s: %s\n", plan->names[BEFORE], plan->names[AFTER],
			policy_diff_any(&plan->diff) ? "what changes" : "nothing changes");
	else
		print_first(out, plan);
}

int plan_list(const struct plan *plan, enum format format)
{
	_cleanup_(listing_free) struct listing listing = {plan_columns, N_PLAN_COLUMNS, NULL, 0};
	int rc;

	if (format == FORMAT_JSON)
		return json_print(plan_json(plan));
	print_head(stderr, plan);
	rc = plan_lines(plan, &listing);
	if (!rc && (listing.n_rows || format == FORMAT_CSV))
		rc = listing_print(&listing, format);
	if (rc)
		return rc;
	/* Behind the table also where both go to the same place. */
	fflush(stdout);
	print_age(stderr, plan);
	return 0;
}

/* "  - fe-paris (16): shuts in tcp 135 from any, servers/05: 1,204 packets" */
static void print_line(FILE *out, char *const *cells)
{
	const char *change = cells[PLAN_CHANGE], *peers = cells[PLAN_PEERS];
	bool ports = *cells[PLAN_ROWS];
	char sign = !strcmp(change, "opens") || !strcmp(change, "pool added")     ? '+'
		    : !strcmp(change, "shuts") || !strcmp(change, "pool removed") ? '-'
										  : '~';

	fprintf(out, "  %c ", sign);
	if (*cells[PLAN_POOL])
		fprintf(out, "%s", cells[PLAN_POOL]);
	if (*cells[PLAN_HOSTS])
		fprintf(out, " (%s)", cells[PLAN_HOSTS]);
	if (*cells[PLAN_POOL])
		fprintf(out, ": ");
	if (strcmp(change, "setting") != 0)
		fprintf(out, "%s ", change);
	fprintf(out, "%s", cells[PLAN_WHAT]);
	if (ports)
		fprintf(out, " %s %s, %s", strncmp(cells[PLAN_WHAT], "out", 3) ? "from" : "to",
			peers, cells[PLAN_ROWS]);
	if (*cells[PLAN_PACKETS])
		fprintf(out, ": %s packets", cells[PLAN_PACKETS]);
	if (*cells[PLAN_LAST])
		fprintf(out, ", the last %s", cells[PLAN_LAST]);
	fputc('\n', out);
}

int plan_print(FILE *out, const struct plan *plan)
{
	_cleanup_(listing_free) struct listing listing = {plan_columns, N_PLAN_COLUMNS, NULL, 0};
	int rc = 0;

	print_head(out, plan);
	if (plan->diff.policies[BEFORE])
		rc = plan_lines(plan, &listing);
	for (size_t i = 0; i < listing.n_rows && i < PLAN_LINES && !rc; i++)
		print_line(out, &listing.cells[i * N_PLAN_COLUMNS]);
	if (listing.n_rows > PLAN_LINES)
		fprintf(out, "  ... and %zu more; \"rolewall plan\" lists them all\n",
			listing.n_rows - PLAN_LINES);
	if (!rc)
		print_age(out, plan);
	return rc;
}
