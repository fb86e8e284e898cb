# SPDX-License-Identifier: MIT
"""What random traffic is made of: who talks to whom, and packets that are right unless asked."""

import ipaddress
from dataclasses import dataclass

import packets as p
from sites import EDGE_PORTS

TCP, UDP = 6, 17
BAD4 = ("0.0.0.0", "0.1.2.3", "127.0.0.1", "224.0.0.1", "239.1.1.1", "240.0.0.1",
        "255.255.255.255", "169.254.1.1")  # fmt: skip
FAR4 = ("1.2.3.4", "1.2.3.5", "198.51.100.7", "203.0.113.1", "10.0.0.1")
BAD6 = ("::", "::1", "::10.1.2.3", "::ffff:10.1.2.3", "fe80::1", "febf::1", "fec0::1", "ff02::1",
        "ff02::16")  # fmt: skip
FAR6 = ("2001:db8:9::1", "2001:db8:9::2", "2620:fe::fe", "64:ff9b::1", "fe00::1", "1::")
GROUPS = (b"\xff" * 6, b"\x01\0\x5e\0\0\x01", b"\x33\x33\0\0\0\x01")
TAGS = (1,) * 8 + (2,) * 7 + (3,)


@dataclass
class Talk:
    """A conversation that an end began."""

    source: bytes
    destination: bytes
    protocol: int
    sport: int
    dport: int

    def back(self):
        return Talk(self.destination, self.source, self.protocol, self.dport, self.sport)


def packed(text):
    return ipaddress.ip_address(text).packed


def far_words(site):
    """Everything that the site says of who may be at the far end."""
    for row in site["extra"]:
        yield from row.get("from", ())
        yield from row.get("to", ())
    yield from site.get("failsafe", {}).get("from", ())
    for entry in site.get("ipsec", ()):
        yield from entry["between"]


class Talks:
    """Chooses; remembers who talked."""

    def __init__(self, rng, site, policy, before=None):
        """BEFORE: those who talk already."""
        self.rng = rng
        self.policy = policy
        self.odd = {4: [packed(a) for a in BAD4], 6: [packed(a) for a in BAD6]}
        self.far = {4: [packed(a) for a in FAR4], 6: [packed(a) for a in FAR6]}
        self.near = {4: [], 6: []}  # in and around the site's prefixes
        self.hosts = {4: [], 6: []}
        for pool in site["pools"]:
            for text in pool["addresses"]:
                self.add_prefix(ipaddress.ip_network(text))
        for word in far_words(site):
            if any(mark in word for mark in ".:/"):
                self.add_prefix(ipaddress.ip_network(word))
        self.ports = sorted(self.edge_ports())
        self.talks = before.talks if before else []  # what guarded hosts began
        self.inbound = before.inbound if before else []  # what came to open ports
        self.pending = []  # (frame, seconds before it): on their way
        self.id = 0

    def add_prefix(self, prefix):
        bits = prefix.max_prefixlen
        size = bits // 8
        first, last = int(prefix.network_address), int(prefix.broadcast_address)
        inside = {first, last, first + self.rng.getrandbits(bits - prefix.prefixlen)}
        for number in inside | {first - 1, last + 1}:
            if 0 <= number < 1 << bits:
                address = number.to_bytes(size, "big")
                self.near[prefix.version].append(address)
                if self.policy.guarded(address):
                    self.hosts[prefix.version].append(address)

    def edge_ports(self):
        ports = set(EDGE_PORTS)
        for pool in self.policy.pools.values():
            for _, first, last, _ in pool.inbound + pool.outbound:
                ports |= {first - 1, first, last, last + 1}
        for _, first, last in self.policy.failsafe_ports:
            ports |= {first - 1, first, last, last + 1}
        return {port for port in ports if 0 < port < 65536}

    # --- choices

    def port(self):
        if self.rng.random() < 0.02:
            return 0
        if self.rng.random() < 0.8:
            return self.rng.choice(self.ports)
        return self.rng.randint(1, 65535)

    def open_port(self, host):
        """One that some row opens on this host, mostly; at the end of its range."""
        pool = self.policy.lookup(host)
        if not pool or not pool.inbound or self.chance(0.3):
            return self.port()
        _, first, last, _ = self.rng.choice(pool.inbound)
        return self.rng.choice((first, last)) or 1

    def edge(self, first, last):
        """A port at an end of a range, or right beside it."""
        port = self.rng.choice((first, last, first, last, first - 1, last + 1, (first + last) // 2))
        return min(max(port, 1), 65535)

    def fitting(self, conditions, family):
        """An address that the conditions admit, if one is found quickly."""
        address = self.anybody(family)
        for _ in range(8):
            if self.policy.admits(conditions, address):
                break
            address = self.rng.choice(self.near[family] or self.far[family])
        return address

    def host(self, family):
        return self.rng.choice(self.hosts[family] or self.near[family] or self.far[family])

    def anybody(self, family):
        kind = self.rng.random()
        if kind < 0.05:
            return self.rng.choice(self.odd[family])
        if kind < 0.5:
            return self.rng.choice(self.far[family])
        return self.rng.choice(self.near[family] or self.far[family])

    def family(self):
        if not self.hosts[4] or not self.hosts[6]:
            return 4 if self.hosts[4] else 6
        return self.rng.choice((4, 6))

    def chance(self, probability):
        return self.rng.random() < probability

    def flags(self):
        if self.chance(0.8):
            return self.rng.choice((2, 2, 2, 16, 16, 18, 17, 4, 20, 24, 194))
        return self.rng.choice((0, 1, 3, 6, 41, 255, 5, self.rng.getrandbits(8)))

    # --- layers

    def transport(self, talk, flags=2, data=b""):
        if talk.protocol == TCP:
            return p.tcp(talk.sport, talk.dport, flags, data)
        if talk.protocol == UDP:
            checksum = 0 if self.chance(0.05) else 0x1234
            return p.udp(talk.sport, talk.dport, data, checksum=checksum)
        if talk.protocol not in (1, 58):
            return bytes(8) + data
        kinds = (8, 0) if len(talk.source) == 4 else (128, 129)
        return p.echo(kinds[bool(flags & 16)], talk.sport, data)

    def ip(self, source, destination, protocol, payload, **fields):
        if len(source) == 4:
            return p.ipv4(source, destination, protocol, payload, **fields)
        return p.ipv6(source, destination, protocol, payload, **fields)

    def frame(self, packet, **fields):
        """The IP packet in Ethernet, sometimes tagged, padded or in a frame to a group."""
        rng = self.rng
        ethertype = 0x0800 if packet[0] >> 4 == 4 else 0x86DD
        tags = [
            (rng.choice(p.VLAN_TYPES), rng.choice((0, 5, 0xE064)))
            for _ in range(rng.choice(TAGS) if self.chance(0.3) else 0)
        ]
        if self.chance(0.03):
            fields["destination"] = rng.choice(GROUPS)
        if self.chance(0.1):
            packet += bytes(rng.choice((1, 6, 46, 600)))
        return p.ethernet(packet, ethertype, tags, **fields)

    def talk_frame(self, talk, flags=2, **fields):
        if talk.source == talk.destination and self.chance(0.9):
            talk.source = self.rng.choice(self.far[4 if len(talk.source) == 4 else 6])
        data = bytes(self.rng.choice((0, 0, 1, 7, 8, 32, 512, 1400)))
        packet = self.transport(talk, flags, data)
        return self.frame(self.ip(talk.source, talk.destination, talk.protocol, packet, **fields))
