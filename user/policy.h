/* SPDX-License-Identifier: MIT */
/*
 * Matrix x site, resolved: what each pool opens, to whom, by which row. This is the narrow waist:
 * compile.c makes the image from it, the commands print it, and nothing behind it knows YAML.
 */
#ifndef ROLEWALL_POLICY_H
#define ROLEWALL_POLICY_H

#include "site.h"

/* One row on one pool, its ports already moved by `media:`. */
struct grant {
	size_t row; /* index into policy.rows */
	enum direction direction; /* exactly one bit */
	enum transport transport; /* exactly one bit */
	struct port_range ports;
	/*
	 * Index into policy.peers: the source of an inbound grant, the destination of an outbound
	 * one; 0 = any.
	 */
	size_t peers;
	/*
	 * Index into policy.peers: who starts such connections by the row's `from`, limited to them
	 * or not; 0 = any. Inbound grants only: `outbound: matrix` lets those hosts start them.
	 */
	size_t initiators;
};

struct policy_pool {
	const char *name;
	/* As written, plus what variants add and `inherit: true` brings; matrix order, borrowed. */
	struct strings roles;
	bool guarded; /* false: every role is a peer role */
	bool ipsec_exempt; /* a role of its stands in the matrix's table of IPsec exceptions */
	/* Sorted by direction, transport, first port, row; none on a pool that is not guarded. */
	struct grant *grants;
	size_t n_grants;
};

/* One prefix of one pool. */
struct policy_prefix {
	struct prefix prefix;
	size_t pool; /* index into policy.pools */
};

/* A condition on the other end of a row: any of these pools or prefixes. peers[0] is "any". */
struct peers {
	size_t *pools; /* indexes into policy.pools, sorted */
	size_t n_pools;
	struct prefix *prefixes;
	size_t n_prefixes;
	struct strings
		words; /* as the row says them, for people: "front-end", "10.0.0.0/8", "any" */
};

/* The site permits IPsec between these two, in either order (`ipsec:`). */
struct ipsec_pair {
	size_t peers[2]; /* indexes into policy.peers, never 0 */
};

struct policy {
	const struct site *site; /* borrowed */
	const struct matrix *matrix; /* borrowed */
	const struct row *
		*rows; /* of the matrix, of the overlays that are on, of the site; borrowed */
	size_t n_rows;
	struct policy_pool *pools; /* in site order */
	size_t n_pools;
	struct policy_prefix *prefixes; /* sorted by family, address, length; each prefix once */
	size_t n_prefixes;
	struct peers *peers;
	size_t n_peers;
	size_t failsafe; /* who reaches site->failsafe_ports: index into peers, 0 = nobody */
	struct ipsec_pair *ipsec; /* as the site lists them */
	size_t n_ipsec;
};

/*
 * Checks the site against the matrix and resolves it. Every problem goes to diags.
 * Returns 0, -EINVAL or -ENOMEM; on failure *policy is untouched. If diags holds errors already
 * (of site_load(), say), the inputs are checked all the same and the answer is -EINVAL. policy
 * borrows from both inputs.
 */
int policy_resolve(const struct matrix *matrix, const struct site *site, struct policy *policy,
		   struct diagnostics *diags);
void policy_free(struct policy *policy);

/* The range that `media:` gives the row; NULL if it leaves the row alone. */
const struct port_range *media_range(const struct site *site, const struct row *row);

/* A stretch of ports on a pool in which the same grants hold: what `matrix -c` lists. */
struct opening {
	enum direction direction;
	enum transport transport;
	struct port_range ports;
	const struct grant **grants; /* in row order, at least one */
	size_t n_grants;
};

/*
 * Cuts the grants of a pool into disjoint openings, sorted by direction, transport, port.
 * Neighbouring ports with the same grants are one opening. Returns 0 or -ENOMEM.
 */
int policy_openings(const struct policy_pool *pool, struct opening **openings, size_t *count);
void openings_free(struct opening *openings, size_t count);

#endif
