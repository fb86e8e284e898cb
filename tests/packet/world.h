/* SPDX-License-Identifier: MIT */
/*
 * A world to send packets through: a network namespace of its own with a few veth pairs, a policy
 * that policy_apply() loaded under pins of its own, and the loaded programs, run live and probed.
 */
#ifndef ROLEWALL_TESTS_WORLD_H
#define ROLEWALL_TESTS_WORLD_H

#include <stdbool.h>
#include <stddef.h>

#include "counters.h"
#include "kernel.h"

/* Interfaces of every world; the site names a side for each. Their peers end in 1. */
enum device { DEVICE_ANY, DEVICE_OUTSIDE, DEVICE_INSIDE, N_DEVICES };

#define WORLD_INTERFACES                                                                           \
	"interfaces:\n"                                                                            \
	"  - {name: out0, side: outside}\n"                                                        \
	"  - {name: in0, side: inside}\n"                                                          \
	"  - {name: any0, side: any}\n"

struct world {
	char pin_dir[64], site_path[64];
	struct kernel kernel;
	int full_xdp, full_tc; /* the programs behind the fast way */
	unsigned int ifindex[N_DEVICES];
	size_t n_rows; /* ids of row counters in use */
	struct counters last; /* as the last frame left them; nothing else counts in this world */
};

/* One frame on its way in. */
struct shot {
	const void *bytes;
	size_t length;
	enum device device;
	bool tc; /* through the TC program instead of the XDP one */
	size_t linear; /* XDP: bytes of the first buffer; 0 = all in one */
	unsigned int gso_size; /* TC: a super-packet's */
	bool full; /* a probe past the fast way */
};

/* What came of it. */
struct outcome {
	bool passed, audited;
	enum reason reason; /* N_REASONS: not exactly one counter went up by one */
	__u64 bytes; /* what that counter grew by */
	struct table_counters tables; /* difference */
};

/*
 * Runs WORK in a child process, in a namespace of its own, and cleans up behind it, even where it
 * crashed. Returns its exit status.
 */
int world_run(int (*work)(struct world *world, void *argument), void *argument);

/* Loads this site's text, or flips to it. Returns 0 or -errno; messages on stderr. */
int world_apply(struct world *world, const char *site);
/* The same from a file. */
int world_apply_file(struct world *world, const char *path);

/*
 * Live: counted and recorded. The outcome is what changed since the frame before, so that a probe
 * in between that was counted shows. Returns 0 or -errno.
 */
int world_send(struct world *world, const struct shot *shot, struct outcome *outcome);
/* All counters of the loaded instance. Returns 0 or -errno. */
int world_count(const struct world *world, struct counters *counters);
/* As a probe: judged, not counted. Returns 0 or -errno. */
int world_probe(const struct world *world, const struct shot *shot, struct probe_result *result);

/* Stops the clock that ages flows and fragments; from now on only world_wait() moves it. */
int world_stop_clock(struct world *world);
void world_wait(struct world *world, unsigned int seconds);

#endif
