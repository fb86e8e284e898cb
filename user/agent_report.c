/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <systemd/sd-daemon.h>

#include "agent.h"
#include "openmetrics.h"

void agent_say(int level, const char *format, ...)
{
	va_list arguments;

	/* The journal reads the level from the line's start. */
	if (getenv("JOURNAL_STREAM"))
		fprintf(stderr, "<%d>", level);
	fprintf(stderr, "rolewall agent: ");
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
}

static bool was_taken_off(const struct interface_state *before, const struct interface_state *now)
{
	return is_filtered(before->condition) && now->condition == CONDITION_unfiltered &&
	       before->ifindex == now->ifindex;
}

static void tell_hook(const struct interface_state *before, const struct interface_state *now)
{
	bool native_lost = before->hook == HOOK_XDP_NATIVE;

	agent_say(native_lost ? LOG_WARNING : LOG_NOTICE, "%s: %s instead of %s now%s", now->name,
		  hook_taken(now), hook_taken(before), native_lost ? ": native mode is lost" : "");
}

void agent_tell_change(struct agent *agent, const struct interface_state *before,
		       const struct interface_state *now)
{
	if (was_taken_off(before, now)) {
		agent->counts.taken_off++;
		agent_say(LOG_ALERT, "%s: somebody took our program off", now->name);
	}
	if (before->hook != HOOK_AUTO && now->hook != HOOK_AUTO && before->hook != now->hook)
		tell_hook(before, now);
	if (before->condition == now->condition)
		return;
	if (now->condition == CONDITION_filtered)
		agent_say(LOG_NOTICE, "%s: filtered by %s", now->name, hook_taken(now));
	else
		agent_say(is_filtered(now->condition) && now->condition != CONDITION_wrong_side
				  ? LOG_NOTICE
				  : LOG_WARNING,
			  "%s: %s%s%s", now->name, condition_text(now->condition),
			  now->condition == CONDITION_renamed ? ": " : "",
			  now->condition == CONDITION_renamed ? now->now : "");
}

static void describe(const struct agent *agent, char *text, size_t size)
{
	size_t filtered = 0, used;

	if (agent->trouble) {
		snprintf(text, size, "Cannot read what is loaded: %s", strerror(-agent->trouble));
		return;
	}
	if (!agent->loaded) {
		snprintf(text, size, "Nothing is loaded; waiting");
		return;
	}
	for (size_t i = 0; i < agent->n_watched; i++)
		filtered += is_filtered(agent->watched[i].state.condition);
	used = (size_t)snprintf(text, size, "Generation %u, %zu of %zu interfaces filtered",
				agent->wanted.generation, filtered, agent->n_watched);
	for (size_t i = 0; i < agent->n_watched && used < size; i++) {
		const struct interface_state *state = &agent->watched[i].state;

		if (state->condition != CONDITION_filtered)
			used += (size_t)snprintf(&text[used], size - used, "; %s %s", state->name,
						 condition_name(state->condition));
	}
}

void agent_tell_status(struct agent *agent)
{
	char text[sizeof(agent->status)];

	describe(agent, text, sizeof(text));
	if (!strcmp(text, agent->status))
		return;
	strcpy(agent->status, text);
	sd_notifyf(0, "STATUS=%s", text);
}

static void family(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# TYPE " OPENMETRICS_PREFIX "agent_%s %s\n", name, type);
	if (strstr(name, "_seconds"))
		fprintf(out, "# UNIT " OPENMETRICS_PREFIX "agent_%s seconds\n", name);
	fprintf(out, "# HELP " OPENMETRICS_PREFIX "agent_%s %s\n", name, help);
}

static void counter(FILE *out, const char *name, __u64 value, const char *help)
{
	family(out, name, "counter", help);
	fprintf(out, OPENMETRICS_PREFIX "agent_%s_total %llu\n", name, value);
}

static void seconds(FILE *out, const char *name, __u64 nanoseconds, const char *help)
{
	family(out, name, "gauge", help);
	fprintf(out, OPENMETRICS_PREFIX "agent_%s %.6f\n", name, (double)nanoseconds / 1e9);
}

void agent_write_metrics(const struct agent *agent, FILE *out)
{
	const struct agent_counts *counts = &agent->counts;

	family(out, "loaded", "gauge", "1: a policy is loaded; 0: the agent waits for one");
	fprintf(out, OPENMETRICS_PREFIX "agent_loaded %d\n", agent->loaded);
	counter(out, "reattached", counts->reattached, "Interfaces that were attached to again");
	counter(out, "reattach_failures", counts->failed, "Interfaces that could not be");
	counter(out, "taken_off", counts->taken_off,
		"Interfaces that somebody else took our program off");
	counter(out, "lock_waits", counts->lock_waits,
		"Times that a change of the policy had precedence");
	counter(out, "link_overruns", counts->overruns,
		"Times that link events were lost and everything was looked at anew");
	seconds(out, "reattach_last_seconds", counts->last_ns,
		"From the word of an interface to its filter, the last time");
	seconds(out, "reattach_slowest_seconds", counts->slowest_ns,
		"From the word of an interface to its filter, the slowest so far");
}
