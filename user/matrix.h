/* SPDX-License-Identifier: MIT */
/*
 * A vendor's matrix: its roles and the rows of its tables, as read from a matrix file
 * (docs/matrix-file.md). Text only; what a row means for a host is resolve.c's business.
 */
#ifndef ROLEWALL_MATRIX_H
#define ROLEWALL_MATRIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "diag.h"
#include "source_text.h"

enum direction { /* bits */
		 DIRECTION_IN = 1,
		 DIRECTION_OUT = 2,
};

enum transport { /* bits */
		 TRANSPORT_TCP = 1,
		 TRANSPORT_UDP = 2,
};

enum balancing {
	BALANCING_ANY = 0, /* the table holds in both modes */
	BALANCING_DNS,
	BALANCING_HARDWARE,
};

struct port_range {
	uint16_t first, last; /* host byte order, both included */
};

struct strings {
	char **items;
	size_t count;
	struct place *places; /* where each was written; NULL in lists that were not read */
};

/* An exception from IPsec as another document of the vendor has it. */
struct row_variant {
	char *name; /* of the document */
	unsigned int transports; /* enum transport bits; 0: as the row */
	struct strings to, source_ports; /* empty: as the row */
};

struct row {
	char *id; /* "servers/05": table and 1-based row; stable, counters are keyed by it */
	char *table; /* "servers" */
	unsigned int number; /* 5 */
	struct strings roles; /* role or group ids; a vendor's row has exactly one */
	char *service; /* "" if the row has none */
	struct port_range *ports; /* as written, none overlaps another */
	size_t n_ports;
	unsigned int transports; /* enum transport bits */
	char *application; /* NULL: the table does not say */
	unsigned int directions; /* enum direction bits */
	struct strings from, to; /* role or group ids, prefixes as text, or "any"; empty = any */
	bool optional;
	char *feature; /* what an optional row is for, as `features:` of a site names it, or NULL */
	/*
	 * The role itself starts these connections: least-privilege opens nothing for them at home,
	 * but at the far end, if that is guarded.
	 */
	bool outgoing;
	struct strings only; /* the roles to which least-privilege limits the row; empty = all */
	bool opens; /* false: the table states something else (IPsec), the row opens nothing */
	enum balancing balancing;
	char *media; /* name of the media range that `media:` in the site may move, or NULL */
	char *note; /* "" if the row has none */
	char *source; /* the document it is taken from, or NULL; every row of an overlay has one */
	bool guess; /* the source does not say it in so many words */
	bool overlay; /* of an overlay: from and to hold in every profile, as in a site's own row */
	struct strings source_ports; /* of an exception: media names, or "any"; empty = any */
	struct row_variant *variants; /* of an exception */
	size_t n_variants;
	struct place place;
};

struct role {
	char *id;
	char *title;
	struct strings adds; /* roles that a holder of this one also has */
	bool peer; /* serves as source or destination only: its addresses are not guarded */
};

struct group {
	char *id;
	struct strings members; /* role ids */
};

/* A table that counts only for sites that turn it on by name (overlays.h). */
struct overlay {
	char *name, *title;
	struct row *rows;
	size_t n_rows;
	struct place place;
};

struct matrix {
	struct source_text text; /* of the file */
	char *name, *title;
	struct role *roles;
	size_t n_roles;
	struct group *groups;
	size_t n_groups;
	struct row *rows; /* of the tables; those of overlays stay with their overlay */
	size_t n_rows;
	struct overlay *overlays;
	size_t n_overlays;
	char *variant; /* which document the exceptions are from; NULL: DEFAULT_VARIANT */
	bool borrowed; /* all of it is another's, who frees it */
};

/* The table whose rows, if it opens nothing, say what IPsec must leave alone. */
#define EXCEPTIONS_TABLE "ipsec"
#define DEFAULT_VARIANT "default"
/* Is this one of them? */
bool row_is_exception(const struct row *row);

/* Limits of a matrix file. */
#define MATRIX_ROLES_MAX 256U
#define MATRIX_GROUPS_MAX 256U
#define MATRIX_OVERLAYS_MAX 256U

/* The name of the built-in matrix: what `matrix:` in a site may say instead of a path. */
#define MATRIX_BUILT_IN "skype-server-2015"

/*
 * Reads the matrix NAME (built in) or the file at that path. Every problem goes to diags.
 * Returns 0, -EINVAL where diags says why, or -errno where the file cannot be read (also in diags).
 */
int matrix_load(const char *name, struct matrix *matrix, struct diagnostics *diags);
/* The same from memory; FILE is what diagnostics show. On failure *matrix is untouched. */
int matrix_parse(const char *file, const char *text, size_t size, struct matrix *matrix,
		 struct diagnostics *diags);
void matrix_free(struct matrix *matrix);
/* The same once more, for as long as that one lives. */
struct matrix matrix_borrow(const struct matrix *matrix);

const struct role *matrix_role(const struct matrix *matrix, const char *id);
const struct group *matrix_group(const struct matrix *matrix, const char *id);

#endif
