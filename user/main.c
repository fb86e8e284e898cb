/* SPDX-License-Identifier: MIT */
/* The command line: finds the command, reads its options, turns its answer into an exit status. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "command.h"
#include "string_list.h"
#include "version.h"

static const struct command *const commands[] = {
	&command_check,   &command_matrix,   &command_plan,     &command_apply,   &command_confirm,
	&command_history, &command_rollback, &command_status,   &command_explain, &command_drops,
	&command_watch,   &command_metrics,  &command_detach,   &command_export,  &command_agent,
	&command_pool,    &command_shadow,   &command_backstop, &command_boot,
};

#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

/* What getopt_long() returns for options without a letter; own options follow. */
enum { OPTION_PIN_DIR = 256, OPTION_STATE_DIR, OPTION_JSON, OPTION_CSV, OPTION_OWN };

static const struct option common_options[] = {
	{"config", required_argument, NULL, 'c'},
	{"pin-dir", required_argument, NULL, OPTION_PIN_DIR},
	{"state-dir", required_argument, NULL, OPTION_STATE_DIR},
	{"json", no_argument, NULL, OPTION_JSON},
	{"csv", no_argument, NULL, OPTION_CSV},
	{"help", no_argument, NULL, 'h'},
};

#define N_COMMON (sizeof(common_options) / sizeof(common_options[0]))

static void print_help(void)
{
	printf("Usage: rolewall COMMAND [OPTION...]\n"
	       "       rolewall help | --help | --version\n\n"
	       "Enforces which ports and protocols each server role needs, on every packet.\n\n"
	       "Commands:\n");
	for (size_t i = 0; i < N_COMMANDS; i++)
		printf("  %-10s %s\n", commands[i]->name, commands[i]->summary);
	printf("\n\"rolewall COMMAND --help\" says more of each.\n");
}

static void print_option(const char *name, const char *value, const char *help)
{
	char text[64];

	snprintf(text, sizeof(text), "--%s%s%s", name, value ? " " : "", value ? value : "");
	printf("  %-24s %s\n", text, help);
}

static void print_command_help(const struct command *command)
{
	printf("Usage: rolewall %s%s%s [OPTION...]\n\n%s.\n", command->name,
	       command->operands ? " " : "", command->operands ? command->operands : "",
	       command->summary);
	if (command->help)
		printf("\n%s\n", command->help);
	printf("\nOptions:\n");
	for (size_t i = 0; i < COMMAND_OPTIONS_MAX && command->options[i].name; i++)
		print_option(command->options[i].name, command->options[i].value,
			     command->options[i].help);
	print_option("config", "SITE", "the site file (-c); default " DEFAULT_SITE);
	print_option("pin-dir", "DIR", "where the maps are pinned; default " DEFAULT_PIN_DIR);
	print_option("state-dir", "DIR",
		     "where sites and history are kept; default " DEFAULT_STATE_DIR);
	if (!command->no_json)
		print_option("json", NULL, "print JSON");
	if (!command->no_csv)
		print_option("csv", NULL, "print CSV (RFC 4180)");
	print_option("help", NULL, "print this (-h)");
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < N_COMMANDS; i++) {
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	}
	return NULL;
}

/* A value in brackets may be left out. */
static int argument_of(const struct option_spec *spec)
{
	if (!spec->value)
		return no_argument;
	return *spec->value == '[' ? optional_argument : required_argument;
}

/* getopt takes `--watch=5` alone for an option that may go without: here `--watch 5` will do too. */
static const char *optional_value(const struct command *command, size_t number, char **argv)
{
	const struct option_spec *spec = &command->options[number];

	if (optarg || argument_of(spec) != optional_argument || !argv[optind] ||
	    *argv[optind] == '-')
		return optarg ? optarg : "";
	return argv[optind++];
}

static size_t own_options(const struct command *command, struct option *options)
{
	size_t count = 0;

	for (; count < COMMAND_OPTIONS_MAX && command->options[count].name; count++) {
		options[count] = (struct option){
			.name = command->options[count].name,
			.has_arg = argument_of(&command->options[count]),
			.val = OPTION_OWN + (int)count,
		};
	}
	return count;
}

/* One line on stderr for a wrong command line. */
__attribute__((format(printf, 2, 3))) static int usage(const struct command *command,
						       const char *format, ...)
{
	va_list arguments;

	fprintf(stderr, "rolewall %s: ", command->name);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fprintf(stderr, "; see \"rolewall %s --help\"\n", command->name);
	return ERR_USAGE;
}

static int set_format(const struct command *command, struct common *common, enum format format)
{
	const char *refusal = format == FORMAT_JSON ? command->no_json : command->no_csv;

	if (refusal)
		return usage(command, "%s", refusal);
	if (common->format != FORMAT_TABLE && common->format != format)
		return usage(command, "--json and --csv exclude each other");
	common->format = format;
	return 0;
}

/* What stands behind getopt_long()'s '?' and ':'. */
static int wrong_option(const struct command *command, char **argv, int found)
{
	const char *word = argv[optind - 1];

	if (found == ':')
		return usage(command, "option %s needs a value", word);
	if (optopt && optopt < OPTION_PIN_DIR)
		return usage(command, "unknown option -%c", optopt);
	if (optopt)
		return usage(command, "option %s takes no value", word);
	return usage(command, "unknown or ambiguous option %s", word);
}

