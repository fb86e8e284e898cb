/* SPDX-License-Identifier: MIT */
/* When progress is told: a second after the beginning, and then once a second. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "progress.h"

/* What a step writes on stderr. */
static const char *said(struct progress *progress, size_t done)
{
	static char text[128];
	FILE *heard = tmpfile();
	int before = dup(STDERR_FILENO);
	size_t length;

	assert_non_null(heard);
	dup2(fileno(heard), STDERR_FILENO);
	progress_step(progress, done, 10);
	dup2(before, STDERR_FILENO);
	close(before);
	rewind(heard);
	length = fread(text, 1, sizeof(text) - 1, heard);
	text[length] = '\0';
	fclose(heard);
	return text;
}

static void says_it_once_a_second(void **state)
{
	struct progress progress;
	long long first;

	(void)state;
	progress_begin(&progress, "self-test", "prefixes");
	first = progress.next;
	assert_string_equal(said(&progress, 1), "");
	assert_int_equal(progress.next, first);
	progress.next -= 1000; /* a second later */
	assert_string_equal(said(&progress, 2), "rolewall: self-test: 2 of 10 prefixes\n");
	assert_true(progress.next >= first);
	assert_string_equal(said(&progress, 3), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(says_it_once_a_second)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
