/* SPDX-License-Identifier: MIT */
/* rolewall backstop: on, off, status of what holds while no program is attached. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "backstop.h"
#include "cleanup.h"
#include "command.h"
#include "describe.h"
#include "listing.h"

int backstop_explain(int err)
{
	if (!err)
		return 0;
	fprintf(stderr, "rolewall: nf_tables refuses: %s", strerror(-err));
	if (err == -EPERM)
		fprintf(stderr, "; CAP_NET_ADMIN is needed");
	if (err == -EOPNOTSUPP || err == -EPROTONOSUPPORT || err == -ENOENT)
		fprintf(stderr, "; the kernel needs CONFIG_NF_TABLES and CONFIG_NF_TABLES_INET");
	fputc('\n', stderr);
	return err;
}

/* Where there is something to lock; -ENOENT: nothing is loaded. */
static int lock(const char *pin_dir, struct kernel *kernel)
{
	return access(pin_dir, F_OK) ? -errno : kernel_lock(pin_dir, kernel);
}

/* The same. */
static int read_sets(const char *pin_dir, struct kernel *kernel, struct backstop_sets *sets)
{
	_cleanup_(wanted_free) struct wanted wanted = {0};
	int err = lock(pin_dir, kernel);

	if (!err)
		err = kernel_open(pin_dir, kernel);
	if (!err)
		err = wanted_read(kernel, &wanted);
	if (!err)
		err = backstop_sets_read(kernel, &wanted, sets);
	return err ? err : kernel_wait(kernel);
}

/* Anew: the links may be those of a network namespace that is gone. */
static void hold_closing(const struct kernel *kernel)
{
	int err;

	kernel_release_closing(kernel->pin_dir);
	err = kernel_hold_closing(kernel, -1);
	if (err)
		fprintf(stderr,
			"rolewall: what an interface lets through while it goes down cannot be dropped: " CLOSING_NEEDS
			": %s\n",
			strerror(-err));
}

int backstop_start(const char *pin_dir)
{
	_cleanup_(kernel_close) struct kernel kernel = KERNEL_CLOSED;
	_cleanup_(backstop_sets_free) struct backstop_sets sets = {0};
	int err = read_sets(pin_dir, &kernel, &sets);
	bool loaded = err != -ENOENT;

	if (err && loaded)
		return err;
	if (!loaded)
		fprintf(stderr,
			"rolewall: nothing is loaded at %s: the backstop has nothing to hold until then\n",
			pin_dir);
	err = backstop_explain(backstop_on(pin_dir, loaded ? &kernel : NULL, &sets));
	if (!err && loaded)
		hold_closing(&kernel);
	return err;
}

static int stop(const char *pin_dir)
{
	_cleanup_(kernel_close) struct kernel kernel = KERNEL_CLOSED;
	int err = lock(pin_dir, &kernel);

	return err && err != -ENOENT ? err : backstop_explain(backstop_off(pin_dir));
}

static int print_state(const char *pin_dir, enum format format)
{
	static const struct column columns[] = {
		{"BACKSTOP", false, false},         {"TABLE", false, false},
		{"HELD-BACK-PACKETS", true, false}, {"HELD-BACK-BYTES", true, false},
		{"GOING-DOWN", false, false},
	};
	struct listing listing = {.columns = columns, .n_columns = 5};
	struct backstop_state state;
	char packets[24], bytes[24];
	int err = backstop_explain(backstop_read(pin_dir, &state));

	if (err)
		return err;
	if (format == FORMAT_JSON)
		return json_print(json_pack("{s:b, s:s, s:I, s:I, s:b}", "on", state.on, "table",
					    state.table, "packets", (json_int_t)state.packets,
					    "bytes", (json_int_t)state.bytes, "going_down",
					    state.closing));
	snprintf(packets, sizeof(packets), "%llu", state.packets);
	snprintf(bytes, sizeof(bytes), "%llu", state.bytes);
	err = listing_add(&listing,
			  (const char *const[]){state.on ? "on" : "off", state.table, packets,
						bytes, state.closing ? "dropped" : "-"});
	if (!err)
		err = listing_print(&listing, format);
	listing_free(&listing);
	return err;
}

static int turn(const struct common *common, bool on)
{
	int err = on ? backstop_start(common->pin_dir) : stop(common->pin_dir);

	if (err)
		return err;
	common_changed(common);
	return common->format == FORMAT_JSON ? print_state(common->pin_dir, FORMAT_JSON) : 0;
}

static int run(const struct arguments *arguments)
{
	const char *pin_dir = arguments->common.pin_dir;
	const char *word = arguments->operands[0];

	if (!strcmp(word, "on") || !strcmp(word, "off"))
		return turn(&arguments->common, !strcmp(word, "on"));
	if (!strcmp(word, "status"))
		return print_state(pin_dir, arguments->common.format);
	fprintf(stderr, "rolewall backstop: unknown word \"%s\"; accepted: on, off, status\n",
		word);
	return ERR_USAGE;
}

const struct command command_backstop = {
	.name = "backstop",
	.summary = "Hold back what an interface forwards while no program is attached to it",
	.help = "A table of nf_tables: packets from an interface that the policy names are forwarded\n"
		"only once a program of ours is on it. It holds between an interface's creation and\n"
		"its attachment, with or without an agent, and drops what gets past a program while\n"
		"its interface goes down (GOING-DOWN). Apply, agent and boot keep it up to date, so a\n"
		"program that somebody takes off is noticed by these; an agent with --backstop puts\n"
		"it back on; detach takes it away.",
	.operands = "on|off|status",
	.operands_min = 1,
	.operands_max = 1,
	.run = run,
};
