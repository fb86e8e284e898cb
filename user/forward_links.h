/* SPDX-License-Identifier: MIT */
/* What `forwarding: xdp` has to know of the system around it: read-only netlink, no libbpf. */
#ifndef ROLEWALL_FORWARD_LINKS_H
#define ROLEWALL_FORWARD_LINKS_H

#include "kernel.h"

struct forward_link {
	char name[16];
	unsigned int ifindex;
	__u8 mac[6];
	bool ethernet;
	bool member; /* a port of a bridge or bond */
	bool veth;
	bool takes_tags; /* off frames of VLANs, before XDP sees them */
	bool cannot_send; /* its driver takes no frames from XDP, as it is set up now */
};

struct forward_links {
	struct forward_link *items;
	size_t count;
};

/* All interfaces of this network namespace. 0 or -errno. */
int forward_links_read(struct forward_links *links);
void forward_links_free(struct forward_links *links);
const struct forward_link *forward_links_find(const struct forward_links *links,
					      unsigned int ifindex);

bool forward_by_xdp(const struct attachment *attachment);
/*
 * Whether one of the attached interfaces uses its driver's XDP. Then packets go out by drivers, too,
 * and past an interface without the driver's XDP they would be lost.
 */
bool forward_is_native(const struct attachment *list, size_t count);
/* Whether packets may be sent out by this one. NATIVE: as above. */
bool forward_takes(const struct attachment *attachment, const struct forward_link *link,
		   bool native);

#endif
