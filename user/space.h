/* SPDX-License-Identifier: MIT */
/* Sets of addresses as lists of prefixes, and what is left of them without a part. */
#ifndef ROLEWALL_SPACE_H
#define ROLEWALL_SPACE_H

#include "policy.h"

struct space {
	struct prefix *items;
	size_t count;
};

/* From the addresses of one space to those of another. */
struct path {
	struct prefix near, far; /* of one family */
};

struct paths {
	struct path *items;
	size_t count;
};

#define PATHS_MAX 100000U /* beyond, nobody wants to load them */

/* All return 0, -ENOMEM, or -E2BIG beyond PATHS_MAX. */
int space_add(struct space *space, const struct prefix *prefix);
/* Exactly: prefixes around the hole are cut into the parts beside it. */
int space_subtract(struct space *space, const struct prefix *hole);
/* The addresses of pool INDEX, without those of pools inside it that are not AMONG them. */
int space_add_pool(struct space *space, const struct policy *policy, size_t index,
		   const bool *among);
void space_sort(struct space *space); /* by family, address, length; equal ones become one */
void space_free(struct space *space);

/* All from NEAR to FAR that are of one family. */
int paths_make(struct paths *paths, const struct space *near, const struct space *far);
/* Takes away what leads from a part of NEAR to a part of FAR. */
int paths_subtract(struct paths *paths, const struct prefix *near, const struct prefix *far);
void paths_sort(struct paths *paths);
void paths_free(struct paths *paths);

#endif
