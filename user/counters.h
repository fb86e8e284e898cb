/* SPDX-License-Identifier: MIT */
/* Counters of a loaded instance, summed over the CPUs, and the names their ids have. */
#ifndef ROLEWALL_COUNTERS_H
#define ROLEWALL_COUNTERS_H

#include "compile.h"
#include "forward.h"
#include "kernel.h"

struct counters {
	struct drop_counter drops[N_DROP_REASONS]; /* by enum reason */
	struct counter passes[N_PASS_REASONS]; /* by enum reason - FIRST_PASS_REASON */
	struct table_counters tables;
	struct forward_counters forwarding;
};

struct table_fill {
	size_t used, size; /* ways */
};

/* All return 0 or -errno. */
int counters_read(const struct kernel *kernel, struct counters *counters);
/* By id, count entries; *rows or *pools is to be freed. */
int counters_rows(const struct kernel *kernel, struct row_counter **rows, size_t *count);
int counters_pools(const struct kernel *kernel, struct pool_counter **pools, size_t *count);
/* Reads the ids given so far back into fresh registries. */
int counters_registries(const struct kernel *kernel, struct registries *registries);
/* Writes the names of ids that the kernel does not know yet; no loaded image uses them so far. */
int counters_name(const struct kernel *kernel, const struct registries *registries);
/* Live ways of MAP_flows4, MAP_flows6 or MAP_fragments. */
int counters_fill(const struct kernel *kernel, enum pinned_map map, struct table_fill *fill);

#endif
