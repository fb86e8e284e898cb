/* SPDX-License-Identifier: MIT */
/* rolewall drops: what was dropped, and what passed, in one of the views of drop_views.c. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"
#include "command.h"
#include "drop_advice.h"
#include "drop_views.h"

enum { OPTION_BY, OPTION_TOP, OPTION_ALL, OPTION_WATCH, OPTION_ADVISE };

#define WATCH_DEFAULT 2
#define WATCH_MAX 3600

/* What the command line asks for. */
struct question {
	const struct view *view;
	size_t top; /* 0 = all */
	bool all; /* lines without packets as well */
	unsigned int interval; /* seconds; 0 = once */
};

/* One reading of a view. */
struct reading {
	json_t *answer, *lines;
	__u64 dropped;
};

static json_int_t packets_of(const json_t *line)
{
	return json_integer_value(json_object_get(line, "packets"));
}

/* --- order */

struct numbered {
	json_t *line; /* borrowed */
	size_t place;
};

/* By packets; what has the same stays as it was. */
static int compare_lines(const void *a, const void *b)
{
	const struct numbered *left = a, *right = b;
	json_int_t first = packets_of(left->line), second = packets_of(right->line);

	if (first != second)
		return first > second ? -1 : 1;
	return left->place < right->place ? -1 : 1;
}

static int sort_lines(struct reading *reading)
{
	size_t count = json_array_size(reading->lines);
	_cleanup_free_ struct numbered *order = calloc(count + 1, sizeof(*order));
	json_t *sorted = json_array();
	int err = order && sorted ? 0 : -ENOMEM;

	for (size_t i = 0; i < count && !err; i++)
		order[i] = (struct numbered){json_array_get(reading->lines, i), i};
	if (!err)
		qsort(order, count, sizeof(*order), compare_lines);
	for (size_t i = 0; i < count && !err; i++)
		err = json_array_append(sorted, order[i].line) ? -ENOMEM : 0;
	if (err) {
		json_decref(sorted);
		return err;
	}
	json_decref(reading->lines);
	reading->lines = sorted;
	return 0;
}

/* --- output */

/* The contract's object of reasons has every one, unless only some are asked for. */
static int trim_reasons(struct reading *reading)
{
	json_t *reasons = json_object_get(reading->answer, "reasons"), *kept = json_object();
	json_t *passes = json_object_get(reading->answer, "passes"), *passed = json_object();
	size_t i;
	json_t *line;
	int err = 0;

	json_array_foreach (reading->lines, i, line) {
		const char *name = json_string_value(json_object_get(line, "reason"));
		json_t *found = json_object_get(reasons, name);

		err |= found ? json_object_set(kept, name, found)
			     : json_object_set(passed, name, json_object_get(passes, name));
	}
	err |= json_object_set_new(reading->answer, "reasons", kept);
	err |= json_object_set_new(reading->answer, "passes", passed);
	return err ? -ENOMEM : 0;
}

static int print_json(const struct question *question, struct reading *reading)
{
	int err = 0;

	if (strcmp(question->view->name, "reason") != 0)
		err = json_object_set(reading->answer, question->view->list, reading->lines)
			      ? -ENOMEM
			      : 0;
	else if (question->top)
		err = trim_reasons(reading);
	return err ? err : json_print(json_incref(reading->answer));
}

