/* SPDX-License-Identifier: MIT */
/* The commands of rolewall: one cmd_*.c each, listed in main.c's table. */
#ifndef ROLEWALL_COMMAND_H
#define ROLEWALL_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

struct strings;

enum format { FORMAT_TABLE, FORMAT_JSON, FORMAT_CSV };

/* What the shared options of every command say. */
struct common {
	const char *site; /* -c, --config */
	const char *pin_dir; /* --pin-dir */
	const char *state_dir; /* --state-dir, or $ROLEWALL_STATE_DIR; NULL: as pin_dir says */
	enum format format; /* --json, --csv */
	struct strings
		*said; /* of the state directory, so that nothing is said twice; NULL: it may be */
	bool *changed; /* what was asked for is done: a failure from here on is no refusal; or NULL */
};

static inline void common_changed(const struct common *common)
{
	if (common->changed)
		*common->changed = true;
}

static inline bool common_has_changed(const struct common *common)
{
	return common->changed && *common->changed;
}

#define DEFAULT_SITE "/etc/rolewall/site.yaml"
#define DEFAULT_PIN_DIR "/sys/fs/bpf/rolewall"
#define DEFAULT_STATE_DIR "/var/lib/rolewall"

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
	char **operands; /* the words behind the command, as many as it wants */
	size_t n_operands;
};

/* Why a command refuses --json and --csv. */
#define PRINTS_NO_DATA "it prints no data; \"rolewall status\" has --json and --csv"

struct command {
	const char *name;
	const char *summary; /* one line for `rolewall help` */
	const char *help; /* paragraphs for `rolewall COMMAND --help` */
	const char *operands; /* what the help calls the words that it wants; NULL = none */
	size_t operands_min, operands_max;
	const char *no_json, *no_csv; /* why it refuses --json, --csv; NULL = it takes it */
	struct option_spec options[COMMAND_OPTIONS_MAX]; /* ends at a NULL name */
	/* Returns 0, -errno (-EINVAL for refused input) or one of ERR_*; main.c makes it 0 to 4. */
	int (*run)(const struct arguments *arguments);
};

/* A wrong command line: message on stderr, exit status 2. */
#define EXIT_USAGE 2
#define ERR_USAGE (-4096)
/* Nothing is wrong, but something would change: exit status 3. */
#define EXIT_CHANGES 3
#define ERR_CHANGES (-4097)
/* It is done, but not all that belongs to it: exit status 4, as any failure behind common_changed(). */
#define EXIT_PARTLY 4
#define ERR_PARTLY (-4098)

extern const struct command command_check, command_matrix, command_apply, command_status,
	command_explain, command_drops, command_watch, command_metrics, command_detach,
	command_export, command_agent, command_pool, command_shadow, command_backstop,
	command_confirm, command_rollback, command_boot, command_plan, command_history;

#endif
