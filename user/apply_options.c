/* SPDX-License-Identifier: MIT */
#include "apply_options.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "state.h"

/* "90", "90s", "10m", "1h" */
static int read_seconds(const char *text, __u32 *seconds)
{
	static const struct {
		const char *unit;
		unsigned long seconds;
	} units[] = {{"", 1}, {"s", 1}, {"m", 60}, {"h", 3600}};
	unsigned long number;
	char *end;

	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	errno = 0;
	number = strtoul(text, &end, 10);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(end, units[i].unit) != 0)
			continue;
		if (errno || number > TRIAL_SECONDS_MAX / units[i].seconds ||
		    number * units[i].seconds < TRIAL_SECONDS_MIN)
			return -ERANGE;
		*seconds = (__u32)(number * units[i].seconds);
		return 0;
	}
	return -EINVAL;
}

/* What is wrong with it, or NULL. */
static const char *comment_fault(const char *text)
{
	json_t *utf8 = json_string(text);

	if (!utf8)
		return "not UTF-8";
	json_decref(utf8);
	if (strlen(text) > STATE_COMMENT_MAX)
		return "too long";
	for (; *text; text++)
		/* UTF-8 writes the upper control characters as C2 80 to C2 9F */
		if (iscntrl((unsigned char)*text) ||
		    (*text == '\xc2' && (unsigned char)text[1] < 0xa0))
			return "with control characters or more than one line";
	return NULL;
}

int apply_options(const char *command, const char *confirm_within, const char *comment,
		  struct apply_request *request)
{
	const char *fault = comment ? comment_fault(comment) : NULL;

	if (confirm_within && read_seconds(confirm_within, &request->trial_seconds)) {
		fprintf(stderr,
			"rolewall %s: --confirm-within: \"%s\" is no time; accepted: 1 to %u seconds, as in 90, 90s, 10m, 1h\n",
			command, confirm_within, TRIAL_SECONDS_MAX);
		return ERR_USAGE;
	}
	if (fault) {
		fprintf(stderr,
			"rolewall %s: --comment: %s; accepted: one line of UTF-8, at most %u bytes\n",
			command, fault, STATE_COMMENT_MAX);
		return ERR_USAGE;
	}
	request->comment = comment;
	return 0;
}
