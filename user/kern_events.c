/* SPDX-License-Identifier: MIT */
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "watching.h"

struct watching {
	const struct kernel *kernel;
	struct ring_buffer *ring;
	take_event *take;
	void *context;
	int stopped; /* what take() said last */
};

/* After the first of these that is not 0, what comes is left out. */
static int pass_on(void *context, void *data, size_t size)
{
	struct watching *watching = context;

	if (size < sizeof(struct drop_event) || !watching->take || watching->stopped)
		return 0;
	watching->stopped = watching->take(watching->context, data);
	return 0;
}

static void renew(const struct control *control)
{
	__u32 until = __atomic_load_n(&control->epoch, __ATOMIC_RELAXED) + EVENT_LEASE;

	__atomic_store_n((__u32 *)&control->watch_until, until, __ATOMIC_RELAXED);
}

/* Two that try at once: one of them finds the cell changed. */
static int claim(struct control *control, __u32 rate, __u32 *watcher)
{
	__u32 before = __atomic_load_n(&control->watcher, __ATOMIC_ACQUIRE);

	*watcher = before;
	if (before && control->watch_until > control->epoch)
		return -EBUSY;
	if (!__atomic_compare_exchange_n(&control->watcher, &before, (__u32)getpid(), false,
					 __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
		*watcher = before;
		return -EBUSY;
	}
	control->watch_rate = rate;
	renew(control);
	return 0;
}

/* A CPU finds out with its first drop of a second. */
static void await_second(const struct control *control)
{
	const struct timespec pause = {.tv_nsec = 20000000};
	__u32 begin = __atomic_load_n(&control->epoch, __ATOMIC_RELAXED);

	for (int i = 0; i < 150 && __atomic_load_n(&control->epoch, __ATOMIC_RELAXED) == begin; i++)
		nanosleep(&pause, NULL);
}

int watching_begin(const struct kernel *kernel, __u32 rate, __u32 *watcher,
		   struct watching **watching)
{
	struct watching *new = calloc(1, sizeof(*new));
	int err;

	if (!new)
		return -ENOMEM;
	new->kernel = kernel;
	new->ring = ring_buffer__new(kernel->map[MAP_events], pass_on, new, NULL);
	if (!new->ring) {
		err = -errno;
		free(new);
		return err;
	}
	err = claim(kernel->control, rate, watcher);
	if (err) {
		ring_buffer__free(new->ring);
		free(new);
		return err;
	}
	ring_buffer__consume(new->ring); /* what a watcher before has left */
	await_second(kernel->control);
	renew(kernel->control);
	*watching = new;
	return 0;
}

int watching_wait(struct watching *watching, int milliseconds, take_event *take, void *context)
{
	int err;

	watching->take = take;
	watching->context = context;
	watching->stopped = 0;
	err = ring_buffer__poll(watching->ring, milliseconds);
	renew(watching->kernel->control);
	return watching->stopped ? watching->stopped : err < 0 ? err : 0;
}

void watching_end(struct watching *watching)
{
	struct control *control;

	if (!watching)
		return;
	control = watching->kernel->control;
	__atomic_store_n(&control->watch_until, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&control->watcher, 0, __ATOMIC_RELEASE);
	ring_buffer__free(watching->ring);
	free(watching);
}
