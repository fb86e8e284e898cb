/* SPDX-License-Identifier: MIT */
/*
 * What is in force, and until when. The clock writes the same two cells (bpf/rolewall.bpf.c), so
 * they change by compare-and-swap; it does so only while a trial runs.
 */
#include <errno.h>

#include "kern_internal.h"

static union reign read_reign(const struct kernel *kernel)
{
	return (union reign){.both = __atomic_load_n(&kernel->control->reign, __ATOMIC_SEQ_CST)};
}

static bool swap_reign(const struct kernel *kernel, union reign old, union reign fresh)
{
	return __atomic_compare_exchange_n(&kernel->control->reign, &old.both, fresh.both, false,
					   __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

static bool is_trial(union reign reign)
{
	return reign.deadline && reign.deadline != DEADLINE_PASSED;
}

static void set_cell(__u32 *cell, __u32 value)
{
	__atomic_store_n(cell, value, __ATOMIC_SEQ_CST);
}

void kernel_trial(const struct kernel *kernel, struct trial *trial)
{
	const struct control *control = kernel->control;
	union reign reign = read_reign(kernel);
	__u32 now = __atomic_load_n(&control->epoch, __ATOMIC_RELAXED);

	*trial = (struct trial){
		.running = is_trial(reign),
		.open = reign.deadline == DEADLINE_PASSED,
		.returned = __atomic_load_n(&control->returned, __ATOMIC_RELAXED),
		.generation = control->trial,
		.fallback = control->fallback,
	};
	if (trial->running && reign.deadline > now)
		trial->seconds = reign.deadline - now;
}

bool kernel_nothing_in_force(const struct kernel *kernel)
{
	struct trial trial;

	kernel_trial(kernel, &trial);
	return trial.open && trial.fallback == NO_SLOT;
}

/* What the clock would return to must be known before anything can make it do so. */
void kernel_open_gates(const struct kernel *kernel)
{
	union reign reign = read_reign(kernel);

	if (reign.deadline == DEADLINE_PASSED)
		return;
	set_cell(&kernel->control->fallback, reign.active);
	swap_reign(kernel, reign, (union reign){{reign.active, DEADLINE_PASSED}});
}

static void flip(const struct kernel *kernel, union reign fresh)
{
	struct control *control = kernel->control;
	union reign reign = read_reign(kernel);

	if (reign.deadline != DEADLINE_PASSED)
		set_cell(&control->fallback, reign.active);
	set_cell(&control->returned, 0);
	swap_reign(kernel, reign, fresh);
}

void kernel_flip(const struct kernel *kernel, __u32 slot)
{
	flip(kernel, (union reign){.active = slot});
}

void kernel_begin_trial(const struct kernel *kernel, __u32 slot, __u32 generation, __u32 seconds)
{
	__u32 now = __atomic_load_n(&kernel->control->epoch, __ATOMIC_RELAXED);

	set_cell(&kernel->control->trial, generation);
	flip(kernel, (union reign){{slot, now + seconds + 1}});
}

int kernel_confirm(const struct kernel *kernel)
{
	union reign reign = read_reign(kernel);

	if (!is_trial(reign) || !swap_reign(kernel, reign, (union reign){.active = reign.active}))
		return -ETIMEDOUT;
	return 0;
}

int kernel_return(const struct kernel *kernel)
{
	union reign reign = read_reign(kernel);
	union reign before = {.active = kernel->control->fallback, .deadline = DEADLINE_PASSED};

	if (before.active >= IMAGE_SLOTS)
		before.active = reign.active;
	return is_trial(reign) && swap_reign(kernel, reign, before) ? 0 : -ETIMEDOUT;
}

void kernel_let_go(const struct kernel *kernel)
{
	union reign reign = read_reign(kernel);

	set_cell(&kernel->control->fallback, NO_SLOT);
	/* Where the clock was faster, it did the same. */
	swap_reign(kernel, reign, (union reign){{reign.active, DEADLINE_PASSED}});
}

void kernel_set_changing(const struct kernel *kernel, bool changing)
{
	set_cell(&kernel->control->changing, changing);
}

bool kernel_is_changing(const struct kernel *kernel)
{
	return __atomic_load_n(&kernel->control->changing, __ATOMIC_SEQ_CST);
}

void kernel_shut_gates(const struct kernel *kernel)
{
	union reign reign = read_reign(kernel);

	if (reign.deadline == DEADLINE_PASSED)
		swap_reign(kernel, reign, (union reign){.active = reign.active});
	set_cell(&kernel->control->returned, 0);
}

__u32 kernel_free_slot(const struct kernel *kernel)
{
	union reign reign = read_reign(kernel);
	__u32 slot = 0, slots = kernel_slots(kernel->pages);

	while (slot < slots && (slot == reign.active || slot == kernel->control->shadow ||
				(is_trial(reign) && slot == kernel->control->fallback)))
		slot++;
	return slot < slots ? slot : NO_SLOT;
}
