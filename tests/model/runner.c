// SPDX-License-Identifier: MIT
/*
 * Runs frames through the loaded programs for tests/model/judge: orders on stdin, answers on
 * stdout, both binary and in host byte order.
 *
 *   A u16 length, path       apply this site file    -> i32 0 or -errno; if 0: u32 epoch, names of the rows
 *   W u32 seconds            let time pass           -> (nothing)
 *   F struct order, bytes    probe on both, then live -> struct answer
 *   C                        all counters            -> struct drop_counter for each reason, rows
 *
 * Names: u16 count, then ROW_NAME bytes each, by id from 1. Rows: struct counter each, by id from 1.
 * The first line of the answers names all reasons, in their order; the second the pin directory.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "cleanup.h"
#include "running.h"
#include "world.h"

#define FRAME_MAX 9216
#define NOT_RUN 255
#define CPUS_MAX 1024

struct order {
	uint8_t device; /* enum device */
	uint8_t tc; /* the live run: 1 = TC */
	uint16_t linear; /* XDP: bytes in the first buffer, 0 = all */
	uint16_t gso_size; /* TC */
	uint16_t length;
};

struct answer {
	int8_t error; /* -errno of the live run */
	uint8_t passed, reason, audited; /* the live run */
	uint8_t probe_xdp, probe_tc; /* reasons, NOT_RUN if it cannot be probed */
	uint16_t row_xdp, row_tc; /* ids of the rows that the probes name */
	uint16_t events; /* flows evicted or lost: the table was full */
	uint32_t bytes; /* that the counter grew by */
};

struct probed {
	uint8_t reason;
	uint16_t row;
};

/* What each row had counted when it was last looked at. */
static struct counter rows[ROW_IDS_MAX];
static size_t n_rows;

static bool get(void *bytes, size_t size)
{
	return fread(bytes, size, 1, stdin) == 1;
}

static void put(const void *bytes, size_t size)
{
	fwrite(bytes, size, 1, stdout);
}

/* --- rows */

static int read_row(const struct world *world, uint32_t id, struct counter *sum)
{
	static struct row_counter values[CPUS_MAX];
	int cpus = libbpf_num_possible_cpus();

	if (cpus < 1 || cpus > CPUS_MAX)
		return -E2BIG;
	if (bpf_map_lookup_elem(world->kernel.map[MAP_rows], &id, values))
		return -errno;
	*sum = (struct counter){0};
	for (int i = 0; i < cpus; i++) {
		sum->packets += values[i].packets;
		sum->bytes += values[i].bytes;
	}
	return 0;
}

/* A packet that a row lets in counts there alone; is this the row? */
static bool row_counted(const struct world *world, uint32_t id, struct outcome *outcome)
{
	struct counter now;

	if (!id || id >= n_rows || read_row(world, id, &now) || now.packets != rows[id].packets + 1)
		return false;
	outcome->reason = REASON_matrix;
	outcome->bytes = now.bytes - rows[id].bytes;
	rows[id] = now;
	return true;
}

/* Reading all rows after each packet would take most of the time, so the probe says which. */
static void find_row(const struct world *world, uint16_t probed, struct outcome *outcome)
{
	if (row_counted(world, probed, outcome))
		return;
	for (uint32_t id = 1; id < n_rows; id++)
		if (row_counted(world, id, outcome))
			return;
}

/* --- orders */

static struct probed probe(const struct world *world, struct shot shot, const struct order *order,
			   bool tc)
{
	struct probe_result result;

	/* A super-packet is one at TC only, and a probe cannot be one. */
	shot.tc = tc;
	if (order->gso_size || world_probe(world, &shot, &result))
		return (struct probed){.reason = NOT_RUN};
	return (struct probed){.reason = (uint8_t)result.reason, .row = (uint16_t)result.row};
}

