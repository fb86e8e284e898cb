/* SPDX-License-Identifier: MIT */
/* The agent's loop: link events, signals, served metrics, the service manager's watchdog. */
#include "agent.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <syslog.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include "capabilities.h"
#include "cleanup.h"
#include "link_events.h"
#include "openmetrics.h"
#include "reading.h"
#include "served.h"

#define LOOK_NS 1000000000ULL /* what no event tells: other programs, trials, a first apply */

enum { FD_SIGNALS, FD_LINKS, FD_METRICS, N_FDS };

struct loop {
	struct agent agent;
	struct link_events *links;
	struct served *served;
	int signals;
	__u64 looked_ns, alive_ns,
		watchdog_ns; /* the last look; the last sign of life; its period */
	bool due, done;
};

__u64 agent_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (__u64)now.tv_sec * 1000000000ULL + (__u64)now.tv_nsec;
}

/* --- what comes */

static void take_link(const struct link_event *event, void *context)
{
	struct loop *loop = context;

	if (agent_minds(&loop->agent, event->name, event->ifindex))
		loop->due = loop->agent.links_changed = true;
}

static void take_links(struct loop *loop)
{
	int err = link_events_read(loop->links, take_link, loop);

	if (!err)
		return;
	loop->due = loop->agent.links_changed = true;
	loop->agent.counts.overruns += err == -ENOBUFS;
	if (err != -ENOBUFS)
		agent_say(LOG_ERR, "cannot read link events: %s", strerror(-err));
}

static void take_signal(struct loop *loop)
{
	struct signalfd_siginfo signal;

	if (read(loop->signals, &signal, sizeof(signal)) != sizeof(signal))
		return;
	if (signal.ssi_signo == SIGHUP)
		loop->due = true;
	else
		loop->done = true;
}

static void write_metrics(FILE *out, void *context)
{
	struct loop *loop = context;
	_cleanup_(reading_free) struct reading reading = {.running.kernel = KERNEL_CLOSED};

	if (loop->agent.loaded && !reading_take(loop->agent.request->common->pin_dir, &reading))
		openmetrics_write(&reading, out);
	agent_write_metrics(&loop->agent, out);
	openmetrics_end(out);
}

/* --- the loop */

static void look(struct loop *loop)
{
	__u64 now = agent_now();

	if (!loop->agent.since_ns)
		loop->agent.since_ns = now;
	loop->due = false;
	loop->looked_ns = now;
	if (agent_look(&loop->agent))
		agent_say(LOG_ERR, "out of memory");
}

static bool is_due(const struct loop *loop)
{
	__u64 now = agent_now(), retry = loop->agent.retry_ns;

	return loop->due || now >= loop->looked_ns + LOOK_NS || (retry && now >= retry);
}

/* Milliseconds until something is to be done, rounded up. */
static int patience(const struct loop *loop)
{
	__u64 now = agent_now(), next = loop->looked_ns + LOOK_NS;
	int milliseconds, served = loop->served ? served_timeout(loop->served) : -1;

	if (loop->agent.retry_ns && loop->agent.retry_ns < next)
		next = loop->agent.retry_ns;
	if (loop->watchdog_ns && loop->alive_ns + loop->watchdog_ns / 3 < next)
		next = loop->alive_ns + loop->watchdog_ns / 3;
	milliseconds = next > now ? (int)((next - now + 999999) / 1000000) : 0;
	return served >= 0 && served < milliseconds ? served : milliseconds;
}

static void show_life(struct loop *loop)
{
	__u64 now = agent_now();

	if (!loop->watchdog_ns || now - loop->alive_ns < loop->watchdog_ns / 3)
		return;
	sd_notify(0, "WATCHDOG=1");
	loop->alive_ns = now;
}

static int turn(struct loop *loop)
{
	struct pollfd fds[N_FDS] = {
		[FD_SIGNALS] = {.fd = loop->signals, .events = POLLIN},
		[FD_LINKS] = {.fd = link_events_fd(loop->links), .events = POLLIN},
		[FD_METRICS] = {.fd = loop->served ? served_fd(loop->served) : -1,
				.events = POLLIN},
	};
	int ready = poll(fds, N_FDS, patience(loop));

	if (ready < 0 && errno != EINTR)
		return -errno;
	if (ready > 0 && fds[FD_SIGNALS].revents)
		take_signal(loop);
	if (ready > 0 && fds[FD_LINKS].revents)
		take_links(loop);
	if (!loop->done && is_due(loop))
		look(loop);
	if (loop->served)
		served_run(loop->served);
	show_life(loop);
	return 0;
}

/* --- start and end */

static int open_signals(struct loop *loop)
{
	sigset_t wanted;

	sigemptyset(&wanted);
	sigaddset(&wanted, SIGTERM);
	sigaddset(&wanted, SIGINT);
	sigaddset(&wanted, SIGHUP);
	signal(SIGPIPE, SIG_IGN);
	if (sigprocmask(SIG_BLOCK, &wanted, NULL))
		return -errno;
	loop->signals = signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
	return loop->signals < 0 ? -errno : 0;
}

/* While it has CAP_PERFMON. */
static int load_closing(void)
{
	int fd = kernel_load_closing();

	if (fd < 0)
		agent_say(
			LOG_WARNING,
			"what an interface lets through while it goes down cannot be dropped: " CLOSING_NEEDS
			": %s",
			strerror(-fd));
	return fd;
}

static int start(struct loop *loop)
{
	uint64_t microseconds = 0;
	int err = open_signals(loop);

	if (!err)
		err = link_events_open(&loop->links);
	if (!err && loop->agent.request->metrics)
		err = served_open(loop->agent.request->metrics, write_metrics, loop, &loop->served);
	if (!err && loop->agent.request->backstop)
		loop->agent.closing = load_closing();
	if (!err)
		err = capabilities_drop();
	if (!err && sd_watchdog_enabled(0, &microseconds) > 0)
		loop->watchdog_ns = microseconds * 1000;
	return err;
}

static void loop_close(struct loop *loop)
{
	served_close(loop->served);
	link_events_close(loop->links);
	close_fd(&loop->signals);
	close_fd(&loop->agent.closing);
	agent_forget(&loop->agent);
}

int agent_run(const struct agent_request *request)
{
	_cleanup_(loop_close) struct loop loop = {
		.agent = {.request = request, .closing = -1},
		.signals = -1,
	};
	int err = start(&loop);

	if (err)
		return err;
	look(&loop);
	agent_say(LOG_INFO, "watching %s", request->common->pin_dir);
	sd_notify(0, "READY=1");
	while (!err && !loop.done)
		err = turn(&loop);
	sd_notify(0, "STOPPING=1");
	return err;
}
