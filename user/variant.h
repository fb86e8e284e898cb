/* SPDX-License-Identifier: MIT */
/* What rows of the table of IPsec exceptions have beyond others: source ports, and variants. */
#ifndef ROLEWALL_VARIANT_H
#define ROLEWALL_VARIANT_H

#include "matrix.h"
#include "yaml_doc.h"

yaml_reader row_read_source_ports; /* to struct strings: names of media ranges, or "any" alone */
yaml_reader row_read_variants; /* to struct row */
void row_free_variants(struct row *row);

/* Are they where they may be, and do their words name roles? Returns 0, or -ENOMEM. */
int row_check_variants(const struct row *row, const struct matrix *matrix,
		       struct diagnostics *diags);

/* One row as a document of the vendor has it. */
struct exception {
	unsigned int transports; /* enum transport bits */
	const struct strings *from, *to, *source_ports; /* empty or "any": any */
};

/* Is VARIANT a document that the matrix knows, for all rows or for some? */
bool matrix_has_variant(const struct matrix *matrix, const char *variant);
/* All that it knows, "a, b": to be freed; NULL = out of memory. */
char *matrix_variants(const struct matrix *matrix);
/* The row in that document. */
struct exception row_exception(const struct row *row, const char *variant);

#endif
