/* SPDX-License-Identifier: MIT */
/* A site file as the administrator wrote it (docs/site-file.md). */
#ifndef ROLEWALL_SITE_H
#define ROLEWALL_SITE_H

#include "image.h"
#include "matrix.h"
#include "prefix.h"
#include "timeouts.h"

enum mode { MODE_ENFORCE, MODE_AUDIT };

enum hook { HOOK_AUTO, HOOK_XDP_NATIVE, HOOK_XDP_GENERIC, HOOK_TC };

struct site_interface {
	char *name;
	enum side side; /* image.h */
	enum hook hook;
	struct place place;
};

struct site_address {
	struct prefix prefix;
	struct place place;
};

struct site_pool {
	char *name;
	struct strings roles;
	struct site_address *addresses;
	size_t n_addresses;
	bool inherit;
	struct place place;
};

struct site_media {
	char *name; /* audio, video, app-sharing, client-audio, ... */
	struct port_range range;
	struct place place;
};

/* A port that the sources of `failsafe:` always reach. */
struct failsafe_port {
	struct port_range ports;
	enum transport transport; /* exactly one bit */
};

/* IPsec is permitted between these two, in either order. */
struct site_ipsec {
	char *ends[2]; /* a role, a group or a prefix each; NULL: it was refused */
	char *note; /* NULL if there is none */
	struct place places[2]; /* of the ends */
	struct place place;
};

struct site {
	struct source_text text; /* of the file */
	char *path;
	char *matrix; /* name or path; a relative path counts from the site file's folder */
	enum balancing balancing;
	enum mode mode;
	bool least_privilege; /* profile */
	bool outbound_matrix;
	bool unlisted_drop;
	bool echo_allow;
	bool asymmetric; /* only one direction crosses this gateway */
	bool forward_xdp; /* forwarding */
	struct timeouts timeouts;
	struct site_interface *interfaces;
	size_t n_interfaces;
	struct site_pool *pools;
	size_t n_pools;
	struct row *extra; /* ids extra/01... */
	size_t n_extra;
	struct site_media *media;
	size_t n_media;
	struct site_ipsec *ipsec;
	size_t n_ipsec;
	struct strings overlays; /* names of the matrix's overlays that count here */
	struct strings failsafe_from; /* prefixes; none = no failsafe */
	struct failsafe_port *failsafe_ports;
	size_t n_failsafe_ports;
	struct strings features; /* row ids and feature names */
	struct place matrix_place, profile_place;
};

/*
 * Reads a site file. What needs no matrix is checked here; roles and overlaps by policy_resolve().
 * Returns as matrix_load(). On -EINVAL *site holds what could be read, so that policy_resolve()
 * can report the rest of the file's mistakes in the same run; it is to be freed then too. Its path
 * is NULL if nothing could be read.
 */
int site_load(const char *path, struct site *site, struct diagnostics *diags);
/* The same from memory; PATH is what diagnostics show and where a relative matrix counts from. */
int site_parse(const char *path, const char *text, size_t size, struct site *site,
	       struct diagnostics *diags);
void site_free(struct site *site);

/* The words of the site file; NULL if there is none. */
const char *hook_name(enum hook hook);
const char *side_name(enum side side);
const char *mode_name(enum mode mode);
const char *balancing_name(enum balancing balancing);

/*
 * Reads "10.1.2.0/28", "10.1.2.3", "2001:db8::/64". Returns 0, -EINVAL (no prefix), or -EDOM if
 * host bits are set; *prefix is then the prefix without them.
 */
int prefix_parse(const char *text, struct prefix *prefix);
/* Writes it back, without "/32" or "/128" on a single address; size >= PREFIX_TEXT. */
#define PREFIX_TEXT 64
const char *prefix_format(const struct prefix *prefix, char *text, size_t size);
/* True if outer covers inner (equal prefixes cover each other). */
bool prefix_covers(const struct prefix *outer, const struct prefix *inner);
/* The order of policy.prefixes: family, address, length; as strcmp(). */
int prefix_compare(const struct prefix *a, const struct prefix *b);
/* True for IPv4 prefixes written as IPv6: packets never carry them. */
bool prefix_is_mapped(const struct prefix *prefix);
/* Why no host can hold these addresses ("multicast"); NULL if hosts can. */
const char *prefix_reserved(const struct prefix *prefix);

#endif
