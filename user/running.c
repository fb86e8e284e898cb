/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "description.h"
#include "running.h"

static int open_image(struct running *running, const char *pin_dir)
{
	__u32 address;
	int err = kernel_get_image(&running->kernel, running->kernel.control->active,
				   &running->image);

	if (!err) {
		address = running_header(running, HEADER_DESCRIPTION);
		err = description_unpack(&running->image.page[address >> PAGE_SHIFT],
					 running_header(running, HEADER_DESCRIPTION_BYTES),
					 &running->description);
	}
	if (err)
		fprintf(stderr, "rolewall: cannot read the active image in %s: %s\n", pin_dir,
			strerror(-err));
	return err;
}

/* What the image says decides nothing. */
static int refuse(const struct kernel *kernel, const char *pin_dir)
{
	fprintf(stderr, "rolewall: nothing is in force at %s, nothing is filtered: %s\n", pin_dir,
		kernel->control->returned
			? "the trial of the first policy ended unconfirmed"
			: "the first apply is not done yet, or was killed; in this case apply again");
	return -ENOENT;
}

int running_open(const char *pin_dir, struct running *running)
{
	int err;

	*running = (struct running){.kernel = KERNEL_CLOSED};
	err = kernel_open(pin_dir, &running->kernel);
	if (err == -ENOENT)
		fprintf(stderr,
			"rolewall: nothing is loaded at %s; \"rolewall apply\" loads a site\n",
			pin_dir);
	if (!err && kernel_nothing_in_force(&running->kernel))
		err = refuse(&running->kernel, pin_dir);
	return err ? err : open_image(running, pin_dir);
}

void running_close(struct running *running)
{
	json_decref(running->description);
	pages_free(&running->image);
	kernel_close(&running->kernel);
}

__u32 running_header(const struct running *running, enum image_header cell)
{
	return running->image.page[0].cell[cell];
}

const char *reason_name(enum reason reason)
{
	static const char *const names[] = {
#define X(name, text) [REASON_##name] = #name,
		DROP_REASONS(X) PASS_REASONS(X)
#undef X
	};

	return (unsigned int)reason < N_REASONS ? names[reason] : "?";
}

const char *reason_text(enum reason reason)
{
	static const char *const texts[] = {
#define X(name, text) [REASON_##name] = text,
		DROP_REASONS(X) PASS_REASONS(X)
#undef X
	};

	return (unsigned int)reason < N_REASONS ? texts[reason] : "?";
}