static bool run_frame(struct world *world)
{
	static unsigned char bytes[FRAME_MAX];
	struct order order;
	struct answer answer = {0};
	struct outcome outcome = {0};
	struct shot shot = {.bytes = bytes};
	struct probed xdp, tc;

	if (!get(&order, sizeof(order)) || order.length > sizeof(bytes) ||
	    (order.length && !get(bytes, order.length)) || order.device >= N_DEVICES)
		return false;
	shot.length = order.length;
	shot.device = order.device;
	shot.tc = order.tc;
	shot.linear = order.linear;
	shot.gso_size = order.gso_size;
	xdp = probe(world, shot, &order, false);
	tc = probe(world, shot, &order, true);
	answer.error = (int8_t)world_send(world, &shot, &outcome);
	if (!answer.error && outcome.reason == N_REASONS)
		find_row(world, xdp.row ? xdp.row : tc.row, &outcome);
	answer.probe_xdp = xdp.reason;
	answer.probe_tc = tc.reason;
	answer.row_xdp = xdp.row;
	answer.row_tc = tc.row;
	answer.passed = outcome.passed;
	answer.reason = (uint8_t)outcome.reason;
	answer.audited = outcome.audited;
	answer.bytes = (uint32_t)outcome.bytes;
	answer.events = (uint16_t)(outcome.tables.flows_evicted + outcome.tables.flows_lost);
	put(&answer, sizeof(answer));
	return true;
}

/* Takes over the counters of all rows, and says their names. */
static int name_rows(struct world *world)
{
	_cleanup_free_ struct row_counter *named = NULL;
	int err = counters_rows(&world->kernel, &named, &n_rows);
	int32_t none = 0;
	uint16_t count;

	if (err)
		return err;
	count = (uint16_t)(n_rows ? n_rows - 1 : 0);
	put(&none, sizeof(none));
	put(&world->kernel.control->epoch, sizeof(uint32_t));
	put(&count, sizeof(count));
	for (size_t id = 1; id < n_rows; id++) {
		rows[id] = (struct counter){named[id].packets, named[id].bytes};
		put(named[id].row, sizeof(named[id].row));
	}
	return 0;
}

static bool apply_site(struct world *world)
{
	char path[4096] = "";
	uint16_t length;
	int32_t err;

	if (!get(&length, sizeof(length)) || length >= sizeof(path) || !get(path, length))
		return false;
	err = world_apply_file(world, path);
	world->n_rows = 0; /* see find_row() */
	if (!err)
		err = world_count(world, &world->last);
	if (!err)
		err = world_stop_clock(world);
	if (!err)
		err = name_rows(world);
	if (err)
		put(&err, sizeof(err));
	return true;
}

static bool let_time_pass(struct world *world)
{
	uint32_t seconds;

	if (!get(&seconds, sizeof(seconds)))
		return false;
	world_wait(world, seconds);
	return true;
}

static bool say_counters(const struct world *world)
{
	_cleanup_free_ struct row_counter *all = NULL;
	struct counters counters;
	size_t count = 0;

	if (world_count(world, &counters) || counters_rows(&world->kernel, &all, &count) ||
	    count != n_rows)
		return false;
	put(counters.drops, sizeof(counters.drops));
	for (int i = 0; i < N_PASS_REASONS; i++) {
		struct drop_counter pass = {.packets = counters.passes[i].packets,
					    .bytes = counters.passes[i].bytes};

		put(&pass, sizeof(pass));
	}
	for (size_t id = 1; id < count; id++)
		put(&(struct counter){all[id].packets, all[id].bytes}, sizeof(struct counter));
	return true;
}

/* One order; false at the end of them, or of what makes sense. */
static bool obey(struct world *world)
{
	char word;

	if (!get(&word, 1))
		return false;
	switch (word) {
	case 'A':
		return apply_site(world);
	case 'W':
		return let_time_pass(world);
	case 'F':
		return run_frame(world);
	case 'C':
		return say_counters(world);
	default:
		return false;
	}
}

static int work(struct world *world, void *unused)
{
	(void)unused;
	for (int i = 0; i < N_REASONS; i++)
		printf("%s%c", reason_name((enum reason)i), i + 1 < N_REASONS ? ' ' : '\n');
	printf("%s\n", world->pin_dir);
	do
		fflush(stdout);
	while (obey(world));
	return !feof(stdin);
}

int main(void)
{
	return world_run(work, NULL);
}
