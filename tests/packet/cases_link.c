/* SPDX-License-Identifier: MIT */
/* Cases 2-13: Ethernet, tags, and frames that are not IP. */
#include <netinet/in.h>

#include "cases.h"
#include "parties.h"

static const unsigned char broadcast[6] = {255, 255, 255, 255, 255, 255};
static const unsigned char group4[6] = {0x01, 0, 0x5e, 0, 0, 1};
static const unsigned char group6[6] = {0x33, 0x33, 0, 0, 0, 1};
static const unsigned char bridge[6] = {0x01, 0x80, 0xc2, 0, 0, 0};
static const unsigned char slow[6] = {0x01, 0x80, 0xc2, 0, 0, 2};
static const unsigned char pae[6] = {0x01, 0x80, 0xc2, 0, 0, 3};
static const unsigned char lldp[6] = {0x01, 0x80, 0xc2, 0, 0, 0x0e};
static const unsigned char last_reserved[6] = {0x01, 0x80, 0xc2, 0, 0, 0x0f};
static const unsigned char beyond_reserved[6] = {0x01, 0x80, 0xc2, 0, 0, 0x10};

static const struct party all_hosts = {"224.0.0.1", "ff02::1", false};

#define ETHERTYPE(type)                                                                            \
	{                                                                                          \
		SPOT_IP, -2, 2, type                                                               \
	}
#define ARP(operation)                                                                             \
	ETHERTYPE(0x0806), {SPOT_IP, 0, 4, 0x00010800},                                            \
	{                                                                                          \
		SPOT_IP, 4, 4, 0x06040000 | (operation)                                            \
	}
#define LLC(bytes)                                                                                 \
	{                                                                                          \
		SPOT_IP, 0, 4, bytes                                                               \
	}
#define BOTH(reason) .ip4 = REASON_##reason, .ip6 = REASON_##reason
#define ONCE(reason) .ip4 = REASON_##reason, .ip6 = NO_PACKET

/* Behind the IPv4 base there are 40 bytes: what the type says of them is up to the row. */
#define TYPE(text, type)                                                                           \
	{                                                                                          \
		.name = text, .edits = {ETHERTYPE(type)}, ONCE(ethertype)                          \
	}

