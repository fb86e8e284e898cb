# SPDX-License-Identifier: MIT
"""Reading a frame as the list of 79 odd packets says; numbers in comments are cases of that list.

parse(frame) returns a Packet, or raises Verdict where the frame alone decides.
"""

from dataclasses import dataclass
from types import SimpleNamespace

ICMP, TCP, UDP, DCCP, SCTP, ICMPV6, UDPLITE = 1, 6, 17, 33, 132, 58, 136
HOP_BY_HOP, ROUTING, FRAGMENT, NO_NEXT, DESTINATION = 0, 43, 44, 59, 60
EXTENSIONS = (HOP_BY_HOP, ROUTING, FRAGMENT, DESTINATION)
VLAN_TYPES = (0x8100, 0x88A8, 0x9100)
SLOW, EAPOL, LLDP = 0x8809, 0x888E, 0x88CC

# what a transport header is at least: a later fragment must not begin inside it
HEADER = {TCP: 20, UDP: 8, ICMP: 8, ICMPV6: 8, SCTP: 12, DCCP: 12, UDPLITE: 8}


class Verdict(Exception):
    """A decision before the policy is asked; `reason` is its name in include/reason.h."""

    def __init__(self, reason):
        super().__init__(reason)
        self.reason = reason


@dataclass
class Packet:
    family: int = 0
    source: bytes = b""
    destination: bytes = b""
    gso: bool = False  # a super-packet at TC: lengths in its headers may be 0 (78)
    group_frame: bool = False
    options: bool = False
    routing: bool = False
    fragment_header: bool = False
    first_fragment: bool = False
    later_fragment: bool = False
    fragment_id: int = 0
    fragment_protocol: int = 0
    offset: int = 0  # a later fragment's
    headers: int = 0  # a first fragment's: bytes up to the end of the fixed transport header
    protocol: int = 0
    hop_limit: int = 0
    sport: int = 0
    dport: int = 0
    flags: int = 0
    icmp_type: int = -1
    icmp_code: int = 0
    mtu: int = -1
    no_checksum: bool = False
    quote: SimpleNamespace = None


def be(data, at, size=2):
    return int.from_bytes(data[at : at + size], "big")


def need(data, size, reason):
    if len(data) < size:
        raise Verdict(reason)


# --- the frame


def parse(frame, gso=False):
    need(frame, 14, "frame_cut")  # 1
    at = 12
    depth = 0
    while be(frame, at) in VLAN_TYPES:  # 4, 5, 6
        depth += 1
        if depth > 2:
            raise Verdict("vlan_depth")
        need(frame, at + 6, "vlan_cut")  # 8
        at += 4
    ethertype = be(frame, at)
    data = frame[at + 2 :]
    link_control(frame, ethertype, data)
    if ethertype < 0x600:
        raise Verdict("llc")  # 3
    if ethertype == 0x0806:
        arp(data)
    packet = Packet(group_frame=bool(frame[0] & 1), gso=gso)
    if ethertype == 0x0800:
        ipv4(packet, data)
    elif ethertype == 0x86DD:
        ipv6(packet, data)
    else:
        raise Verdict("ethertype")  # 9
    return packet


def packet_end(frame):
    """Where the IP packet says that it ends; beyond every frame if there is none."""
    at = 12
    while be(frame, at) in VLAN_TYPES:
        at += 4
    if be(frame, at) == 0x0800:
        return at + 2 + be(frame, at + 4)
    if be(frame, at) == 0x86DD:
        return at + 42 + be(frame, at + 6)
    return 1 << 32


def link_control(frame, ethertype, data):
    """11: what bridges and neighbours say to each other, to 01:80:c2:00:00:0x; EAPOL to anybody."""
    reserved = frame[:5] == b"\x01\x80\xc2\x00\x00" and frame[5] < 16
    spanning_tree = ethertype < 0x600 and data[:3] == b"\x42\x42\x03"
    if ethertype == EAPOL or reserved and (ethertype in (LLDP, SLOW) or spanning_tree):
        raise Verdict("link_control")


def arp(data):
    """10: Ethernet and IPv4, whole, a request or a reply."""
    if len(data) < 28 or data[:6] != b"\x00\x01\x08\x00\x06\x04" or be(data, 6) not in (1, 2):
        raise Verdict("arp_malformed")
    raise Verdict("arp")


# --- IPv4


