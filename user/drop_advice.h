/* SPDX-License-Identifier: MIT */
/* rolewall drops --advise: what the site could change to let pass what it refuses. */
#ifndef ROLEWALL_DROP_ADVICE_H
#define ROLEWALL_DROP_ADVICE_H

#include "command.h"
#include "kernel.h"

/* Reads the site file and the services that were refused; prints. Returns 0 or -errno. */
int drop_advice(const struct kernel *kernel, const struct common *common);

#endif
