/* SPDX-License-Identifier: MIT */
/* What the steps of policy_resolve() share; nobody else includes this. */
#ifndef ROLEWALL_RESOLVE_H
#define ROLEWALL_RESOLVE_H

#include "policy.h"
#include "role_set.h"

/* A policy that is being made, in the order of the steps. */
struct resolution {
	const struct matrix *matrix;
	const struct site *site;
	struct diagnostics *diags;
	struct policy policy;
	struct role_set
		*held; /* for each pool: what it holds, from resolve_prefixes() on for good */
	struct role_set *needed; /* for each row: a pool that holds one of these has the row */
	size_t *from, *to; /* for each row: index into policy.peers */
};

/*
 * The steps return 0, or -ENOMEM. Mistakes only go to diags; the steps behind the checks do not
 * run when there are any.
 */

/* Who owns which prefix; prefixes inside others; what `inherit:` brings. */
int resolve_prefixes(struct resolution *resolution);
/* The conditions of the rows of overlays and of the site's own. */
int resolve_peers(struct resolution *resolution);

/* The words of one far end. */
struct condition {
	const struct strings *words;
	struct place place; /* for words that have none of their own */
	bool quiet; /* no warning of a role that no pool holds */
};

/* Who they stand for, as an index into policy.peers; no words, or "any", are 0. */
int resolve_words(struct resolution *resolution, const struct condition *condition, size_t *index);
/* Are the words of `ipsec:` those of the matrix? Then, once the peers are known, its pairs. */
int check_ipsec(const struct resolution *resolution);
int resolve_ipsec(struct resolution *resolution);
/* Warns of media ranges that overlap or move nothing. */
void check_media(const struct resolution *resolution);

#endif
