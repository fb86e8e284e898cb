/* SPDX-License-Identifier: MIT */
/* The transaction: a resolved site becomes the running policy, or nothing changes. */
#ifndef ROLEWALL_APPLY_H
#define ROLEWALL_APPLY_H

#include "kernel.h"
#include "policy.h"

struct applied {
	__u32 generation;
	size_t pages; /* of the image */
	__u32 room; /* pages of a slot */
	size_t probes; /* of the self-test */
	bool loaded, reloaded; /* programs were loaded; or replaced under running traffic */
};

/*
 * Loads POLICY into the instance at PIN_DIR, or replaces what runs there by one flip. Returns 0 or
 * -errno with the reasons in diags or on stderr; then what ran before still runs.
 */
int policy_apply(const char *pin_dir, const struct policy *policy, struct applied *applied,
		 struct diagnostics *diags);

#endif
