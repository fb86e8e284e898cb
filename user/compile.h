/* SPDX-License-Identifier: MIT */
/* Policy -> image. The same policy and registries give the same bytes. */
#ifndef ROLEWALL_COMPILE_H
#define ROLEWALL_COMPILE_H

#include "pages.h"
#include "policy.h"
#include "registry.h"

/* The counter ids an image uses. */
struct registries {
	struct registry rows; /* limit ROW_IDS_MAX */
	struct registry pools; /* limit POOL_IDS_MAX */
	struct registry role_sets; /* of role_sets_init() */
};

int registries_init(struct registries *registries);
void registries_free(struct registries *registries);

/*
 * Compiles; the image's generation is 0 until image_number(). What does not fit goes to diags with
 * the limit's name. Returns 0, -EINVAL (diags says why), -ENOMEM. On failure *image is untouched.
 */
int policy_compile(const struct policy *policy, struct registries *registries, struct pages *image,
		   struct diagnostics *diags);

/* Sets the generation and when it got its number, which the checksum leaves out. */
void image_number(struct pages *image, __u32 generation);
/* The same, and the checksum. */
void image_seal(struct pages *image, __u32 generation);
/* CRC-32 of an image as HEADER_CHECKSUM holds it. */
__u32 image_checksum(const struct image_page *page, size_t count);

#endif
