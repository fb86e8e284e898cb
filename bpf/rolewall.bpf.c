/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The object: the programs at XDP and at TC, which share everything behind their entries, and the
 * clock. Every packet takes the same four steps: parse -> classify -> decide -> account.
 */
#include "xdp.h"
#include "forward_xdp.h"
#include "tc.h"
#include "shadow_xdp.h"
#include "shadow_tc.h"
#include "trial.h"

#define CLOCK_BOOT 7 /* CLOCK_BOOTTIME: sleeping does not stop it */
#define SECOND 1000000000ULL

/* The dead man's switch: nobody confirmed, so what was in force before is so again. */
static __always_inline void end_trial(__u32 now)
{
	union reign reign = {.both = read_once(control.reign)};
	union reign before = {.active = control.fallback, .deadline = DEADLINE_PASSED};

	if (!reign.deadline || reign.deadline == DEADLINE_PASSED || now < reign.deadline)
		return;
	if (before.active >= IMAGE_SLOTS)
		before.active = reign.active;
	if (__sync_val_compare_and_swap(&control.reign, reign.both, before.both) != reign.both)
		return;
	control.returns++;
	write_once(control.returned, 1);
}

static int tick(void *map, __u32 *key, struct clock *value)
{
	__u32 now = control.epoch + 1;

	(void)map;
	(void)key;
	write_once(control.epoch, now);
	end_trial(now);
	bpf_timer_start(&value->timer, SECOND, 0);
	return 0;
}

/* Run once by the controller after load; again after an upgrade, to hand the timer over. */
SEC("syscall")
int start_clock(void *unused)
{
	__u32 key = 0;
	struct clock *value = bpf_map_lookup_elem(&clock, &key);

	(void)unused;
	if (!value)
		return 1;
	bpf_timer_init(&value->timer, &clock, CLOCK_BOOT); /* -EBUSY: it is there already */
	if (bpf_timer_set_callback(&value->timer, tick))
		return 2;
	return bpf_timer_start(&value->timer, SECOND, 0) ? 3 : 0;
}

const char program_license[] SEC("license") = "GPL";
