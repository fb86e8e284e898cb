/* SPDX-License-Identifier: MIT */
#include "shadow_report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int by_packets(const void *a, const void *b)
{
	const struct shadow_finding *left = a, *right = b;

	if (left->difference.packets != right->difference.packets)
		return left->difference.packets > right->difference.packets ? -1 : 1;
	return memcmp(&left->key, &right->key, sizeof(left->key));
}

static int take(struct shadow_report *report)
{
	const struct kernel *kernel = &report->running.kernel;
	struct pages image = {0};
	int err = kernel_get_image(kernel, kernel->control->shadow, &image);

	if (!err)
		report->generation = image.page[0].cell[HEADER_GENERATION];
	pages_free(&image);
	report->seconds = kernel->control->epoch - kernel->control->shadow_since;
	if (!err)
		err = kernel_shadow_counters(kernel, &report->counters);
	if (!err)
		err = kernel_shadow_findings(kernel, &report->findings, &report->n_findings);
	if (!err)
		err = counters_rows(kernel, &report->rows, &report->n_rows);
	if (!err)
		err = counters_pools(kernel, &report->pools, &report->n_pools);
	if (!err && report->n_findings)
		qsort(report->findings, report->n_findings, sizeof(*report->findings), by_packets);
	return err;
}

int shadow_report_take(const char *pin_dir, struct shadow_report *report)
{
	int err;

	*report = (struct shadow_report){.running.kernel = KERNEL_CLOSED};
	err = running_open(pin_dir, &report->running);
	if (err)
		return err;
	if (!kernel_has_shadow(&report->running.kernel)) {
		fprintf(stderr,
			"rolewall: no shadow is loaded; \"rolewall apply --shadow\" loads one\n");
		return -ENOENT;
	}
	err = take(report);
	if (err)
		fprintf(stderr, "rolewall: cannot read the shadow: %s\n", strerror(-err));
	return err;
}

void shadow_report_free(struct shadow_report *report)
{
	free(report->findings);
	free(report->rows);
	free(report->pools);
	running_close(&report->running);
}

__u64 shadow_report_packets(const struct shadow_report *report, enum shadow_kind kind)
{
	__u64 packets = 0;

	for (size_t i = 0; i < report->n_findings; i++)
		if (report->findings[i].key.kind == kind)
			packets += report->findings[i].difference.packets;
	return packets;
}

const char *shadow_kind_name(enum shadow_kind kind)
{
	return kind == SHADOW_DROPS ? "newly-drop" : "newly-pass";
}

const char *shadow_said(const struct shadow_report *report, __u32 said)
{
	if (CELL_REASON(said) || !said)
		return reason_name((enum reason)CELL_REASON(said));
	return said < report->n_rows ? report->rows[said].row : "?";
}

const char *shadow_pool(const struct shadow_report *report, __u32 pool)
{
	return pool && pool < report->n_pools ? report->pools[pool].pool : NULL;
}
