/* SPDX-License-Identifier: MIT */
/* Says on stderr what `forwarding: xdp` cannot do here, and what it goes past. */
#ifndef ROLEWALL_FORWARD_WARN_H
#define ROLEWALL_FORWARD_WARN_H

/* Of the instance in DIR, after an apply. */
void forward_warn(const char *pin_dir);

#endif
