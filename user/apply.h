/* SPDX-License-Identifier: MIT */
/* The transaction: a resolved site becomes the running policy, or nothing changes. */
#ifndef ROLEWALL_APPLY_H
#define ROLEWALL_APPLY_H

#include "command.h"
#include "input.h"
#include "kernel.h"
#include "site_file.h"

struct apply_request {
	const struct common *common; /* pin_dir, state_dir */
	const struct input *input;
	__u32 trial_seconds; /* unless somebody confirms it within these; 0 = for good */
	bool replace; /* XDP programs of others make room; not on trial */
	bool ends_shadow; /* it is the shadow's own policy */
	struct site_file
		*file; /* takes its prepared text right behind the flip; NULL = none does */
	const char *comment; /* NULL = none */
	__u32 based_on; /* a rollback to that generation; 0 = it is none */
	__u32 generation; /* what it is called; 0 = the next number */
	bool unrecorded; /* no history: for tests, and for what is in it already */
	bool at_boot; /* only where nothing runs (-EEXIST), with those interfaces there are */
};

struct applied {
	__u32 generation;
	size_t pages; /* of the image */
	__u32 room; /* pages of a slot */
	size_t probes; /* of the self-test */
	__u32 trial_seconds; /* to confirm it; 0 = no trial */
	bool lags; /* the history could not be written: a message said so */
	int file_error; /* the file could not take its text: a message said why */
	bool loaded, reloaded; /* programs were loaded; or replaced under running traffic */
};

#define TRIAL_SECONDS_MIN 1U
#define TRIAL_SECONDS_MAX 86400U

/*
 * Loads a policy into the instance at pin_dir, or replaces what runs there by one flip. Returns 0
 * or -errno with the reasons in diags or on stderr; then what ran before still runs.
 */
int policy_apply(const struct apply_request *request, struct applied *applied,
		 struct diagnostics *diags);

#endif
