/* SPDX-License-Identifier: MIT */
/*
 * The dead man's switch: past the deadline the clock returns to the fallback by itself, with
 * everything that belongs to a slot. The world's first site marks out0 as outside, the second
 * marks nothing and opens a port more.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "parties.h"
#include "world.h"

#define PATIENCE 600 /* times 10 ms */
#define ANY_INTERFACES "interfaces: [{name: out0}, {name: in0}, {name: any0}]\n"

struct two {
	struct world *world;
	__u32 old, new; /* their slots */
};

static const struct recipe opened = {.destination_port = PORT_SHUT};
static const struct recipe spoofed = {.source = &FRONT_END_TWO};

static enum reason ask(const struct two *two, const struct recipe *recipe, __u32 slot, bool tc)
{
	const struct serving serving = {.family = FAMILY_IPV4};
	struct frame frame;
	struct probe_result result;
	struct probe_request request = {
		.frame = frame.bytes,
		.ifindex = two->world->ifindex[DEVICE_OUTSIDE],
		.slot = slot,
		.tc = tc,
	};

	make_frame(recipe, &serving, &frame);
	request.length = frame.length;
	assert_return_code(kernel_probe(&two->world->kernel, &request, &result), 0);
	return result.reason;
}

/* Live: what the entry alone reads. */
static enum reason send(const struct two *two, const struct recipe *recipe, bool tc)
{
	const struct serving serving = {.family = FAMILY_IPV4};
	struct frame frame;
	struct outcome outcome;
	struct shot shot = {.bytes = frame.bytes, .device = DEVICE_OUTSIDE, .tc = tc};

	make_frame(recipe, &serving, &frame);
	shot.length = frame.length;
	assert_return_code(world_send(two->world, &shot, &outcome), 0);
	return outcome.reason;
}

static void set_reign(const struct two *two, __u32 active, __u32 deadline)
{
	const union reign reign = {.active = active, .deadline = deadline};

	__atomic_store_n(&two->world->kernel.control->reign, reign.both, __ATOMIC_SEQ_CST);
}

/* The epoch at which the reign changed, or 0 if it did not until EPOCH. */
static __u32 wait_for_change(const struct two *two, __u32 until)
{
	const struct timespec pause = {.tv_nsec = 10000000};
	volatile const struct control *control = two->world->kernel.control;
	__u64 before = control->reign;

	for (int i = 0; i < PATIENCE && control->epoch <= until; i++) {
		if (control->reign != before)
			return control->epoch;
		nanosleep(&pause, NULL);
	}
	return 0;
}

static void begin_trial(const struct two *two, __u32 fallback, __u32 seconds)
{
	struct control *control = two->world->kernel.control;

	control->fallback = fallback;
	control->returned = 0;
	set_reign(two, two->new, control->epoch + seconds);
}

static void test_return(void **state)
{
	const struct two *two = *state;
	const struct control *control = two->world->kernel.control;
	__u64 returns = control->returns;
	__u32 deadline;

	begin_trial(two, two->old, 2);
	deadline = control->deadline;
	assert_int_equal(send(two, &opened, false), REASON_failsafe);
	assert_int_equal(send(two, &opened, true), REASON_failsafe);
	assert_int_equal(send(two, &spoofed, false), REASON_matrix);
	assert_int_equal(send(two, &spoofed, true), REASON_matrix);
	assert_int_equal(wait_for_change(two, deadline + 1), deadline);
	assert_int_equal(control->active, two->old);
	assert_int_equal(control->deadline, DEADLINE_PASSED);
	assert_int_equal(control->returned, 1);
	assert_int_equal(control->returns, returns + 1);
	assert_int_equal(send(two, &opened, false), REASON_port_not_in_matrix);
	assert_int_equal(send(two, &opened, true), REASON_port_not_in_matrix);
	assert_int_equal(send(two, &spoofed, false), REASON_spoofed);
	assert_int_equal(send(two, &spoofed, true), REASON_spoofed);
}

static void test_confirmed(void **state)
{
	const struct two *two = *state;
	const struct control *control = two->world->kernel.control;
	__u32 deadline;

	begin_trial(two, two->old, 1);
	deadline = control->deadline;
	set_reign(two, two->new, 0);
	assert_int_equal(wait_for_change(two, deadline), 0);
	assert_int_equal(control->active, two->new);
	assert_int_equal(control->returned, 0);
}

static void test_nothing_before(void **state)
{
	const struct two *two = *state;
	const struct control *control = two->world->kernel.control;
	__u32 deadline;

	begin_trial(two, NO_SLOT, 1);
	deadline = control->deadline;
	assert_int_equal(wait_for_change(two, deadline + 1), deadline);
	assert_int_equal(control->active, two->new);
	assert_int_equal(control->deadline, DEADLINE_PASSED);
	assert_int_equal(control->returned, 1);
}