static const struct packet_case cases[] = {
	{.name = "0 SYN to an open port", BOTH(matrix)},

	{.name = "2 six bytes of padding", .recipe = {.padding = 6}, BOTH(matrix)},
	{.name = "2 1000 bytes of padding", .recipe = {.padding = 1000}, BOTH(matrix)},
	{.name = "2 padding behind a UDP packet",
	 .recipe = {.protocol = IPPROTO_UDP, .destination_port = PORT_OPEN_UDP, .padding = 18},
	 BOTH(matrix)},
	{.name = "2 padding behind a shut port",
	 .recipe = {.destination_port = PORT_SHUT, .padding = 6},
	 BOTH(port_not_in_matrix)},

	{.name = "3 SNAP with IPv4",
	 .edits = {ETHERTYPE(46), LLC(0xaaaa0300), {SPOT_IP, 4, 4, 0x00000800}},
	 ONCE(llc)},
	{.name = "3 LLC with IP", .edits = {ETHERTYPE(46), LLC(0x06060345)}, ONCE(llc)},
	{.name = "3 length 0", .edits = {ETHERTYPE(0)}, BOTH(llc)},
	{.name = "3 length 1500", .edits = {ETHERTYPE(1500)}, BOTH(llc)},
	{.name = "3 length 1535", .edits = {ETHERTYPE(0x5ff)}, BOTH(llc)},
	{.name = "3 spanning tree to a host", .edits = {ETHERTYPE(38), LLC(0x42420300)}, ONCE(llc)},

	{.name = "4 a priority tag", .tags = 1, .tag_vid_zero = true, BOTH(matrix)},
	{.name = "4 two priority tags", .tags = 2, .tag_vid_zero = true, BOTH(matrix)},
	{.name = "4 a priority tag before a shut port",
	 .recipe = {.destination_port = PORT_SHUT},
	 .tags = 1,
	 .tag_vid_zero = true,
	 BOTH(port_not_in_matrix)},
	{.name = "5 a tag before a shut port",
	 .recipe = {.destination_port = PORT_SHUT},
	 .tags = 1,
	 BOTH(port_not_in_matrix)},
	{.name = "6 two tags more", .tags = 2, BOTH(matrix)},
	{.name = "6 three tags", .tags = 3, BOTH(vlan_depth)},
	{.name = "6 four tags", .tags = 4, BOTH(vlan_depth)},
	{.name = "6 three tags, the last one cut",
	 .tags = 3,
	 .cut_spot = SPOT_IP,
	 .cut_offset = -1,
	 BOTH(vlan_depth)},

	{.name = "8 a tag without its last byte",
	 .tags = 1,
	 .cut_spot = SPOT_IP,
	 .cut_offset = -1,
	 BOTH(vlan_cut)},
	{.name = "8 a tag without its type",
	 .tags = 1,
	 .cut_spot = SPOT_IP,
	 .cut_offset = -2,
	 BOTH(vlan_cut)},
	{.name = "8 a tag of one byte",
	 .tags = 1,
	 .cut_spot = SPOT_IP,
	 .cut_offset = -3,
	 BOTH(vlan_cut)},
	{.name = "8 a tag type and nothing else",
	 .tags = 1,
	 .cut_spot = SPOT_IP,
	 .cut_offset = -4,
	 BOTH(vlan_cut)},

	TYPE("9 MPLS", 0x8847),
	TYPE("9 MPLS multicast", 0x8848),
	TYPE("9 PPPoE discovery", 0x8863),
	TYPE("9 PPPoE", 0x8864),
	TYPE("9 MACsec", 0x88e5),
	TYPE("9 NSH", 0x894f),
	TYPE("9 TRILL", 0x22f3),
	TYPE("9 RARP", 0x8035),
	TYPE("9 IPX", 0x8137),
	TYPE("9 provider backbone", 0x88e7),
	TYPE("9 ERSPAN", 0x88be),
	TYPE("9 Q-in-Q of a third kind", 0x9200),
	TYPE("9 the first EtherType", 0x0600),
	TYPE("9 the last EtherType", 0xffff),
	{.name = "9 a cut MPLS frame",
	 .edits = {ETHERTYPE(0x8847)},
	 .cut_spot = SPOT_IP,
	 ONCE(ethertype)},

	{.name = "10 ARP request", .edits = {ARP(1)}, ONCE(arp)},
	{.name = "10 ARP reply", .edits = {ARP(2)}, ONCE(arp)},
	{.name = "10 ARP to all", .recipe = {.mac = broadcast}, .edits = {ARP(1)}, ONCE(arp)},
	{.name = "10 ARP of exactly 28 bytes",
	 .edits = {ARP(1)},
	 .cut_spot = SPOT_IP,
	 .cut_offset = 28,
	 ONCE(arp)},
	{.name = "10 ARP of 27 bytes",
	 .edits = {ARP(1)},
	 .cut_spot = SPOT_IP,
	 .cut_offset = 27,
	 ONCE(arp_malformed)},
	{.name = "10 ARP of no byte", .edits = {ARP(1)}, .cut_spot = SPOT_IP, ONCE(arp_malformed)},
	{.name = "10 ARP of other hardware",
	 .edits = {ARP(1), {SPOT_IP, 1, 1, 6}},
	 ONCE(arp_malformed)},
	{.name = "10 ARP for another protocol",
	 .edits = {ARP(1), {SPOT_IP, 2, 2, 0x86dd}},
	 ONCE(arp_malformed)},
	{.name = "10 ARP with long hardware addresses",
	 .edits = {ARP(1), {SPOT_IP, 4, 1, 8}},
	 ONCE(arp_malformed)},
	{.name = "10 ARP with long protocol addresses",
	 .edits = {ARP(1), {SPOT_IP, 5, 1, 16}},
	 ONCE(arp_malformed)},
	{.name = "10 ARP operation 0", .edits = {ARP(0)}, ONCE(arp_malformed)},
	{.name = "10 reverse ARP as ARP", .edits = {ARP(3)}, ONCE(arp_malformed)},

	{.name = "11 LLDP",
	 .recipe = {.mac = lldp},
	 .edits = {ETHERTYPE(0x88cc)},
	 ONCE(link_control)},
	{.name = "11 LLDP to a host", .edits = {ETHERTYPE(0x88cc)}, ONCE(ethertype)},
	{.name = "11 LLDP beyond the reserved groups",
	 .recipe = {.mac = beyond_reserved},
	 .edits = {ETHERTYPE(0x88cc)},
	 ONCE(ethertype)},
	{.name = "11 LACP",
	 .recipe = {.mac = slow},
	 .edits = {ETHERTYPE(0x8809)},
	 ONCE(link_control)},
	{.name = "11 LACP to a host", .edits = {ETHERTYPE(0x8809)}, ONCE(ethertype)},
	{.name = "11 EAPOL",
	 .recipe = {.mac = pae},
	 .edits = {ETHERTYPE(0x888e)},
	 ONCE(link_control)},
	{.name = "11 EAPOL to a host", .edits = {ETHERTYPE(0x888e)}, ONCE(link_control)},
	{.name = "11 spanning tree",
	 .recipe = {.mac = bridge},
	 .edits = {ETHERTYPE(38), LLC(0x42420300)},
	 ONCE(link_control)},
	{.name = "11 spanning tree, cut",
	 .recipe = {.mac = bridge},
	 .edits = {ETHERTYPE(38), LLC(0x42420300)},
	 .cut_spot = SPOT_IP,
	 .cut_offset = 2,
	 ONCE(llc)},
	{.name = "11 SNAP to a bridge",
	 .recipe = {.mac = bridge},
	 .edits = {ETHERTYPE(46), LLC(0xaaaa0300)},
	 ONCE(llc)},
	{.name = "11 IP to a reserved group", .recipe = {.mac = last_reserved}, BOTH(mac_group)},

	{.name = "12 IP unicast to all", .recipe = {.mac = broadcast}, BOTH(mac_group)},
	{.name = "12 IP unicast to an IPv4 group", .recipe = {.mac = group4}, BOTH(mac_group)},
	{.name = "12 IP unicast to an IPv6 group", .recipe = {.mac = group6}, BOTH(mac_group)},
	{.name = "12 IP unicast to all, transit",
	 .recipe = {.mac = broadcast, .destination = &STRANGER},
	 BOTH(transit)},
	{.name = "12 a group's packet from a guarded host",
	 .recipe = {.mac = group4, .source = &FRONT_END, .destination = &all_hosts, .flags = 0x10},
	 BOTH(outbound)},

	{.name = "13 version 6 in IPv4",
	 .edits = {{SPOT_IP, 0, 1, 0x65}},
	 .ip4 = REASON_ip_version,
	 .ip6 = NO_PACKET},
	{.name = "13 version 4 in IPv6",
	 .edits = {{SPOT_IP, 0, 1, 0x45}},
	 .ip4 = NO_PACKET,
	 .ip6 = REASON_ip_version},
	{.name = "13 version 0", .edits = {{SPOT_IP, 0, 1, 0x05}}, BOTH(ip_version)},
	{.name = "13 version 15", .edits = {{SPOT_IP, 0, 1, 0xf5}}, BOTH(ip_version)},
	{.name = "13 an IPv6 packet as IPv4",
	 .edits = {ETHERTYPE(0x0800)},
	 .ip4 = NO_PACKET,
	 .ip6 = REASON_ip_version},
	{.name = "13 an IPv4 packet as IPv6",
	 .edits = {ETHERTYPE(0x86dd)},
	 .ip4 = REASON_ip_version,
	 .ip6 = NO_PACKET},
};

const struct case_table cases_link = {cases, sizeof(cases) / sizeof(*cases)};
