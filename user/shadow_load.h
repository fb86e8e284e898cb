/* SPDX-License-Identifier: MIT */
/* `apply --shadow`: a resolved site is loaded beside the running policy, which stays as it is. */
#ifndef ROLEWALL_SHADOW_LOAD_H
#define ROLEWALL_SHADOW_LOAD_H

#include "command.h"
#include "kern_shadow.h"
#include "policy.h"

struct shadow_loaded {
	__u32 generation; /* of the candidate */
	size_t pages; /* of its image */
	size_t probes; /* of its self-test */
};

/*
 * Compiles POLICY into a slot of its own, tests it there, and starts to compare. Returns 0 or -errno
 * with the reasons in diags or on stderr; then no shadow was changed.
 */
int shadow_load(const struct common *common, const struct policy *policy,
		struct shadow_loaded *loaded, struct diagnostics *diags);
/* Takes the shadow out. 0, or -errno with a message on stderr. */
int shadow_drop(const struct common *common);
/* 0 if the shadow is the image of this policy, bit for bit; else -errno, message on stderr. */
int shadow_is_of(const struct common *common, const struct policy *policy,
		 struct diagnostics *diags);

#endif
