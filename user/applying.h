/* SPDX-License-Identifier: MIT */
/* What `apply` and `pool` do with a site that has been read: cmd_apply.c. */
#ifndef ROLEWALL_APPLYING_H
#define ROLEWALL_APPLYING_H

#include "apply.h"

/* Applies it, prints what diags has by then on stderr and the outcome on stdout. 0 or -errno. */
int apply_input(const struct apply_request *request, struct diagnostics *diags);
/* `apply --shadow` (cmd_shadow.c): beside what runs, which stays as it is. */
int apply_shadow(const struct arguments *arguments);

#endif