static void cell_text(const json_t *value, char text[24])
{
	if (json_is_integer(value))
		snprintf(text, 24, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	else
		snprintf(text, 24, "%s", "-");
}

static int add_line(struct listing *listing, const struct view *view, const json_t *line)
{
	const char *cells[VIEW_COLUMNS_MAX];
	char texts[VIEW_COLUMNS_MAX][24];

	for (size_t i = 0; i < listing->n_columns; i++) {
		const json_t *value = json_object_get(line, view->columns[i].key);

		cells[i] = json_string_value(value);
		if (cells[i])
			continue;
		cell_text(value, texts[i]);
		cells[i] = texts[i];
	}
	return listing_add(listing, cells);
}

static int print_listing(const struct question *question, const struct reading *reading,
			 enum format format)
{
	struct column columns[VIEW_COLUMNS_MAX];
	_cleanup_(listing_free) struct listing listing = {.columns = columns};
	const struct view *view = question->view;
	size_t i;
	json_t *line;
	int err = 0;

	for (; listing.n_columns < VIEW_COLUMNS_MAX && view->columns[listing.n_columns].key;
	     listing.n_columns++)
		columns[listing.n_columns] = view->columns[listing.n_columns].column;
	json_array_foreach (reading->lines, i, line)
		if (!err)
			err = add_line(&listing, view, line);
	return err ? err : listing_print(&listing, format);
}

/* --- one reading */

/* Reasons are many: a table leaves out those without packets. */
static bool is_listed(const struct question *question, enum format format, const json_t *line)
{
	return format != FORMAT_TABLE || question->all || packets_of(line) ||
	       strcmp(question->view->name, "reason") != 0;
}

static int choose_lines(const struct question *question, enum format format,
			struct reading *reading)
{
	int err = question->view->sorted || question->top ? sort_lines(reading) : 0;
	json_t *kept = json_array(), *line;
	size_t i;

	json_array_foreach (reading->lines, i, line)
		if (!err && is_listed(question, format, line) &&
		    (!question->top || json_array_size(kept) < question->top))
			err = json_array_append(kept, line) ? -ENOMEM : 0;
	json_decref(reading->lines);
	reading->lines = kept;
	return err;
}

static int print_reading(const struct question *question, enum format format,
			 const struct kernel *kernel, struct reading *reading)
{
	int err = question->view->read(kernel, reading->answer, reading->lines, &reading->dropped);

	if (!err)
		err = choose_lines(question, format, reading);
	if (err)
		return err;
	if (format == FORMAT_JSON)
		return print_json(question, reading);
	err = print_listing(question, reading, format);
	if (!err && !reading->dropped && !question->view->passes)
		fprintf(format == FORMAT_TABLE ? stdout : stderr,
			"nothing was dropped in %u seconds\n", kernel->control->epoch);
	return err;
}

static int open_kernel(const struct common *common, struct kernel *kernel)
{
	int err = kernel_open(common->pin_dir, kernel);

	if (err == -ENOENT)
		fprintf(stderr, "rolewall: nothing is loaded at %s\n", common->pin_dir);
	return err;
}

static int read_once(const struct question *question, const struct common *common)
{
	_cleanup_(kernel_close) struct kernel kernel = KERNEL_CLOSED;
	struct reading reading = {json_object(), json_array(), 0};
	int err = reading.answer && reading.lines ? open_kernel(common, &kernel) : -ENOMEM;

	if (!err)
		err = print_reading(question, common->format, &kernel, &reading);
	json_decref(reading.answer);
	json_decref(reading.lines);
	return err;
}

/* --- the command line */

/* A whole number from 1 to MAX. */
static int read_number(const char *option, const char *word, unsigned long max,
		       unsigned long *number)
{
	char *end;

	errno = 0;
	*number = strtoul(word, &end, 10);
	if (!errno && *word >= '0' && *word <= '9' && !*end && *number && *number <= max)
		return 0;
	fprintf(stderr, "rolewall: drops --%s %s: not a number from 1 to %lu\n", option, word, max);
	return ERR_USAGE;
}

static int unknown_view(const char *name)
{
	fprintf(stderr, "rolewall: drops --by %s: no such view; accepted:", name);
	for (size_t i = 0; i < n_drop_views; i++)
		fprintf(stderr, " %s", drop_views[i].name);
	fputc('\n', stderr);
	return ERR_USAGE;
}

static int read_question(const struct arguments *arguments, struct question *question)
{
	const char *by = arguments->values[OPTION_BY], *top = arguments->values[OPTION_TOP];
	const char *watch = arguments->values[OPTION_WATCH];
	unsigned long number;

	*question = (struct question){
		.view = drop_view(by ? by : "reason"),
		.all = arguments->values[OPTION_ALL],
		.interval = watch ? WATCH_DEFAULT : 0,
	};
	if (!question->view)
		return unknown_view(by);
	if (top) {
		if (read_number("top", top, 1000000, &number))
			return ERR_USAGE;
		question->top = number;
	}
	if (watch && *watch) {
		if (read_number("watch", watch, WATCH_MAX, &number))
			return ERR_USAGE;
		question->interval = (unsigned int)number;
	}
	return 0;
}

/* What the site could change; a view of its own, without the options of the others. */
static int run_advice(const struct arguments *arguments)
{
	_cleanup_(kernel_close) struct kernel kernel = KERNEL_CLOSED;
	int err;

	for (size_t i = 0; i < OPTION_ADVISE; i++) {
		if (!arguments->values[i])
			continue;
		fprintf(stderr, "rolewall: drops --advise: not with --%s\n",
			command_drops.options[i].name);
		return ERR_USAGE;
	}
	err = open_kernel(&arguments->common, &kernel);
	return err ? err : drop_advice(&kernel, &arguments->common);
}

static int run(const struct arguments *arguments)
{
	struct question question;
	bool screen = isatty(STDOUT_FILENO) && arguments->common.format == FORMAT_TABLE;
	int err;

	if (arguments->values[OPTION_ADVISE])
		return run_advice(arguments);
	err = read_question(arguments, &question);
	if (err || !question.interval)
		return err ? err : read_once(&question, &arguments->common);
	for (;;) {
		if (screen)
			fputs("\033[H\033[J", stdout);
		err = read_once(&question, &arguments->common);
		if (!err && !screen && arguments->common.format == FORMAT_TABLE)
			putchar('\n');
		if (err || fflush(stdout))
			return err ? err : -EIO;
		sleep(question.interval);
	}
}

const struct command command_drops = {
	.name = "drops",
	.summary = "Count what was dropped and passed, by reason, pool, roles, source or port",
	.help = "Every packet counts under exactly one reason, so packets received = passed + dropped.\n"
		"AUDITED packets met the reason in audit mode and passed all the same; all views count\n"
		"them as dropped. The table leaves out reasons without packets; --json and --csv have\n"
		"them all.\n\n"
		"Views: reason; pool; role-pair (roles of both ends); port (destination); row (passes):\n"
		"exact. source; service (roles, protocol and port that were refused): tables of bounded\n"
		"size, in which DROPPED is at most what the line says and at least AT LEAST.\n\n"
		"--advise names the change of the site file (-c) that would let pass what it refuses:\n"
		"an overlay, an optional row's feature, or another setting.",
	.options = {{"by", "WHAT", "reason (default), pool, role-pair, source, port, service, row"},
		    {"top", "N", "the N with most packets alone"},
		    {"all", NULL, "list reasons without packets as well"},
		    {"watch", "[SECONDS]", "again every so many seconds (2)"},
		    {"advise", NULL, "what the site could turn on to let it pass"}},
	.run = run,
};
