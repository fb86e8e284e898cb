/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * Why a packet was dropped or passed: every packet gets exactly one of these, counted once.
 * A name is at the same time the enum constant, the member that bpftool prints, the JSON key and
 * the word in every message; add a reason here and nowhere else. docs/packets.md has the rules.
 */
#ifndef ROLEWALL_REASON_H
#define ROLEWALL_REASON_H

#include <linux/types.h>

#define DROP_REASONS(X)                                                                            \
	X(undecided, "no step decided on the packet: a bug in rolewall")                           \
	X(image_fault, "no readable policy image")                                                 \
	X(frame_cut, "the frame ends inside its Ethernet header")                                  \
	X(vlan_cut, "the frame ends inside a VLAN tag")                                            \
	X(vlan_depth, "more than two VLAN tags")                                                   \
	X(llc, "802.3 length field or LLC/SNAP instead of an EtherType")                           \
	X(ethertype, "an EtherType that is not on the list")                                       \
	X(arp_malformed, "ARP that is cut or not Ethernet/IPv4")                                   \
	X(mac_group, "IP unicast in a broadcast or multicast frame")                               \
	X(ip_version, "the version differs from the EtherType")                                    \
	X(ip_cut, "the frame ends inside the IP header")                                           \
	X(ip_header_length, "IPv4 header length below 20 or beyond the packet")                    \
	X(ip_length, "the IP length is shorter than its header or longer than the frame")          \
	X(ip_options, "IPv4 options")                                                              \
	X(ip_protocol, "a protocol number that no packet may have")                                \
	X(ip_source, "a source address that no packet may come from")                              \
	X(ip_destination, "a destination address that may not be forwarded")                       \
	X(land, "source and destination are the same")                                             \
	X(ip6_extension_cut, "an IPv6 extension header runs past the packet")                      \
	X(ip6_extension_limit, "more or longer IPv6 extension headers than are followed")          \
	X(ip6_extension_order, "an IPv6 extension header repeated or in the wrong place")          \
	X(ip6_routing, "an IPv6 routing header")                                                   \
	X(ip6_no_next_header, "IPv6 next header 59")                                               \
	X(ip6_jumbogram, "IPv6 payload length 0")                                                  \
	X(fragment_tiny, "a first fragment without its whole header chain")                        \
	X(fragment_offset, "a fragment that would overwrite the transport header")                 \
	X(fragment_length, "a fragment of impossible length or end")                               \
	X(fragment_nested, "more than one IPv6 fragment header")                                   \
	X(fragment_unmatched, "a later fragment whose first fragment did not pass")                \
	X(fragment_conflict, "two first fragments with one id and different ports")                \
	X(fragment_table_full, "no room to remember another fragmented packet")                    \
	X(l4_cut, "the packet ends inside its transport header")                                   \
	X(tcp_header_length, "TCP data offset below 20 or past the segment")                       \
	X(tcp_flags, "a combination of TCP flags that no connection has")                          \
	X(udp_length, "a UDP length below 8 or beyond the packet")                                 \
	X(port_zero, "port 0")                                                                     \
	X(nd_invalid, "neighbour discovery that is malformed, forwarded or fragmented")            \
	X(spoofed, "a guarded source address on an outside interface")                             \
	X(unlisted, "neither address is guarded and the site says `unlisted: drop`")               \
	X(protocol_not_in_matrix, "a protocol other than TCP, UDP and ICMP")                       \
	X(port_not_in_matrix, "no row of the destination's roles opens the port")                  \
	X(source_not_allowed, "a row opens the port, but not to this source")                      \
	X(icmp_echo, "an echo request to a guarded host")                                          \
	X(icmp_type, "an ICMP message that guarded hosts do not get")                              \
	X(icmp_mtu, "an ICMP error that announces an impossible MTU")                              \
	X(icmp_unrelated, "an ICMP error or echo reply about no live traffic")                     \
	X(outbound_not_in_matrix, "a guarded host starts what no outbound row has")                \
	X(ipsec_exempt, "ESP, AH or IKE of a role that is exempt from IPsec")

#define PASS_REASONS(X)                                                                            \
	X(matrix, "a row opens the port")                                                          \
	X(flow, "reply to a connection that a guarded host started")                               \
	X(outbound, "from a guarded host: may start it, or answers")                               \
	X(transit, "neither address is guarded")                                                   \
	X(arp, "ARP")                                                                              \
	X(neighbour_discovery, "IPv6 neighbour discovery on the link")                             \
	X(multicast_listener, "IPv6 multicast listener reports on the link")                       \
	X(link_control, "LLDP, LACP, EAPOL or spanning tree on the link")                          \
	X(icmp_error, "an ICMP error about live traffic")                                          \
	X(echo, "an echo request, `icmp_echo: allow`")                                             \
	X(fragment, "a later fragment of a packet that passed")                                    \
	X(asymmetric, "what may be a reply, `asymmetric: true`")                                   \
	X(failsafe, "one of the site's failsafe ports and sources")                                \
	X(ipsec, "ESP, AH or IKE of a pair that the site permits")

enum reason {
#define X(name, text) REASON_##name,
	DROP_REASONS(X)
#undef X
		N_DROP_REASONS,
	FIRST_PASS_REASON = N_DROP_REASONS,
	BEFORE_FIRST_PASS = FIRST_PASS_REASON - 1,
#define X(name, text) REASON_##name,
	PASS_REASONS(X)
#undef X
		N_REASONS,
};

#define N_PASS_REASONS (N_REASONS - FIRST_PASS_REASON)

_Static_assert(REASON_undecided == 0, "an unset reason drops");

#endif
