/* SPDX-License-Identifier: MIT */
/* The options that every command which applies has in common. */
#ifndef ROLEWALL_APPLY_OPTIONS_H
#define ROLEWALL_APPLY_OPTIONS_H

#include "apply.h"

#define OPTION_SPEC_CONFIRM_WITHIN                                                                 \
	{                                                                                          \
		"confirm-within", "S", "on trial for S seconds (or 10m, 1h)"                       \
	}
#define OPTION_SPEC_COMMENT                                                                        \
	{                                                                                          \
		"comment", "TEXT", "why, for the history"                                          \
	}

/*
 * Takes both values, NULL = not given, into the request. 0, or ERR_USAGE with a message that begins
 * with the command's name.
 */
int apply_options(const char *command, const char *confirm_within, const char *comment,
		  struct apply_request *request);

#endif
