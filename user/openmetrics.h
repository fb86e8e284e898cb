/* SPDX-License-Identifier: MIT */
/* What runs, as OpenMetrics text; docs/metrics.md lists the names, which stay. */
#ifndef ROLEWALL_OPENMETRICS_H
#define ROLEWALL_OPENMETRICS_H

#include <stdio.h>

#include "reading.h"

#define OPENMETRICS_PREFIX "rolewall_"

/* Errors of OUT are left to its owner (ferror()). */
void openmetrics_write(const struct reading *reading, FILE *out);
/* What the text has to end with. */
void openmetrics_end(FILE *out);

#endif
