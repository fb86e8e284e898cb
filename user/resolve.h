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
	struct role_set *far; /* for each row: one that holds one of these is its far end */
	size_t *from, *to; /* for each row: index into policy.peers */
	size_t *holders; /* for each row with a far end: who has it, index into policy.peers */
};

/*
 * The steps return 0, or -ENOMEM. Mistakes only go to diags; the steps behind the checks do not
 * run when there are any.
 */

/* Who owns which prefix; prefixes inside others; what `inherit:` brings. */
int resolve_prefixes(struct resolution *resolution);
/* Does `features:` name what there is? */
int check_features(const struct resolution *resolution);
/* Fills needed and far of a row. */
void find_holders(const struct resolution *resolution, size_t index);
/* Does the row count in this site, for pools that hold its roles? */
bool row_in_force(const struct resolution *resolution, const struct row *row);
/* Warns of roles in rows of the matrix that no pool holds. */
int warn_of_peers(const struct resolution *resolution);
/* True if a pool holds one of the roles. */
bool held_by_some(const struct resolution *resolution, const struct role_set *roles);
/*
 * The conditions of rows (those of the matrix only where the site has them count), of failsafe
 * ports and of IPsec pairs.
 */
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
