/* SPDX-License-Identifier: MIT */
/*
 * Records: the kinds of addresses a policy tells apart. Two addresses are of one kind if the same
 * pool holds them and the same prefixes of `from:` conditions cover them.
 */
#ifndef ROLEWALL_RECORDS_H
#define ROLEWALL_RECORDS_H

#include "policy.h"

#define NO_POOL ((size_t)-1)
#define NO_ATOM ((size_t)-1)

/* A prefix that the tries know, with the record of the addresses of which it is the longest match. */
struct atom {
	struct prefix prefix;
	size_t pool; /* index into policy.pools, own or of the enclosing atom; NO_POOL */
	size_t condition; /* innermost enclosing atom that a `from:` names, or NO_ATOM */
	__u32 record;
	bool guarded;
};

struct record {
	size_t pool; /* NO_POOL: named by a condition alone */
	size_t condition; /* index into atoms, or NO_ATOM */
};

struct records {
	struct atom *atoms; /* sorted by family, address, length */
	size_t n_atoms;
	struct record *items; /* by record id; 0 is of every address that is not listed */
	size_t count;
	bool *admits; /* for each of policy.peers, for each record */
};

/* Returns 0, -ENOMEM, or -E2BIG where there are more than RECORDS_MAX kinds. */
int records_make(const struct policy *policy, struct records *records);
/* True if addresses of record ID satisfy condition PEERS, an index into policy.peers. */
bool records_admit(const struct records *records, size_t peers, size_t id);
void records_free(struct records *records);

#endif
