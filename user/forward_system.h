/* SPDX-License-Identifier: MIT */
/*
 * What has the kernel forward all packets, or some of them, whichever interface they come in by.
 * Read-only netlink. What cannot be told counts as there.
 */
#ifndef ROLEWALL_FORWARD_SYSTEM_H
#define ROLEWALL_FORWARD_SYSTEM_H

#include <linux/types.h>
#include <stdbool.h>

/* Of nf_tables, but for this program's own, where forwarded packets would come by. */
struct forward_chains {
	unsigned int count; /* but for those of NAT */
	char name[80]; /* one of these, as "TABLE CHAIN" */
	bool nat; /* there are chains of NAT, or iptables-legacy has that table */
};

struct forward_system {
	bool marks; /* a routing rule goes by marks */
	bool ipsec; /* a policy for packets that are forwarded */
	struct forward_chains chains;
	bool off6; /* forwarding of IPv6 is off as a whole, whatever an interface says */
};

void forward_system_read(struct forward_system *system);
/* forward_past.c */
void forward_chains_read(struct forward_chains *chains);
/* The smallest MTUs of routes, in any table, that bpf_fib_lookup does not keep to; 0 = none. */
struct forward_mtus {
	__u16 of4, of6;
};

/* forward_routes.c. 0 or -errno. A full table of the Internet takes a second or so. */
int forward_mtus_read(struct forward_mtus *mtus);

#endif
