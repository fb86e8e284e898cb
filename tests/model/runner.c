// SPDX-License-Identifier: MIT
/*
 * Runs frames through the loaded programs for tests/model/judge: orders on stdin, answers on
 * stdout, both binary and in host byte order.
 *
 *   A u16 length, path       apply this site file                    -> i32 0 or -errno
 *   W u32 seconds            let time pass                           -> (nothing)
 *   F struct order, bytes    one frame: probed on both, then live    -> struct answer
 *
 * The first line of the answers names all reasons, in their order.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "running.h"
#include "world.h"

#define FRAME_MAX 9216
#define NOT_RUN 255

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
	uint16_t events; /* flows evicted or lost: the table was full */
	uint32_t bytes; /* that the counter grew by */
};

static bool get(void *bytes, size_t size)
{
	return fread(bytes, size, 1, stdin) == 1;
}

static void put(const void *bytes, size_t size)
{
	fwrite(bytes, size, 1, stdout);
}

static uint8_t probe(const struct world *world, struct shot shot, const struct order *order,
		     bool tc)
{
	struct probe_result result;

	/* A super-packet is one at TC only, and a probe cannot be one. */
	if (order->gso_size)
		return NOT_RUN;
	shot.tc = tc;
	return world_probe(world, &shot, &result) ? NOT_RUN : (uint8_t)result.reason;
}

static bool run_frame(struct world *world)
{
	static unsigned char bytes[FRAME_MAX];
	struct order order;
	struct answer answer = {0};
	struct outcome outcome = {0};
	struct shot shot = {.bytes = bytes};

	if (!get(&order, sizeof(order)) || order.length > sizeof(bytes) ||
	    (order.length && !get(bytes, order.length)) || order.device >= N_DEVICES)
		return false;
	shot.length = order.length;
	shot.device = order.device;
	shot.tc = order.tc;
	shot.linear = order.linear;
	shot.gso_size = order.gso_size;
	answer.probe_xdp = probe(world, shot, &order, false);
	answer.probe_tc = probe(world, shot, &order, true);
	answer.error = (int8_t)world_send(world, &shot, &outcome);
	answer.passed = outcome.passed;
	answer.reason = (uint8_t)outcome.reason;
	answer.audited = outcome.audited;
	answer.bytes = (uint32_t)outcome.bytes;
	answer.events = (uint16_t)(outcome.tables.flows_evicted + outcome.tables.flows_lost);
	put(&answer, sizeof(answer));
	return true;
}

static bool apply_site(struct world *world)
{
	char path[4096] = "";
	uint16_t length;
	int32_t err;

	if (!get(&length, sizeof(length)) || length >= sizeof(path) || !get(path, length))
		return false;
	err = world_apply_file(world, path);
	if (!err)
		err = world_stop_clock(world);
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
	default:
		return false;
	}
}

static int work(struct world *world, void *unused)
{
	(void)unused;
	for (int i = 0; i < N_REASONS; i++)
		printf("%s%c", reason_name((enum reason)i), i + 1 < N_REASONS ? ' ' : '\n');
	do
		fflush(stdout);
	while (obey(world));
	return !feof(stdin);
}

int main(void)
{
	return world_run(work, NULL);
}
