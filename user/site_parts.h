/* SPDX-License-Identifier: MIT */
/* The lists of a site file: interfaces, pools, ipsec, failsafe. Readers for the keys of site.c. */
#ifndef ROLEWALL_SITE_PARTS_H
#define ROLEWALL_SITE_PARTS_H

#include "site.h"
#include "yaml_doc.h"

yaml_reader site_read_interfaces; /* to struct site */
yaml_reader site_read_pools; /* to struct site */
yaml_reader site_read_ipsec; /* to struct site */
yaml_reader site_read_failsafe; /* to struct site */

/* Is TEXT an address or prefix that a pool may have? Returns 0 or -EINVAL, which is in diags. */
int site_check_address(const char *text, struct place place, struct prefix *prefix,
		       struct diagnostics *diags);

void site_ipsec_free(struct site *site);

#endif
