/* SPDX-License-Identifier: MIT */
/* counters_read(), for tests that read thousands of times: the same numbers in four system calls. */
#ifndef ROLEWALL_TESTS_SNAPSHOT_H
#define ROLEWALL_TESTS_SNAPSHOT_H

#include "counters.h"

/* N_ROWS: ids in use, 0 included. Returns 0 or -errno. */
int snapshot_read(const struct kernel *kernel, size_t n_rows, struct counters *counters);

#endif