def ipv4(packet, data):
    need(data, 20, "ip_cut")
    if data[0] >> 4 != 4:
        raise Verdict("ip_version")  # 13
    header = (data[0] & 15) * 4
    total = be(data, 2)
    if total == 0 and packet.gso:
        total = len(data)  # 78
    if header < 20 or 20 <= total < header:
        raise Verdict("ip_header_length")  # 14, 15
    if total < header or total > len(data):
        raise Verdict("ip_length")  # 16
    packet.family = 4
    packet.source, packet.destination = bytes(data[12:16]), bytes(data[16:20])
    packet.options = header > 20  # 19, 20
    packet.hop_limit = data[8]
    packet.protocol = packet.fragment_protocol = data[9]
    if packet.protocol in (0, 255):
        raise Verdict("ip_protocol")  # 36
    packet.fragment_id = be(data, 4)
    word = be(data, 6)  # 29: neither DF nor the reserved bit matters
    offset, more = (word & 0x1FFF) * 8, bool(word & 0x2000)
    payload = data[header:total]
    fragment(packet, offset, more, len(payload), header)
    transport(packet, payload)


def fragment(packet, offset, more, length, header):
    """HEADER is what the whole packet will have in front of its fragmented part."""
    if not offset and not more:
        return
    if not length or more and length % 8:
        raise Verdict("fragment_length")  # 28
    if header + offset + length > 65535:
        raise Verdict("fragment_length")  # 27
    packet.offset = offset
    if not offset:
        packet.first_fragment = True
        return
    packet.later_fragment = True
    if offset < HEADER.get(packet.protocol, 8):
        raise Verdict("fragment_offset")  # 22


# --- IPv6


def ipv6(packet, data):
    need(data, 40, "ip_cut")
    if data[0] >> 4 != 6:
        raise Verdict("ip_version")
    length = be(data, 4)
    if length == 0:
        if not packet.gso:
            raise Verdict("ip6_jumbogram")  # 49
        length = len(data) - 40  # 78
    if 40 + length > len(data):
        raise Verdict("ip_length")
    packet.family = 6
    packet.source, packet.destination = bytes(data[8:24]), bytes(data[24:40])
    packet.hop_limit = data[7]
    packet.protocol = packet.fragment_protocol = data[6]
    transport(packet, extensions(packet, data[6], data[40 : 40 + length]))


LIMIT = 8  # 37: extension headers
LIMIT_BYTES = 256


def extensions(packet, kind, data):
    """Follows the chain; returns what is behind it."""
    seen = []
    size = 0
    while kind in EXTENSIONS:
        if len(seen) == LIMIT:
            raise Verdict("ip6_extension_limit")  # 37
        check_order(packet, kind, seen)
        seen.append(kind)
        if kind == FRAGMENT:
            kind, data = fragment_header(packet, data, size)
            size += 8
            if packet.later_fragment:
                return data
            continue
        cut = "fragment_tiny" if packet.first_fragment else "ip6_extension_cut"
        need(data, 8, cut)  # 39, 40
        length = (data[1] + 1) * 8
        need(data, length, cut)
        size += length
        if size > LIMIT_BYTES:
            raise Verdict("ip6_extension_limit")
        packet.routing |= kind == ROUTING  # 46
        packet.headers += length if packet.first_fragment else 0
        kind, data = data[0], data[length:]
    packet.protocol = kind
    if kind == NO_NEXT:
        raise Verdict("ip6_no_next_header")  # 48
    return data


def check_order(packet, kind, seen):
    if kind == HOP_BY_HOP and seen:
        raise Verdict("ip6_extension_order")  # 38
    if kind == FRAGMENT and packet.fragment_header:
        raise Verdict("fragment_nested")  # 42
    if kind == ROUTING and kind in seen:
        raise Verdict("ip6_extension_order")
    if kind == DESTINATION and seen.count(kind) >= 2:
        raise Verdict("ip6_extension_order")


def fragment_header(packet, data, before):
    need(data, 8, "ip6_extension_cut")  # 43: always 8 bytes, whatever byte 1 says
    word = be(data, 2)
    packet.fragment_header = True
    packet.fragment_id = be(data, 4, 4)
    packet.protocol = packet.fragment_protocol = data[0]
    fragment(packet, word & 0xFFF8, bool(word & 1), len(data) - 8, before)  # 41: atomic = whole
    return data[0], data[8:]


# --- transport


