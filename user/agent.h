/* SPDX-License-Identifier: MIT */
/*
 * The agent: attaches the pinned programs again to interfaces that were deleted and made anew, and
 * tells what is wrong with the others. It never changes the policy; whatever it needs to know is
 * pinned, so it can come and go as it likes.
 */
#ifndef ROLEWALL_AGENT_H
#define ROLEWALL_AGENT_H

#include "backstop.h"
#include "command.h"
#include "condition.h"

struct agent_request {
	const struct common *common;
	const char *metrics; /* where to serve them; NULL = nowhere */
	bool backstop; /* keep it on */
};

/* Runs until SIGTERM or SIGINT. Returns 0, ERR_USAGE or -errno; messages on stderr. */
int agent_run(const struct agent_request *request);

/* --- what its parts share */

struct agent_counts {
	__u64 reattached, failed; /* interfaces */
	__u64 taken_off; /* by somebody else */
	__u64 lock_waits; /* times that a change under way had precedence */
	__u64 overruns; /* of rtnetlink */
	__u64 last_ns, slowest_ns; /* from the word of an interface to its filter */
};

/* What the agent knows of an interface beyond this moment. */
struct watched {
	char name[16];
	struct interface_state state;
	__u64 failed_ns; /* when attaching failed last, 0 = it did not */
	unsigned int failed_ifindex;
};

struct agent {
	const struct agent_request *request;
	bool loaded;
	struct wanted wanted;
	struct watched *watched; /* of all that is wanted or attached */
	size_t n_watched;
	struct backstop_sets held; /* what the backstop was told last */
	bool backstop_seen; /* it was on at the last look */
	int closing; /* fd of kernel_load_closing(), from before privileges went; -1 = none */
	struct agent_counts counts;
	bool links_changed; /* since the routes were read last */
	__u64 routes_ns, routes_took_ns; /* when that was, and how long it took */
	__u64 since_ns; /* when the word came that the next look is for */
	__u64 retry_ns; /* when to look again, as a change is under way; 0 = no need */
	int trouble; /* -errno of the last look; told once */
	char status[256]; /* as the service manager has it */
};

__u64 agent_now(void); /* CLOCK_MONOTONIC */

/* agent_look.c: one look at everything, and what has to be done. 0 or -errno, told. */
int agent_look(struct agent *agent);
/* True if a link event is about what the agent watches. */
bool agent_minds(const struct agent *agent, const char *name, unsigned int ifindex);
void agent_forget(struct agent *agent);

/* Looks, and attaches to what has come back. Locked. 0 or -errno. */
int agent_attach(struct agent *agent, const struct kernel *kernel);
/* agent_backstop.c: true if it has to be brought up to date, for which the lock is needed. */
bool agent_backstop_due(struct agent *agent, const struct kernel *kernel);
/* Does that. Locked. */
void agent_backstop_keep(struct agent *agent, const struct kernel *kernel);

/* agent_report.c: one line of the log; the level is that of syslog. */
__attribute__((format(printf, 2, 3))) void agent_say(int level, const char *format, ...);
/* Tells how an interface has changed since the agent looked last. */
void agent_tell_change(struct agent *agent, const struct interface_state *before,
		       const struct interface_state *now);
/* The service manager's status line. */
void agent_tell_status(struct agent *agent);
/* The families of the agent itself, for served metrics. */
void agent_write_metrics(const struct agent *agent, FILE *out);

#endif
