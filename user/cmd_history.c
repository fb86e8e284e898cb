/* SPDX-License-Identifier: MIT */
/* rolewall history: which generations were applied, by whom, when and why; and what they changed. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "history.h"
#include "lag.h"

#define WORDS "[N | diff A B]"

static int usage(const char *what, const char *word)
{
	fprintf(stderr,
		"rolewall history: %s \"%s\"; accepted: " WORDS
		", A, B and N being numbers of generations\n",
		what, word);
	return ERR_USAGE;
}

/* 1 to 4294967295, without sign or blank. */
static bool read_generation(const char *word, __u32 *generation)
{
	unsigned long number;
	char *end;

	if (*word < '0' || *word > '9' || strlen(word) > 10)
		return false;
	number = strtoul(word, &end, 10);
	*generation = (__u32)number;
	return !*end && number && number <= 0xffffffffUL;
}

static int run(const struct arguments *arguments)
{
	char *const *words = arguments->operands;
	size_t n_words = arguments->n_operands;
	bool diff = n_words && !strcmp(words[0], "diff");
	enum format format = arguments->common.format;
	_cleanup_(kernel_close) struct kernel loaded = KERNEL_CLOSED;
	const struct kernel *kernel;
	struct state *state;
	__u32 numbers[2] = {0};
	int rc;

	if (diff && n_words != 3)
		return usage("two numbers are wanted behind", words[0]);
	if (!diff && n_words > 1)
		return usage("unexpected word", words[1]);
	for (size_t i = diff; i < n_words; i++)
		if (!read_generation(words[i], &numbers[i - diff]))
			return usage("no generation:", words[i]);
	rc = state_open(&arguments->common, false, &state);
	if (rc)
		return rc;
	kernel = !diff && kernel_peek(arguments->common.pin_dir, &loaded) ? &loaded : NULL;
	if (kernel)
		lag_tell(&arguments->common, kernel);
	if (diff)
		rc = history_diff(state, numbers, format);
	else
		rc = n_words ? history_show(state, kernel, numbers[0], format)
			     : history_list(state, kernel, format);
	state_close(state);
	return rc;
}

const struct command command_history = {
	.name = "history",
	.summary = "List what was applied, by whom, when and why; show one, or what two changed",
	.help = "Without a word: all generations in the state directory, oldest first. With a number:\n"
		"that one, and the text of its site. \"diff A B\" is the plan from generation A to\n"
		"generation B; its exit status is 3 where they differ.",
	.operands = WORDS,
	.operands_min = 0,
	.operands_max = 3,
	.run = run,
};
