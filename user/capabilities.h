/* SPDX-License-Identifier: MIT */
/* What the controller needs to be allowed, and what the agent keeps of it. */
#ifndef ROLEWALL_CAPABILITIES_H
#define ROLEWALL_CAPABILITIES_H

/*
 * Keeps CAP_NET_ADMIN and CAP_BPF alone, in every set but the inheritable and the ambient one,
 * which become empty, and for good: no_new_privs is set. Returns 0 or -errno with a message.
 */
int capabilities_drop(void);
/*
 * Whether programs can be loaded: the verifier wants CAP_PERFMON beside CAP_NET_ADMIN and CAP_BPF.
 * 0, -EPERM or -ENOSYS, with a message that names what is missing.
 */
int capabilities_check(void);

#endif
