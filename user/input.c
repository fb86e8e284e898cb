/* SPDX-License-Identifier: MIT */
#include "input.h"

int input_load(const char *path, struct input *input, struct diagnostics *diags)
{
	int site_rc, rc;

	*input = (struct input){0};
	site_rc = site_load(path, &input->site, diags);
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

void input_free(struct input *input)
{
	policy_free(&input->policy);
	matrix_free(&input->matrix);
	site_free(&input->site);
}
