/* SPDX-License-Identifier: MIT */
/* The commands of rolewall: one cmd_*.c each, listed in main.c's table. */
#ifndef ROLEWALL_COMMAND_H
#define ROLEWALL_COMMAND_H

#include <stdbool.h>

enum format { FORMAT_TABLE, FORMAT_JSON, FORMAT_CSV };

/* What the shared options of every command say. */
struct common {
	const char *site; /* -c, --config */
	const char *pin_dir; /* --pin-dir */
	enum format format; /* --json, --csv */
};

#define DEFAULT_SITE "/etc/rolewall/site.yaml"
#define DEFAULT_PIN_DIR "/sys/fs/bpf/rolewall"

struct option_spec { /* an option of one command beyond the common ones */
	const char *name; /* "src", without dashes */
	const char *value; /* what the help calls its value; NULL = a flag; "[...]" = optional */
	const char *help;
};

#define COMMAND_OPTIONS_MAX 12

/* The value of each own option, in the order of the specs; flags give "" when set; NULL = absent. */
struct arguments {
	struct common common;
	bool site_given; /* -c was on the command line */
	const char *values[COMMAND_OPTIONS_MAX];
	const char
		*operand; /* the word behind the command; never NULL where the command wants one */
};

struct command {
	const char *name;
	const char *summary; /* one line for `rolewall help` */
	const char *help; /* paragraphs for `rolewall COMMAND --help` */
	const char *operand; /* what the help calls the word that it wants; NULL = it wants none */
	struct option_spec options[COMMAND_OPTIONS_MAX]; /* ends at a NULL name */
	/* Returns 0 or -errno (-EINVAL for refused input); main.c turns it into 0, 1 or 2. */
	int (*run)(const struct arguments *arguments);
};

/* A wrong command line: message on stderr, exit status 2. */
#define EXIT_USAGE 2
#define ERR_USAGE (-4096)

extern const struct command command_check, command_matrix, command_apply, command_status,
	command_explain, command_drops, command_watch, command_metrics, command_detach,
	command_export;

#endif
