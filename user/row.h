/* SPDX-License-Identifier: MIT */
/* One row of a table, as a matrix file and the `extra:` of a site write it. */
#ifndef ROLEWALL_ROW_H
#define ROLEWALL_ROW_H

#include "matrix.h"
#include "yaml_doc.h"

/* The media ranges that rows may belong to and a site may move. */
#define MEDIA_NAMES(NAME)                                                                          \
	NAME("audio")                                                                              \
	NAME("video")                                                                              \
	NAME("app-sharing")                                                                        \
	NAME("client-audio")                                                                       \
	NAME("client-video")                                                                       \
	NAME("client-app-sharing")                                                                 \
	NAME("client-file-transfer")

#define PORT_RANGES_MAX 256U /* of one row */
#define PORT_RANGE_TEXT 12 /* "65535-65535" */

/*
 * Read row NUMBER of a vendor's table, or one of a site. What needs no matrix is checked here,
 * the rest by row_check(). Return as every yaml_reader; the row is to be freed in any case.
 */
int row_read_vendor(struct yaml_doc *doc, yaml_node_t *node, const char *table, unsigned int number,
		    struct row *row);
int row_read_site(struct yaml_doc *doc, yaml_node_t *node, struct row *row);
/* Gives the row its table and number, and its id if it has none. Returns 0 or -ENOMEM. */
int row_number(struct row *row, const char *table, unsigned int number);
void row_free(struct row *row);

/* A list of tcp and udp, to enum transport bits. */
yaml_reader row_read_transports;
/* A list of ports, to struct row; a vendor's table may speak of port 0, where it says "any". */
yaml_reader row_read_vendor_ports, row_read_site_ports;

/* Do the row's words name roles and groups of the matrix? Returns 0, -EINVAL or -ENOMEM. */
int row_check(const struct row *row, const struct matrix *matrix, struct diagnostics *diags);

/* Of the words in from: and to:, those that are prefixes have a ".", ":" or "/". */
bool peer_is_prefix(const char *word);

/* "N" or "A-B" with ports from LOWEST on; mistakes go to the document's diags. */
int yaml_port_range(struct yaml_doc *doc, const yaml_node_t *node, unsigned int lowest,
		    struct port_range *range);
/* The same of the first LENGTH bytes of the node's text, with ports from 1 on. */
int port_range_text(struct yaml_doc *doc, const yaml_node_t *node, size_t length,
		    struct port_range *range);
/* Writes it back; size >= PORT_RANGE_TEXT. */
const char *port_range_format(struct port_range range, char *text, size_t size);

/* The words of the bits, in order, with "+" between: "in+out", "tcp". */
const char *directions_name(unsigned int directions);
const char *transports_name(unsigned int transports);

#endif
