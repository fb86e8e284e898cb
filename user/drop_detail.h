/* SPDX-License-Identifier: MIT */
/* Drops in detail, as the loaded programs counted them, summed over the CPUs (kern_drops.c). */
#ifndef ROLEWALL_USER_DROP_DETAIL_H
#define ROLEWALL_USER_DROP_DETAIL_H

#include "kernel.h"
#include "registry.h"
#include "role_sets.h"

/* What a bounded table knows of one key: between packets - before and packets were counted. */
struct bounded {
	__u64 packets, before;
};

struct drop_source {
	struct prefix address; /* a single one */
	struct bounded count;
};

/* Refused because no row opens it, inbound or outbound, or not to this source; TCP counts first segments alone. */
struct drop_service {
	bool udp;
	__u16 port;
	__u32 source, destination; /* ids of role sets */
	struct bounded count;
};

/* All return 0 or -errno; what they hand out is to be freed. Lists are sorted, largest first. */

/* By PORT_UDP | port; element PORT_NONE is what had no port. */
int drop_ports(const struct kernel *kernel, __u64 **packets);
/* By id, ROLE_SETS_MAX of them; empty texts are not in use. */
int drop_role_sets(const struct kernel *kernel, struct role_set **sets);
/* By source * ROLE_SETS_MAX + destination, ROLE_PAIRS of them. */
int drop_role_pairs(const struct kernel *kernel, struct counter **pairs);
int drop_sources(const struct kernel *kernel, struct drop_source **list, size_t *count);
int drop_services(const struct kernel *kernel, struct drop_service **list, size_t *count);

/* Takes the sets that the kernel knows over into a registry of role_sets_init(). */
int drop_registry(const struct kernel *kernel, struct registry *registry);
/* Names the sets that the kernel does not know yet; no loaded image uses them so far. */
int drop_name_sets(const struct kernel *kernel, const struct registry *registry);

#endif
