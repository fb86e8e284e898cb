/* SPDX-License-Identifier: MIT */
/* rolewall plan: what `apply` would change. */
#include <errno.h>

#include "cleanup.h"
#include "command.h"
#include "compile.h"
#include "input.h"
#include "pending.h"
#include "plan.h"

/* An apply would refuse what cannot be compiled, so that has no plan either. */
static int compile(const struct policy *policy, struct diagnostics *diags)
{
	_cleanup_(registries_free) struct registries registries = {0};
	_cleanup_(pages_free) struct pages image = {0};
	int err = registries_init(&registries);

	return err ? err : policy_compile(policy, &registries, &image, diags);
}

static int show(const struct arguments *arguments, const struct policy *policy)
{
	_cleanup_(plan_free) struct plan plan = {0};
	int err = plan_make(arguments->common.pin_dir, policy, &plan);

	if (!err)
		err = plan_list(&plan, arguments->common.format);
	return err || !policy_diff_any(&plan.diff) ? err : ERR_CHANGES;
}

static int run(const struct arguments *arguments)
{
	struct diagnostics diags = {0};
	struct input input = {0};
	int err = input_load(arguments->common.site, &input, &diags);

	if (!err)
		err = compile(&input.policy, &diags);
	diag_print(&diags, stderr);
	pending_tell(&arguments->common);
	if (!err)
		err = show(arguments, &input.policy);
	diag_free(&diags);
	input_free(&input);
	return err;
}

const struct command command_plan = {
	.name = "plan",
	.summary =
		"Show what apply would change: pools, addresses, ports, and how many packets used what would shut",
	.help = "Compares the site with the policy that runs. Ports and addresses are compared as\n"
		"sets, so another way to write the same changes nothing. \"in\" is what others may\n"
		"connect to on the pool's hosts, \"out\" what these may connect to (outbound: matrix),\n"
		"\"start\" who of the guarded hosts may start what is let in anyway. Exit status: 0\n"
		"nothing would change, 3 something would, 1 the site is refused. Nothing is touched.\n\n"
		"Interfaces are not looked at, so that it works where the gateway is not: only apply\n"
		"finds one missing or with another's program, and \"rolewall status\" tells of one that\n"
		"has lost its program.",
	.run = run,
};
