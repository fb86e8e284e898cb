/* SPDX-License-Identifier: MIT */
/* A site file, resolved with the built-in matrix and compiled if it is right. */
#include "fuzz.h"

#include "compile.h"
#include "image_check.h"
#include "input.h"

static void compile(const struct policy *policy, struct diagnostics *diags)
{
	struct registries registries;
	struct pages image = {0};
	char text[IMAGE_FAULT_TEXT];

	if (!registries_init(&registries) && !policy_compile(policy, &registries, &image, diags) &&
	    image_check(image.page, image.count, text))
		__builtin_trap(); /* what is compiled passes the check */
	pages_free(&image);
	registries_free(&registries);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct source_text text = {(char *)data, size};
	struct diagnostics diags = {0};
	struct input input;

	/* a path in a site would be opened */
	if (memmem(data, size, "matrix:", 7))
		return 0;
	if (!input_parse("s", &text, &input, &diags) && !diags.errors)
		compile(&input.policy, &diags);
	diag_free(&diags);
	input_free(&input);
	return 0;
}
