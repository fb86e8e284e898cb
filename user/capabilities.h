/* SPDX-License-Identifier: MIT */
/* What the agent may do once it has started. */
#ifndef ROLEWALL_CAPABILITIES_H
#define ROLEWALL_CAPABILITIES_H

/*
 * Keeps CAP_NET_ADMIN and CAP_BPF alone, in every set but the inheritable and the ambient one,
 * which become empty, and for good: no_new_privs is set. Returns 0 or -errno with a message.
 */
int capabilities_drop(void);

#endif
