/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "agent.h"
#include "cleanup.h"
#include "reattach.h"

#define BUSY_NS 5000000ULL /* until the lock is tried again */
#define ROUTES_NS 30000000000ULL /* until routes are read again, if no link changes before */
#define ROUTES_SHARE 50U /* and never more than a fiftieth of the time: there may be a million */
#define FAILED_NS 10000000000ULL /* until attaching to the same interface is */

static struct watched *find_watched(const struct agent *agent, const char *name)
{
	for (size_t i = 0; i < agent->n_watched; i++)
		if (!strcmp(agent->watched[i].name, name))
			return &agent->watched[i];
	return NULL;
}

bool agent_minds(const struct agent *agent, const char *name, unsigned int ifindex)
{
	if (!agent->loaded || wanted_find(&agent->wanted, name))
		return true;
	for (size_t i = 0; i < agent->n_watched; i++)
		if (agent->watched[i].state.ifindex == ifindex)
			return true;
	return false;
}

void agent_forget(struct agent *agent)
{
	free(agent->watched);
	agent->watched = NULL;
	agent->n_watched = 0;
	backstop_sets_free(&agent->held);
	wanted_free(&agent->wanted);
	agent->loaded = false;
}

/* --- what is there */

static int refresh_wanted(struct agent *agent, const struct kernel *kernel)
{
	struct wanted wanted;
	__u32 before = agent->wanted.generation;
	int err;

	if (agent->loaded && wanted_is_current(kernel, &agent->wanted))
		return 0;
	err = wanted_read(kernel, &wanted);
	if (err)
		return err;
	wanted_free(&agent->wanted);
	agent->wanted = wanted;
	if (!agent->loaded || wanted.generation != before)
		agent_say(LOG_INFO, "generation %u is in force, interfaces: %zu", wanted.generation,
			  wanted.count);
	agent->loaded = true;
	return 0;
}

/* Takes over what was seen, and tells what is different from last time. */
static int take_states(struct agent *agent, const struct interface_states *states)
{
	struct watched *watched = calloc(states->count + 1, sizeof(*watched));

	if (!watched)
		return -ENOMEM;
	for (size_t i = 0; i < states->count; i++) {
		const struct interface_state *now = &states->items[i];
		const struct watched *before = find_watched(agent, now->name);
		const struct interface_state none = {.condition = N_CONDITIONS};

		if (before)
			watched[i] = *before;
		agent_tell_change(agent, before ? &before->state : &none, now);
		watched[i].state = *now;
		memcpy(watched[i].name, now->name, sizeof(now->name));
	}
	free(agent->watched);
	agent->watched = watched;
	agent->n_watched = states->count;
	return 0;
}

static int see(struct agent *agent, const struct kernel *kernel)
{
	_cleanup_(conditions_free) struct interface_states states = {0};
	int err = refresh_wanted(agent, kernel);

	if (!err)
		err = conditions_read(kernel, &agent->wanted, &states);
	return err ? err : take_states(agent, &states);
}

/* --- what has to be done */

static bool is_due(const struct agent *agent, const struct watched *watched)
{
	if ((watched->state.condition != CONDITION_unfiltered &&
	     watched->state.condition != CONDITION_wrong_side) ||
	    !wanted_find(&agent->wanted, watched->name))
		return false;
	return !watched->failed_ns || watched->failed_ifindex != watched->state.ifindex ||
	       agent_now() - watched->failed_ns > FAILED_NS;
}

static bool anything_due(const struct agent *agent)
{
	for (size_t i = 0; i < agent->n_watched; i++)
		if (is_due(agent, &agent->watched[i]))
			return true;
	return false;
}

static void count_success(struct agent *agent, const struct watched *watched)
{
	struct agent_counts *counts = &agent->counts;

	if (watched->state.condition == CONDITION_wrong_side) {
		agent_say(LOG_NOTICE, "%s: on its side again", watched->name);
		return;
	}
	counts->reattached++;
	counts->last_ns = agent_now() - agent->since_ns;
	if (counts->last_ns > counts->slowest_ns)
		counts->slowest_ns = counts->last_ns;
	agent_say(LOG_NOTICE, "%s: attached again, %.1f ms after the word of it", watched->name,
		  (double)counts->last_ns / 1e6);
}

