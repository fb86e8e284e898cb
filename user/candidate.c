/* SPDX-License-Identifier: MIT */
#include "candidate.h"

#include <errno.h>
#include <stdio.h>

#include "counters.h"
#include "image_check.h"
#include "selftest.h"

int candidate_compile(struct candidate *candidate, struct diagnostics *diags)
{
	char text[IMAGE_FAULT_TEXT];
	int err =
		policy_compile(candidate->policy, &candidate->registries, &candidate->image, diags);

	if (!err)
		err = image_check(candidate->image.page, candidate->image.count, text);
	if (err == -EBADMSG)
		fprintf(stderr, "rolewall: the compiled image is wrong: %s\n", text);
	return err;
}

int candidate_choose_slot(struct candidate *candidate, const struct kernel *kernel)
{
	candidate->slot = kernel_free_slot(kernel);
	if (candidate->slot != NO_SLOT)
		return 0;
	fprintf(stderr,
		"rolewall: no image slot is free: of %u, a shadow or a trial has the others\n",
		kernel_slots(kernel->pages));
	return -EBUSY;
}

int candidate_write(struct candidate *candidate, const struct kernel *kernel)
{
	struct selftest test = {
		.kernel = kernel,
		.policy = candidate->policy,
		.registries = &candidate->registries,
		.image = &candidate->image,
		.slot = candidate->slot,
	};
	int err = counters_name(kernel, &candidate->registries);

	if (!err)
		err = kernel_put_image(kernel, candidate->slot, &candidate->image);
	if (!err)
		err = selftest_run(&test);
	candidate->probes = test.probes;
	return err;
}

void candidate_free(struct candidate *candidate)
{
	pages_free(&candidate->image);
	registries_free(&candidate->registries);
}
