/* SPDX-License-Identifier: MIT */
/* What the tests of the readers share: diagnostics as text, and one test for each row of a table. */
#ifndef ROLEWALL_TESTS_EXPECT_H
#define ROLEWALL_TESTS_EXPECT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cleanup.h"
#include "diag.h"

/* All diagnostics as diag_print() shows them; to be freed. */
static inline char *diag_text(const struct diagnostics *diags)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	diag_print(diags, out);
	fclose(out);
	return text;
}

/* The diagnostics are exactly these lines. Frees them. */
static inline void expect_diags(struct diagnostics *diags, const char *expected)
{
	_cleanup_free_ char *text = diag_text(diags);

	diag_free(diags);
	assert_string_equal(text, expected);
}

/* Adds a test named after each row of a table, whose first member is its name. */
#define ADD_ROWS(tests, count, table, function)                                                    \
	do {                                                                                       \
		for (size_t row_ = 0; row_ < sizeof(table) / sizeof((table)[0]); row_++)           \
			(tests)[(count)++] = (struct CMUnitTest){                                  \
				(table)[row_].name, function, NULL, NULL, (void *)&(table)[row_]}; \
	} while (0)

#define RUN_TESTS(name, tests, count) _cmocka_run_group_tests(name, tests, count, NULL, NULL)

#endif
