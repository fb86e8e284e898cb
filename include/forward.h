/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * Forwarding in XDP (`forwarding: xdp`, docs/forwarding.md): what became of the packets that the
 * policy passed. All but the first go to the kernel, unchanged. A name is the member that bpftool
 * prints, the JSON key and the metric's label.
 */
#ifndef ROLEWALL_FORWARD_H
#define ROLEWALL_FORWARD_H

#include <linux/types.h>

#define FORWARD_RESULTS(X)                                                                         \
	X(forwarded, "sent on by the program itself")                                              \
	X(port, "in by an interface that is no Ethernet, or a port of a bridge or bond")           \
	X(marks, "a routing rule goes by marks, which only the kernel's packets have")             \
	X(ipsec, "there are IPsec policies, which only the kernel applies")                        \
	X(nat, "there are chains of NAT, which only the kernel applies")                           \
	X(vlans, "in by an interface that takes VLAN tags off before XDP sees them")               \
	X(buffers, "a frame in several buffers")                                                   \
	X(group, "to a broadcast or multicast MAC address")                                        \
	X(other_station, "not for this gateway's MAC address")                                     \
	X(tagged, "with a VLAN tag")                                                               \
	X(not_ip, "neither IPv4 nor IPv6, or cut short")                                           \
	X(padded, "with bytes behind the packet")                                                  \
	X(options, "IPv4 options, or an IPv6 hop-by-hop header")                                   \
	X(checksum, "a wrong IPv4 header checksum")                                                \
	X(address, "multicast, broadcast, link-local or another address that is not routed")       \
	X(ttl, "TTL or hop limit at its end")                                                      \
	X(local, "for this machine, or without a route that sends it on")                          \
	X(refused, "a blackhole, unreachable or prohibit route")                                   \
	X(disabled, "forwarding is off on the interface, or of IPv6 as a whole")                   \
	X(tunnel, "a route that encapsulates")                                                     \
	X(no_neighbour, "the neighbour's MAC address is not known yet")                            \
	X(mtu, "larger than the MTU on its way, or than the smallest of a route")                  \
	X(same_interface, "out by the interface it came in by")                                    \
	X(device, "out by an interface that is not the site's, or cannot send for XDP")            \
	X(refresh, "one every 4 seconds, by which the kernel keeps the neighbour up to date")      \
	X(failed, "the route could not be looked up")

enum forward_result {
#define X(name, text) FORWARD_##name,
	FORWARD_RESULTS(X)
#undef X
		N_FORWARD_RESULTS,
};

struct forward_counters {
#define X(name, text) __u64 name;
	FORWARD_RESULTS(X)
#undef X
};

#define FORWARD_PORTS 1024U /* interfaces that are attached to at a time */

/* An interface that packets may come in by, or go out by, by ifindex. */
struct forward_port {
	__u8 mac[6]; /* its own: only what is for it comes in, or goes out from it */
	__u16 left; /* enum forward_result, if the kernel has all of its packets; or 0 */
	__u16 left6; /* the same for IPv6 alone */
	__u16 mtu4, mtu6; /* larger packets are the kernel's; 0 = it does not matter */
};

#endif