/* An end of the trial is no trial: the clock leaves it alone. */
static void test_passed_once(void **state)
{
	const struct two *two = *state;
	const struct control *control = two->world->kernel.control;
	__u64 returns = control->returns;

	two->world->kernel.control->fallback = two->old;
	set_reign(two, two->new, DEADLINE_PASSED);
	assert_int_equal(wait_for_change(two, control->epoch + 1), 0);
	assert_int_equal(control->active, two->new);
	assert_int_equal(control->returns, returns);
}

static void test_sides(void **state)
{
	const struct two *two = *state;

	set_reign(two, two->new, 0);
	for (int tc = 0; tc < 2; tc++) {
		assert_int_equal(ask(two, &spoofed, two->old, tc), REASON_spoofed);
		assert_int_equal(ask(two, &spoofed, two->new, tc), REASON_matrix);
		assert_int_equal(ask(two, &spoofed, PROBE_ACTIVE, tc), REASON_matrix);
	}
	set_reign(two, two->old, 0);
	for (int tc = 0; tc < 2; tc++)
		assert_int_equal(ask(two, &spoofed, PROBE_ACTIVE, tc), REASON_spoofed);
}

/* Whatever is in use is never free, and there is one as long as three are not in use. */
static void test_free_slot(void **state)
{
	struct control control = {0};
	struct kernel kernel = {.control = &control, .pages = 1};
	__u32 found;

	(void)state;
	for (__u32 i = 0; i < 2 * 4 * 5 * 5; i++) {
		bool trial = i & 1;

		control.deadline = trial ? 77 : i & 2 ? DEADLINE_PASSED : 0;
		control.active = i / 2 % 4;
		control.fallback = i / 8 % 5;
		control.shadow = i / 40 % 5;
		found = kernel_free_slot(&kernel);
		assert_in_range(found, 0, IMAGE_SLOTS - 1);
		assert_int_not_equal(found, control.active);
		assert_int_not_equal(found, control.shadow);
		if (trial)
			assert_int_not_equal(found, control.fallback);
	}
	kernel.pages = IMAGE_PAGES_MAX;
	control = (struct control){.active = 0, .fallback = 1, .deadline = 77, .shadow = NO_SLOT};
	assert_int_equal(kernel_free_slot(&kernel), NO_SLOT);
	control.deadline = 0;
	assert_int_equal(kernel_free_slot(&kernel), 1);
}

/* Behind the clock's word neither confirm nor rollback has one. */
static void test_too_late(void **state)
{
	static const __u32 over[] = {0, DEADLINE_PASSED};
	struct control control = {.active = 1};
	const struct kernel kernel = {.control = &control, .pages = 1};

	(void)state;
	for (size_t i = 0; i < sizeof(over) / sizeof(over[0]); i++) {
		control.deadline = over[i];
		assert_int_equal(kernel_confirm(&kernel), -ETIMEDOUT);
		assert_int_equal(kernel_return(&kernel), -ETIMEDOUT);
		assert_int_equal(control.active, 1);
		assert_int_equal(control.deadline, over[i]);
	}
	control.deadline = 77;
	assert_int_equal(kernel_confirm(&kernel), 0);
	assert_int_equal(control.active, 1);
	assert_int_equal(control.deadline, 0);
	control.deadline = 77;
	assert_int_equal(kernel_return(&kernel), 0);
	assert_int_equal(control.active, 0);
	assert_int_equal(control.deadline, DEADLINE_PASSED);
}

static int apply_two(struct two *two)
{
	char *old = site_text(""), *new;
	int err = world_apply(two->world, old);

	free(old);
	if (err)
		return err;
	two->old = two->world->kernel.control->active;
	new = site_with_interfaces(ANY_INTERFACES
				   "failsafe: {from: [198.18.0.0/15], ports: [4242/tcp]}\n");
	err = world_apply(two->world, new);
	free(new);
	if (!err)
		two->new = two->world->kernel.control->active;
	return err;
}

static int run(struct world *world, void *unused)
{
	struct two two = {.world = world};
	const struct CMUnitTest tests[] = {
		{"no slot in use is given away", test_free_slot, NULL, NULL, NULL},
		{"what the clock ended has no other end", test_too_late, NULL, NULL, NULL},
		{"each slot has sides of its own", test_sides, NULL, NULL, &two},
		{"the clock returns at the deadline", test_return, NULL, NULL, &two},
		{"not when it was confirmed", test_confirmed, NULL, NULL, &two},
		{"nothing to return to", test_nothing_before, NULL, NULL, &two},
		{"it returns once", test_passed_once, NULL, NULL, &two},
	};

	(void)unused;
	if (apply_two(&two))
		return 1;
	return cmocka_run_group_tests_name("trial", tests, NULL, NULL) != 0;
}

int main(void)
{
	return world_run(run, NULL);
}
