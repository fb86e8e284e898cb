/* SPDX-License-Identifier: MIT */
/*
 * The exceptions from IPsec that the matrix wants for the pools of a site: what `export ipsec`
 * writes in the syntax of its reader.
 */
#ifndef ROLEWALL_EXCEPTIONS_H
#define ROLEWALL_EXCEPTIONS_H

#include <stdio.h>

#include "space.h"

struct ports {
	struct port_range *items; /* sorted, apart; none = any port */
	size_t count;
};

/*
 * One row for one pool, in one family and transport: packets between every address of NEAR, which
 * the pool has, and every one of FAR go in clear, and so do the answers.
 */
struct rule {
	char *name; /* "rolewall-ipsec-05-POOL-v4-udp"; "-2" and so on behind it on the further ones */
	const struct row *row;
	size_t pool; /* index into policy.pools */
	enum family family;
	enum transport transport;
	bool inward; /* the source is FAR, the destination NEAR */
	struct space near, far;
	struct ports source_ports, destination_ports;
};

struct exceptions {
	const struct policy *policy; /* borrowed */
	const char *variant; /* borrowed */
	struct rule *rules; /* by row, pool, family, transport */
	size_t n_rules;
};

/*
 * The table of exceptions as document VARIANT has it. What lies between the ends of an `ipsec:`
 * pair is left out of every rule. Returns 0, -ENOMEM, or -E2BIG where that cuts the addresses into
 * too many pieces.
 */
int exceptions_make(const struct policy *policy, const char *variant,
		    struct exceptions *exceptions);
void exceptions_free(struct exceptions *exceptions);

/* The ends as a packet of the rule has them; the other way round with BACK. */
const struct space *rule_source(const struct rule *rule, bool back);
const struct space *rule_destination(const struct rule *rule, bool back);
const struct ports *rule_source_ports(const struct rule *rule, bool back);
const struct ports *rule_destination_ports(const struct rule *rule, bool back);
/*
 * Does a rule stand for the answers to this one? Where it does, readers that take a direction
 * literally need not be told both ways.
 */
bool rule_is_answered(const struct exceptions *exceptions, const struct rule *rule);
/* The first rule before this one that says the same of the same addresses; NULL if none does. */
const struct rule *rule_before(const struct exceptions *exceptions, const struct rule *rule);

/* The writers: one for each reader. They return 0 or -errno. */
typedef int exceptions_writer(const struct exceptions *exceptions, FILE *out);
exceptions_writer export_strongswan, export_xfrm, export_netsh, export_powershell;

/*
 * What every file starts with, each line behind PREFIX and with END: what it is, HOW to use it
 * (lines, ending at NULL), the pairs that it leaves to IPsec, and the rows that no pool has.
 */
struct head {
	const char *format, *prefix, *end;
	const char *const *how;
};
void export_head(const struct exceptions *exceptions, const struct head *head, FILE *out);
/* TEXT as a comment can hold it in any of the syntaxes: ASCII without what a shell may act on. */
void export_plain(const char *text, FILE *out);

#endif
