/* SPDX-License-Identifier: MIT */
/* What the agent does about the backstop: its sets follow the links, and it stays if it should. */
#include <errno.h>
#include <string.h>
#include <syslog.h>

#include "agent.h"
#include "cleanup.h"

bool agent_backstop_due(struct agent *agent, const struct kernel *kernel)
{
	_cleanup_(backstop_sets_free) struct backstop_sets sets = {0};
	struct backstop_state state;

	if (backstop_read(kernel->pin_dir, &state))
		return false;
	if (!state.on && agent->backstop_seen)
		agent_say(LOG_WARNING, "somebody took the backstop away%s",
			  agent->request->backstop ? ""
						   : ": between an interface's creation and its "
						     "attachment nothing holds its packets back");
	agent->backstop_seen = state.on;
	if (!state.on)
		return agent->request->backstop;
	if (!state.closing && agent->closing >= 0)
		return true;
	return !backstop_sets_read(kernel, &agent->wanted, &sets) &&
	       !backstop_sets_equal(&sets, &agent->held);
}

void agent_backstop_keep(struct agent *agent, const struct kernel *kernel)
{
	struct backstop_sets sets;
	int err = backstop_sets_read(kernel, &agent->wanted, &sets);

	if (!err)
		err = kernel_wait(kernel);
	/* That takes some milliseconds. What has come back meanwhile does not wait for the rest. */
	if (!err)
		err = agent_attach(agent, kernel);
	if (!err) {
		err = agent->request->backstop ? backstop_on(kernel->pin_dir, kernel, &sets)
					       : backstop_update(kernel->pin_dir, kernel, &sets);
		backstop_sets_free(&agent->held);
		agent->held = sets;
	}
	if (!err && agent->closing >= 0)
		kernel_hold_closing(kernel, agent->closing);
	if (err && !(err == -ENOENT && !agent->request->backstop))
		agent_say(LOG_ERR, "cannot bring the backstop up to date: %s", strerror(-err));
	if (!err && !agent->backstop_seen)
		agent_say(LOG_NOTICE, "the backstop is on");
	agent->backstop_seen = !err;
}
