/* SPDX-License-Identifier: MIT */
/*
 * An image: a good one in which cells are overwritten, sealed again. Input: pairs of words, the
 * address (the highest bits choose the part of the image) and the cell.
 */
#include "fuzz.h"

#include <stdlib.h>

#include "compile.h"
#include "image_check.h"
#include "input.h"

static const char site[] =
	"version: 1\ninterfaces: [eth0]\nprofile: least-privilege\noutbound: matrix\npools:\n"
	"- {name: a, roles: [front-end], addresses: [10.1.2.0/28, 10.1.3.7, '2001:db8:2::/64']}\n"
	"- {name: b, roles: [mediation], addresses: [10.9.0.0/16, '2001:db8:2:0:1::/80']}\n"
	"extra: [{roles: [front-end], ports: [9], protocols: [tcp], from: [10.1.3.0/24]}]\n";

static struct pages good, changed;

static void prepare(void)
{
	const struct source_text text = {(char *)site, sizeof(site) - 1};
	struct diagnostics diags = {0};
	struct registries registries;
	struct input input;

	if (input_parse("s", &text, &input, &diags) || registries_init(&registries) ||
	    policy_compile(&input.policy, &registries, &good, &diags))
		abort();
	/* no room behind it: the sanitizer sees who reads on */
	changed.page = malloc(good.count * sizeof(*good.page));
	changed.count = good.count;
	if (!changed.page)
		abort();
	diag_free(&diags);
	registries_free(&registries);
	input_free(&input);
	memcpy(changed.page, good.page, good.count * sizeof(*good.page));
}

/* The pages without the IPv4 root's are few, so most edits go there. */
static __u32 place(__u32 address)
{
	__u32 cells = (__u32)good.count * PAGE_CELLS;

	if (address >> 30)
		return IMAGE_RECORDS + address % (cells - IMAGE_RECORDS);
	return address % cells;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[IMAGE_FAULT_TEXT];
	__u32 edit[2], sum;

	if (!good.count)
		prepare();
	for (size_t i = 0; i + sizeof(edit) <= size; i += sizeof(edit)) {
		memcpy(edit, data + i, sizeof(edit));
		*pages_cell(&changed, place(edit[0])) = edit[1];
	}
	sum = image_checksum(changed.page, changed.count);
	changed.page[0].cell[HEADER_CHECKSUM] = sum;
	image_check(changed.page, changed.count, text);
	for (size_t i = 0; i + sizeof(edit) <= size; i += sizeof(edit)) {
		memcpy(edit, data + i, sizeof(edit));
		*pages_cell(&changed, place(edit[0])) = *pages_cell(&good, place(edit[0]));
	}
	return 0;
}