def transport(packet, data):
    if packet.later_fragment:
        return  # 23: its bytes are not a header
    packet.headers += HEADER.get(packet.protocol, 8)
    cut = "fragment_tiny" if packet.first_fragment else "l4_cut"  # 21, 54
    if packet.protocol == TCP:
        tcp(packet, data, cut)
    elif packet.protocol == UDP:
        udp(packet, data, cut)
    elif packet.protocol == (ICMP if packet.family == 4 else ICMPV6):
        icmp(packet, data, cut)


def tcp(packet, data, cut):
    need(data, 20, cut)
    packet.sport, packet.dport = be(data, 0), be(data, 2)
    header = (data[12] >> 4) * 4
    if header < 20:
        raise Verdict("tcp_header_length")  # 55
    if header > len(data):
        raise Verdict("fragment_tiny" if packet.first_fragment else "tcp_header_length")
    packet.flags = data[13]


def udp(packet, data, cut):
    need(data, 8, cut)
    packet.sport, packet.dport = be(data, 0), be(data, 2)
    length = be(data, 4)
    whole = not packet.first_fragment and not packet.gso
    if length < 8 and not (packet.gso and not length) or length > len(data) and whole:
        raise Verdict("udp_length")  # 60
    packet.no_checksum = packet.family == 6 and be(data, 6) == 0  # 61


def icmp(packet, data, cut):
    need(data, 8, cut)
    packet.icmp_type, packet.icmp_code = data[0], data[1]
    if packet.icmp_type in ECHO[packet.family]:
        packet.sport = packet.dport = be(data, 4)
    if packet.icmp_type in ERRORS[packet.family]:
        if packet.family == 4 and packet.icmp_type == 3 and packet.icmp_code == 4:
            packet.mtu = be(data, 6)
        if packet.family == 6 and packet.icmp_type == 2:
            packet.mtu = be(data, 4, 4)
        packet.quote = read_quote(packet.family, data[8:])
    if packet.family == 6:
        neighbour_discovery(packet, data)
        listener(packet)


ECHO = {4: (8, 0), 6: (128, 129)}  # request, reply
ERRORS = {4: (3, 11, 12), 6: (1, 2, 3, 4)}
ND_SIZE = {133: 8, 134: 16, 135: 24, 136: 24}


def neighbour_discovery(packet, data):
    """51: on the link if valid: hop limit 255, code 0, whole, not fragmented."""
    if packet.icmp_type not in ND_SIZE:
        return
    if (
        packet.hop_limit != 255
        or packet.icmp_code
        or packet.fragment_header
        or len(data) < ND_SIZE[packet.icmp_type]
    ):
        raise Verdict("nd_invalid")
    raise Verdict("neighbour_discovery")


def listener(packet):
    """53: reports and queries on the link."""
    on_link = packet.source == bytes(16) or is_link_local(packet.source)
    if packet.icmp_type in (130, 131, 132, 143) and packet.hop_limit == 1 and on_link:
        raise Verdict("multicast_listener")


def is_link_local(address):
    return len(address) == 16 and address[0] == 0xFE and address[1] & 0xC0 == 0x80


# --- the packet that an ICMP error quotes


def read_quote(family, data):
    """Addresses, protocol and ports of the quoted packet; None if they are not all there."""
    if family == 4:
        if len(data) < 20 or data[0] >> 4 != 4 or data[0] & 15 < 5:
            return None
        header = (data[0] & 15) * 4
        if be(data, 6) & 0x1FFF:
            return None
        source, destination, protocol = data[12:16], data[16:20], data[9]
    else:
        if len(data) < 40 or data[0] >> 4 != 6:
            return None
        header = 40
        source, destination, protocol = data[8:24], data[24:40], data[6]
        if protocol == FRAGMENT and len(data) >= 48:  # of a packet that the host fragmented
            if be(data, 42) & 0xFFF8:
                return None
            header, protocol = 48, data[40]
    l4 = data[header:]
    if len(l4) < 8:
        return None
    quote = SimpleNamespace(
        source=bytes(source), destination=bytes(destination), protocol=protocol
    )
    if protocol in (TCP, UDP):
        quote.sport, quote.dport = be(l4, 0), be(l4, 2)
    elif protocol == (ICMP if family == 4 else ICMPV6) and l4[0] == ECHO[family][0]:
        quote.sport = quote.dport = be(l4, 4)
    else:
        return None
    return quote
