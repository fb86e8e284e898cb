/* SPDX-License-Identifier: MIT */
/* rolewall agent: keeps the programs where the policy wants them, and tells what is wrong. */
#include <stdio.h>

#include "agent.h"

enum { OPTION_METRICS, OPTION_BACKSTOP };

static int run(const struct arguments *arguments)
{
	const struct agent_request request = {
		.common = &arguments->common,
		.metrics = arguments->values[OPTION_METRICS],
		.backstop = arguments->values[OPTION_BACKSTOP],
	};

	return agent_run(&request);
}

const struct command command_agent = {
	.name = "agent",
	.summary = "Attach again to interfaces that are made anew, and watch the others",
	.help = "Runs in the foreground until SIGTERM, which takes nothing off. What it enforces is\n"
		"what is pinned; it never changes the policy. Keeps CAP_NET_ADMIN and CAP_BPF alone.",
	.no_json = PRINTS_NO_DATA,
	.no_csv = PRINTS_NO_DATA,
	.options = {{"metrics", "ADDR:PORT",
		     "serve metrics over HTTP; a port alone is 127.0.0.1:PORT"},
		    {"backstop", NULL, "keep the backstop on, whoever takes it away"}},
	.run = run,
};
