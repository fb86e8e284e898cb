/* SPDX-License-Identifier: MIT */
/*
 * Overlays: tables of a matrix that count only for sites that turn them on by name
 * (docs/overlays.md).
 */
#ifndef ROLEWALL_OVERLAYS_H
#define ROLEWALL_OVERLAYS_H

#include "policy.h"
#include "yaml_doc.h"

struct resolution;
struct role_set;

yaml_reader overlays_read; /* overlays: of a matrix file, to struct matrix */
/* What can be said once the whole file is known. Returns 0, -EINVAL or -ENOMEM. */
int overlays_check(const struct matrix *matrix, struct diagnostics *diags);
void overlays_free(struct matrix *matrix);

/* NULL if the matrix has none of that name. */
const struct overlay *matrix_overlay(const struct matrix *matrix, const char *name);
/* Reports a name that no overlay has. Returns -EINVAL or -ENOMEM. */
int report_unknown_overlay(const struct matrix *matrix, const char *name, struct place place,
			   struct diagnostics *diags);

/* The first that opens ports of one of the roles, on or off; NULL if none does. */
const struct overlay *overlay_opening(const struct matrix *matrix, const struct role_set *roles);
/* Has it a row for roles that pools of the policy hold, far end included? */
bool overlay_fits(const struct overlay *overlay, const struct policy *policy);
/* Those that fit and are off, in the matrix's order, borrowed. Returns 0 or -ENOMEM. */
int overlays_offered(const struct policy *policy, struct strings *names);

/* --- steps of policy_resolve() */

/* Do the site's overlays exist? *n_rows = how many rows they bring. */
int overlays_count(const struct resolution *resolution, size_t *n_rows);
/* Appends their rows to the policy's. */
void overlays_add(struct resolution *resolution);
/* Warns of overlays that open nothing, and of their rows that nobody matches. */
int overlays_warn(const struct resolution *resolution);

#endif
