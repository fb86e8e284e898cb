/* SPDX-License-Identifier: MIT */
/*
 * What has the kernel forward all packets, or some of them, whichever interface they come in by.
 * Read-only netlink. What cannot be told counts as there.
 */
#ifndef ROLEWALL_FORWARD_SYSTEM_H
#define ROLEWALL_FORWARD_SYSTEM_H

#include <stdbool.h>

struct forward_system {
	bool marks; /* a routing rule goes by marks */
	bool ipsec; /* a policy for packets that are forwarded */
	bool off6; /* forwarding of IPv6 is off as a whole, whatever an interface says */
};

void forward_system_read(struct forward_system *system);

#endif