/* An empty path is no way to ask for the usual one: more likely a variable that nobody has set. */
static int set_path(const struct command *command, const char *option, const char *accepted,
		    const char **path)
{
	if (!*optarg)
		return usage(command, "%s is empty; accepted: %s", option, accepted);
	*path = optarg;
	return 0;
}

/* Returns 0, ERR_USAGE, or 1 if only the help is wanted. */
static int read_option(const struct command *command, int found, char **argv,
		       struct arguments *arguments)
{
	switch (found) {
	case 'c':
		arguments->site_given = true;
		return set_path(command, "--config (-c)", "the path of a site file",
				&arguments->common.site);
	case 'h':
		return 1;
	case OPTION_PIN_DIR:
		return set_path(command, "--pin-dir", "the path of a directory",
				&arguments->common.pin_dir);
	case OPTION_STATE_DIR:
		return set_path(command, "--state-dir", "the path of a directory",
				&arguments->common.state_dir);
	case OPTION_JSON:
		return set_format(command, &arguments->common, FORMAT_JSON);
	case OPTION_CSV:
		return set_format(command, &arguments->common, FORMAT_CSV);
	default:
		arguments->values[found - OPTION_OWN] =
			optional_value(command, (size_t)(found - OPTION_OWN), argv);
		return 0;
	}
}

static int read_arguments(const struct command *command, int argc, char **argv,
			  struct arguments *arguments)
{
	struct option options[N_COMMON + COMMAND_OPTIONS_MAX + 1] = {0};
	int found, rc;

	memcpy(options, common_options, sizeof(common_options));
	own_options(command, &options[N_COMMON]);
	opterr = 0;
	while ((found = getopt_long(argc, argv, ":c:h", options, NULL)) != -1) {
		if (found == '?' || found == ':')
			return wrong_option(command, argv, found);
		rc = read_option(command, found, argv, arguments);
		if (rc)
			return rc;
	}
	arguments->operands = &argv[optind];
	arguments->n_operands = (size_t)(argc - optind);
	if (arguments->n_operands < command->operands_min)
		return usage(command, "a word is missing: %s", command->operands);
	if (arguments->n_operands > command->operands_max)
		return usage(command, "unexpected word \"%s\"",
			     arguments->operands[command->operands_max]);
	return 0;
}

static int run(const struct command *command, int argc, char **argv, bool *changed)
{
	_cleanup_(strings_free) struct strings said = {0};
	struct arguments arguments = {
		.common =
			{
				.site = DEFAULT_SITE,
				.pin_dir = DEFAULT_PIN_DIR,
				.state_dir = getenv("ROLEWALL_STATE_DIR"),
				.said = &said,
				.changed = changed,
			},
	};
	int rc = read_arguments(command, argc, argv, &arguments);

	if (rc == 1) {
		print_command_help(command);
		return 0;
	}
	return rc ? rc : command->run(&arguments);
}

/* Output that did not reach its reader is a failure, whatever was printed before. */
static int finish(int rc, bool changed)
{
	if (rc == -ENOMEM)
		fprintf(stderr, "rolewall: out of memory\n");
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "rolewall: cannot write the output: %s%s\n", strerror(errno),
			changed ? "; what was asked for is done all the same" : "");
		rc = rc && rc != ERR_CHANGES ? rc : -EIO;
	}
	if (rc == ERR_PARTLY || (changed && rc))
		return EXIT_PARTLY;
	if (rc == ERR_USAGE)
		return EXIT_USAGE;
	if (rc == ERR_CHANGES)
		return EXIT_CHANGES;
	return rc ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int unknown_command(const char *name)
{
	fprintf(stderr, "rolewall: unknown command \"%s\"; see \"rolewall help\"\n", name);
	return ERR_USAGE;
}

/*
 * Where 0, 1 or 2 is closed the next file that is opened would be taken for it: a message must not end
 * up in the history. What takes their place refuses as a closed one does.
 */
static void fill_streams(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			(void)!open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

/* rolewall help [COMMAND] */
static int help(const char *name)
{
	const struct command *command = name ? find_command(name) : NULL;

	if (name && !command)
		return unknown_command(name);
	if (command)
		print_command_help(command);
	else
		print_help();
	return 0;
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : NULL;
	const struct command *command;
	bool changed = false;
	int rc;

	fill_streams();
	if (!word) {
		fprintf(stderr, "rolewall: no command; see \"rolewall help\"\n");
		return EXIT_USAGE;
	}
	if (!strcmp(word, "--version")) {
		printf("rolewall " ROLEWALL_VERSION "\n");
		return finish(0, false);
	}
	if (!strcmp(word, "help"))
		return finish(help(argv[2]), false);
	if (!strcmp(word, "--help") || !strcmp(word, "-h"))
		return finish(help(NULL), false);
	command = find_command(word);
	if (!command)
		return finish(unknown_command(word), false);
	rc = run(command, argc - 1, argv + 1, &changed);
	return finish(rc, changed);
}
