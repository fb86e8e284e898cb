/* SPDX-License-Identifier: MIT */
/* rolewall detach: remove links, pins and programs. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <sys/stat.h>

#include "backstop.h"
#include "cleanup.h"
#include "command.h"
#include "kernel.h"
#include "listing.h"
#include "record.h"
#include "settle.h"

/*
 * What a killed controller left open gets its end while the kernel still knows it: without it a
 * reboot would bring back the policy before. Not a word about pins that cannot be read: they go.
 * Returns the generation in force; 0 = none, or not known.
 */
static __u32 close_history(const struct common *common)
{
	_cleanup_(kernel_close) struct kernel kernel = KERNEL_CLOSED;

	if (!kernel_peek(common->pin_dir, &kernel))
		return 0;
	record_settle(common, &kernel);
	return generation_in_force(&kernel);
}

/* Where that cannot be written a trial gets its end from the next command. */
static int write_down(const struct common *common, __u32 generation)
{
	if (!generation || !record_detached(common, generation))
		return 0;
	fprintf(stderr,
		"rolewall: the history does not say that generation %u was in force until now\n",
		generation);
	return ERR_PARTLY;
}

/* For scripts; GENERATION was in force until now, 0 = none. */
static int print_json(bool detached, __u32 generation)
{
	return json_print(json_pack("{s:b, s:I}", "detached", detached, "generation",
				    (json_int_t)generation));
}

static int run(const struct arguments *arguments)
{
	_cleanup_(kernel_close) struct kernel kernel = KERNEL_CLOSED;
	__u32 generation = 0; /* in force */
	struct stat status;
	int err;

	if (stat(arguments->common.pin_dir, &status) && errno == ENOENT) {
		backstop_off(arguments->common.pin_dir);
		kernel_tell_hidden(arguments->common.pin_dir);
		fprintf(stderr, "rolewall: nothing is loaded at %s\n", arguments->common.pin_dir);
		return arguments->common.format == FORMAT_JSON ? print_json(false, 0) : 0;
	}
	err = kernel_lock(arguments->common.pin_dir, &kernel);
	if (!err)
		generation = close_history(&arguments->common);
	/* First: what it holds back should pass unfiltered now. */
	if (!err)
		err = backstop_off(arguments->common.pin_dir);
	if (!err)
		err = kernel_unload(&kernel);
	if (!err) {
		common_changed(&arguments->common);
		fprintf(stderr, "rolewall: %s: detached; nothing is filtered any more\n",
			arguments->common.pin_dir);
		err = write_down(&arguments->common, generation);
		if (arguments->common.format == FORMAT_JSON && print_json(true, generation))
			err = ERR_PARTLY;
	}
	return err;
}

const struct command command_detach = {
	.name = "detach",
	.summary = "Remove programs, pins and links: traffic passes unfiltered",
	.help = "Takes rolewall off every interface and removes its pins with all counters and\n"
		"flows. What the gateway forwards is not filtered any more.",
	.run = run,
};
