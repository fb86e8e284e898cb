/* SPDX-License-Identifier: MIT */
/* The state directory: where it is, and opening it. state_read.c and state_write.c do the rest. */
#include "state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "cleanup.h"
#include "disk.h"
#include "lock_owner.h"
#include "state_internal.h"
#include "string_list.h"

const char *state_outcome_name(enum state_outcome outcome)
{
	static const char *const names[] = {
		[STATE_PREPARED] = "prepared", [STATE_TRIAL] = "trial",
		[STATE_KEPT] = "kept",         [STATE_RETURNED] = "returned",
		[STATE_FAILED] = "failed",     [STATE_ROLLED_BACK] = "rolled-back",
		[STATE_DETACHED] = "detached",
	};

	return outcome < N_STATE_OUTCOMES ? names[outcome] : NULL;
}

const char *state_path(const struct state *state)
{
	return state->path;
}

bool state_exists(const struct state *state)
{
	return state->dir >= 0;
}

/* --- where it is */

/* A folder of an instance's own, named after its pins: "/" is "-", what is "-" is "%2d". */
static char *instance_path(const char *pin_dir)
{
	size_t room = strlen(DEFAULT_STATE_DIR) + sizeof("/instances/") + 3 * strlen(pin_dir) + 1;
	char *path = malloc(room), *out = path;

	if (!path)
		return NULL;
	out += sprintf(out, "%s", DEFAULT_STATE_DIR "/instances/");
	for (const char *in = pin_dir; *in; in++) {
		if (*in == '/' && (in == pin_dir || !in[1] || in[1] == '/'))
			continue;
		if (*in == '/')
			*out++ = '-';
		else if (*in == '-' || *in == '%' ||
			 (*in == '.' && (in == pin_dir || in[-1] == '/')))
			out += sprintf(out, "%%%02x", (unsigned char)*in);
		else
			*out++ = *in;
	}
	*out = '\0';
	return path;
}

char *state_find_path(const struct common *common)
{
	_cleanup_free_ char *usual = NULL, *asked = NULL;

	if (common->state_dir && *common->state_dir)
		return strdup(common->state_dir);
	asked = instance_path(common->pin_dir);
	usual = instance_path(DEFAULT_PIN_DIR);
	if (!asked || !usual)
		return NULL;
	return strcmp(asked, usual) ? TAKE_PTR(asked) : strdup(DEFAULT_STATE_DIR);
}

/* --- what is said of it */

const char *generation_name(__u32 generation, char name[GENERATION_NAME])
{
	snprintf(name, GENERATION_NAME, "%06u", generation);
	return name;
}

__u32 generation_number(const char *name)
{
	char again[GENERATION_NAME];
	unsigned long number;
	char *end;

	if (*name < '0' || *name > '9' || strlen(name) >= GENERATION_NAME)
		return 0;
	number = strtoul(name, &end, 10);
	if (*end || number > 0xffffffffUL ||
	    strcmp(generation_name((__u32)number, again), name) != 0)
		return 0;
	return (__u32)number;
}

void state_say(const struct state *state, const char *format, ...)
{
	_cleanup_free_ char *line = NULL;
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vasprintf(&line, format, arguments);
	va_end(arguments);
	if (length < 0) {
		line = NULL;
		return;
	}
	if (state->said && strings_contain(state->said, line))
		return;
	fprintf(stderr, "rolewall: %s\n", line);
	if (state->said)
		strings_add(state->said, line, (struct place){0}); /* else it is said again */
}

int state_complain(const struct state *state, __u32 generation, const char *file, const char *doing,
		   int err)
{
	char folder[sizeof(DIR_GENERATIONS) + GENERATION_NAME + 2] = "", name[GENERATION_NAME];

	if (err == -ENOMEM)
		return err;
	if (generation)
		snprintf(folder, sizeof(folder), "/" DIR_GENERATIONS "/%s",
			 generation_name(generation, name));
	state_say(state, "cannot %s %s%s%s%s: %s", doing, state->path, folder, file ? "/" : "",
		  file ? file : "", disk_fault(err));
	return err;
}

int state_damaged(const struct state *state, __u32 generation, const char *file, const char *fault)
{
	char name[GENERATION_NAME];

	state_say(state, "%s/" DIR_GENERATIONS "/%s/%s: %s", state->path,
		  generation_name(generation, name), file, fault);
	return -EBADMSG;
}

/* --- opening */

static int make_dir(const char *path, mode_t mode)
{
	if (mkdir(path, mode))
		return errno == EEXIST ? 0 : -errno;
	return disk_sync_parent(path);
}

/* mkdir -p; what is ours is only for us. */
static int make_path(const char *path)
{
	_cleanup_free_ char *part = strdup(path);
	int err = 0;

	if (!part)
		return -ENOMEM;
	for (char *slash = strchr(part + 1, '/'); slash && !err; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		err = make_dir(part, strncmp(part, DEFAULT_STATE_DIR, strlen(DEFAULT_STATE_DIR))
					     ? 0755
					     : 0700);
		*slash = '/';
	}
	return err ? err : make_dir(path, 0700);
}

static int lock(const struct state *state)
{
	char owner[LOCK_OWNER_TEXT];

	if (!flock(state->dir, LOCK_EX | LOCK_NB))
		return 0;
	if (errno != EWOULDBLOCK)
		return state_complain(state, 0, NULL, "lock", -errno);
	fprintf(stderr, "rolewall: %s is being written to by %s; try again\n", state->path,
		lock_owner(state->dir, owner, sizeof(owner)));
	return -EBUSY;
}

/* The directory of all generations; made if it is missing. */
static int open_generations(struct state *state, bool write)
{
	int err;

	if (write && mkdirat(state->dir, DIR_GENERATIONS, 0700) && errno != EEXIST)
		return state_complain(state, 0, DIR_GENERATIONS, "make", -errno);
	if (write && fsync(state->dir))
		return state_complain(state, 0, NULL, "write", -errno);
	err = disk_open_dir(state->dir, DIR_GENERATIONS, &state->generations);
	if (err == -ENOENT && !write)
		return 0;
	return err ? state_complain(state, 0, DIR_GENERATIONS, "use", err) : 0;
}

static int open_state(struct state *state, const char *pin_dir, bool write)
{
	int err = write ? make_path(state->path) : 0;

	if (err)
		return state_complain(state, 0, NULL, "make", err);
	err = disk_open_dir(AT_FDCWD, state->path, &state->dir);
	if (err == -ENOENT && !write)
		return 0;
	if (err)
		return state_complain(state, 0, NULL, "use", err);
	err = write ? lock(state) : 0;
	if (!err)
		err = state_check_pins(state, pin_dir, write);
	return err ? err : open_generations(state, write);
}

int state_open(const struct common *common, bool write, struct state **state)
{
	struct state *opened = malloc(sizeof(*opened));
	int err;

	if (!opened)
		return -ENOMEM;
	*opened = (struct state){.path = state_find_path(common),
				 .dir = -1,
				 .generations = -1,
				 .keep = STATE_KEEP,
				 .said = common->said};
	err = opened->path ? open_state(opened, common->pin_dir, write) : -ENOMEM;
	if (err)
		state_close(opened);
	else
		*state = opened;
	return err;
}

void state_close(struct state *state)
{
	if (!state)
		return;
	close_fd(&state->generations);
	close_fd(&state->dir);
	free(state->path);
	free(state);
}
