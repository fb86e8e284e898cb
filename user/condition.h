/* SPDX-License-Identifier: MIT */
/*
 * What becomes of the interfaces that the policy in force names: attached as they should be, or
 * what is wrong. Shared by status, metrics and the agent.
 */
#ifndef ROLEWALL_CONDITION_H
#define ROLEWALL_CONDITION_H

#include "wanted.h"

/* In words: condition_text(). Names stay what they are: they are in JSON and metrics. */
#define CONDITIONS(X)                                                                              \
	X(filtered, "")                                                                            \
	X(missing, "there is no such interface")                                                   \
	X(unfiltered, "NOT FILTERED: no program of ours is attached")                              \
	X(renamed, "filtered, but has another name now")                                           \
	X(wrong_side, "filtered, but on the side that another interface of this name had")         \
	X(let_go, "NOT FILTERED: our program lets everything pass, as before the apply or trial")  \
	X(other_program, "NOT OURS: somebody put another program under our link")                  \
	X(other_hook, "filtered by another hook than the site says")

enum condition {
#define X(name, text) CONDITION_##name,
	CONDITIONS(X)
#undef X
		N_CONDITIONS,
};

struct interface_state {
	char name[16]; /* as the site says */
	unsigned int ifindex; /* of the interface of that name, or that the link is on; 0 = none */
	enum hook hook; /* by which it is attached; HOOK_AUTO: by none */
	enum side side;
	enum condition condition;
	char now[16]; /* condition renamed: its name now */
};

struct interface_states {
	struct interface_state *items;
	size_t count;
};

/* All that WANTED names, then what else is attached. 0 or -errno; to be freed. */
int conditions_read(const struct kernel *kernel, const struct wanted *wanted,
		    struct interface_states *states);
void conditions_free(struct interface_states *states);

const char *condition_name(enum condition condition); /* "other_program" */
const char *condition_text(enum condition condition);
/* True if our program sees its packets. */
bool is_filtered(enum condition condition);
/* The word for its hook, "none" if it has none. */
const char *hook_taken(const struct interface_state *state);

#endif
