/* SPDX-License-Identifier: MIT */
#include "input.h"

#include <stdlib.h>

/* What stands behind the site, which was read with SITE_RC. */
static int resolve(struct input *input, int site_rc, struct diagnostics *diags)
{
	int rc;

	if (!input->site.path)
		return site_rc;
	rc = matrix_load(input->site.matrix, &input->matrix, diags);
	if (rc) {
		diag_error(diags, input->site.matrix_place,
			   "matrix: \"%s\" cannot be used; accepted: " MATRIX_BUILT_IN
			   ", or the path of a matrix file",
			   input->site.matrix);
		return rc;
	}
	rc = policy_resolve(&input->matrix, &input->site, &input->policy, diags);
	return rc ? rc : site_rc;
}

int input_load(const char *path, struct input *input, struct diagnostics *diags)
{
	*input = (struct input){0};
	return resolve(input, site_load(path, &input->site, diags), diags);
}

int input_parse(const char *path, const struct source_text *text, struct input *input,
		struct diagnostics *diags)
{
	*input = (struct input){0};
	return resolve(input, site_parse(path, text->bytes, text->size, &input->site, diags),
		       diags);
}

void input_free(struct input *input)
{
	policy_free(&input->policy);
	matrix_free(&input->matrix);
	site_free(&input->site);
	free(input->path);
	input->path = NULL;
}
