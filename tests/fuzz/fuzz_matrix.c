/* SPDX-License-Identifier: MIT */
/* A matrix file. */
#include "fuzz.h"

#include "matrix.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct diagnostics diags = {0};
	struct matrix matrix = {0};

	if (!matrix_parse("m", (const char *)data, size, &matrix, &diags))
		matrix_free(&matrix);
	diag_free(&diags);
	return 0;
}