static void attach_due(struct agent *agent, const struct kernel *kernel)
{
	for (size_t i = 0; i < agent->n_watched; i++) {
		struct watched *watched = &agent->watched[i];

		if (!is_due(agent, watched))
			continue;
		if (!reattach(kernel, wanted_find(&agent->wanted, watched->name))) {
			watched->failed_ns = 0;
			count_success(agent, watched);
			continue;
		}
		agent->counts.failed++;
		watched->failed_ns = agent_now();
		watched->failed_ifindex = watched->state.ifindex;
	}
}

int agent_attach(struct agent *agent, const struct kernel *kernel)
{
	int err = see(agent, kernel);

	if (!err)
		attach_due(agent, kernel);
	return err;
}

/* What was seen may have changed until the lock was had: see again, then act, then see it done. */
static int act(struct agent *agent)
{
	_cleanup_(kernel_close) struct kernel kernel = KERNEL_CLOSED;
	const char *pin_dir = agent->request->common->pin_dir;
	int err = kernel_try_lock(pin_dir, &kernel);

	if (err == -EBUSY) {
		agent->counts.lock_waits++;
		agent->retry_ns = agent_now() + BUSY_NS;
		return 0;
	}
	if (!err)
		err = kernel_open(pin_dir, &kernel);
	if (err)
		return err == -ENOENT ? 0 : err;
	err = agent_attach(agent, &kernel);
	if (err)
		return err;
	agent_backstop_keep(agent, &kernel);
	return see(agent, &kernel);
}

/* --- the look */

static bool routes_are_due(const struct agent *agent)
{
	__u64 pause = agent->links_changed ? 0 : ROUTES_NS;

	if (pause < agent->routes_took_ns * ROUTES_SHARE)
		pause = agent->routes_took_ns * ROUTES_SHARE;
	return !agent->routes_ns || agent_now() - agent->routes_ns >= pause;
}

/* A MAC address, a driver's abilities, what the kernel has to forward: each may have changed. */
static void tell_forwarding(struct agent *agent, const struct kernel *kernel)
{
	__u64 before = agent_now();
	bool routes = routes_are_due(agent);

	kernel_forward_ports(kernel, routes);
	if (!routes)
		return;
	agent->links_changed = false;
	agent->routes_ns = agent_now();
	agent->routes_took_ns = agent->routes_ns - before;
}

static int look(struct agent *agent)
{
	_cleanup_(kernel_close) struct kernel kernel = KERNEL_CLOSED;
	int err = kernel_open(agent->request->common->pin_dir, &kernel);
	bool due;

	if (!err && kernel_nothing_in_force(&kernel))
		err = -ENOENT;
	if (err == -ENOENT) {
		if (agent->loaded)
			agent_say(LOG_WARNING, "nothing is in force any more; waiting");
		agent_forget(agent);
		return 0;
	}
	if (!err)
		err = see(agent, &kernel);
	if (!err && agent->wanted.forwards)
		tell_forwarding(agent, &kernel);
	due = !err && (agent_backstop_due(agent, &kernel) || anything_due(agent));
	kernel_close(&kernel);
	return due ? act(agent) : err;
}

int agent_look(struct agent *agent)
{
	int err;

	agent->retry_ns = 0;
	err = look(agent);
	if (err && err != agent->trouble)
		agent_say(LOG_ERR, "cannot read what is loaded at %s: %s",
			  agent->request->common->pin_dir, strerror(-err));
	if (err)
		agent_forget(agent);
	agent->trouble = err;
	if (!agent->retry_ns)
		agent->since_ns = 0;
	agent_tell_status(agent);
	return err == -ENOMEM ? err : 0;
}
