/* SPDX-License-Identifier: MIT */
#include "plan.h"

#include <errno.h>
#include <stdio.h>

#include "cleanup.h"
#include "counters.h"
#include "sources.h"

void plan_free(struct plan *plan)
{
	policy_diff_free(&plan->diff);
	free(plan->names[BEFORE]);
	free(plan->names[AFTER]);
	free(plan->counted);
	if (plan->before)
		input_free(plan->before);
	free(plan->before);
	*plan = (struct plan){0};
}

static int read_image(const struct kernel *kernel, const struct matrix *known, struct plan *plan)
{
	_cleanup_(pages_free) struct pages image = {0};
	int err = kernel_get_image(kernel, kernel->control->active, &image);

	if (err) {
		fprintf(stderr, "rolewall: cannot read the active image: %s\n", strerror(-err));
		return err;
	}
	plan->generation = image.page[0].cell[HEADER_GENERATION];
	err = sources_load(image.page, image.count, known, plan->before);
	if (err == -ENODATA)
		fprintf(stderr,
			"rolewall: what runs was loaded by an older rolewall and does not say what it was made of: what would change cannot be told\n");
	return err;
}

/* -ENOENT: nothing runs. */
static int read_running(const char *pin_dir, const struct matrix *known, struct plan *plan,
			struct row_counter **rows, size_t *n_rows)
{
	_cleanup_(kernel_close) struct kernel kernel = KERNEL_CLOSED;
	int err = kernel_open(pin_dir, &kernel);

	if (!err && kernel_nothing_in_force(&kernel))
		err = -ENOENT;
	if (err)
		return err;
	plan->before = calloc(1, sizeof(*plan->before));
	if (!plan->before)
		return -ENOMEM;
	err = read_image(&kernel, known, plan);
	if (!err)
		err = counters_rows(&kernel, rows, n_rows);
	plan->seconds = kernel.control->epoch;
	return err;
}

static int name_ends(struct plan *plan, const struct policy *after)
{
	int length = plan->before
			     ? asprintf(&plan->names[BEFORE], "generation %u", plan->generation)
			     : asprintf(&plan->names[BEFORE], "nothing");

	if (length < 0) {
		plan->names[BEFORE] = NULL;
		return -ENOMEM;
	}
	plan->names[AFTER] = strdup(after->site->path);
	return plan->names[AFTER] ? 0 : -ENOMEM;
}

int plan_make(const char *pin_dir, const struct policy *after, struct plan *plan)
{
	_cleanup_free_ struct row_counter *rows = NULL;
	size_t n_rows = 0;
	int err;

	*plan = (struct plan){0};
	err = read_running(pin_dir, after->matrix, plan, &rows, &n_rows);
	if (err == -ENOENT && !plan->before)
		err = 0;
	if (!err)
		err = name_ends(plan, after);
	if (!err)
		err = policy_diff(plan->before ? &plan->before->policy : NULL, after, &plan->diff);
	if (!err && plan->before)
		err = plan_count(plan, rows, n_rows);
	if (err)
		plan_free(plan);
	return err;
}

void plan_tell(const char *pin_dir, const struct policy *after)
{
	_cleanup_(plan_free) struct plan plan = {0};

	if (!plan_make(pin_dir, after, &plan))
		plan_print(stderr, &plan);
}
