# SPDX-License-Identifier: MIT
"""Random traffic over a site, most of it near an edge of the rule: see Traffic.packets()."""

import itertools
from dataclasses import dataclass

import packets as p
from aims import Aims
from talks import TCP, UDP, Talk, packed

RESERVED = b"\x01\x80\xc2\0\0"
PROTOCOLS = (0, 1, 2, 4, 6, 17, 33, 41, 43, 44, 47, 50, 51, 58, 59, 60, 89, 103, 112, 115, 132,
             135, 136, 139, 140, 253, 255)  # fmt: skip
SEEN_DEVICES = (0, 0, 0, 1, 2, 2, 2)  # outside less often: there most of it is spoofed


@dataclass
class Shot:
    """A frame and how it comes in; `wait` seconds pass before it."""

    frame: bytes
    device: int = 0
    tc: bool = False
    linear: int = 0
    gso: int = 0
    wait: int = 0
    stage: int = 0  # of the trial's sites, the one in force


class Traffic(Aims):
    # --- kinds of traffic: each gives a frame, or None

    def new_talk(self, source, destination):
        protocol = self.rng.choice((TCP, TCP, UDP))
        return Talk(source, destination, protocol, self.port(), self.open_port(destination))

    def inward(self):
        family = self.family()
        talk = self.new_talk(self.anybody(family), self.host(family))
        self.inbound.append(talk)
        return self.talk_frame(talk, self.flags())

    def outward(self):
        family = self.family()
        talk = self.new_talk(self.host(family), self.anybody(family))
        if self.chance(0.1):
            talk.sport = self.open_port(talk.source)
        if self.chance(0.2):
            id = self.port()
            talk = Talk(talk.source, talk.destination, 1 if family == 4 else 58, id, id)
        self.talks.append(talk)
        return self.talk_frame(talk, self.flags() if self.chance(0.2) else 2)

    def again(self):
        """More of a talk, from either end, sometimes with one thing changed."""
        if not self.talks:
            return None
        talk = self.rng.choice(self.talks[-60:])
        if self.chance(0.7):
            talk = talk.back()
        change = self.rng.random()
        if change < 0.05:
            talk = Talk(talk.source, talk.destination, talk.protocol, talk.sport + 1 & 65535, talk.dport)
        elif change < 0.1:
            talk = Talk(talk.source, talk.destination, talk.protocol, talk.sport, talk.dport + 1 & 65535)
        elif change < 0.15:
            talk = Talk(self.anybody(4 if len(talk.source) == 4 else 6), talk.destination,
                        talk.protocol, talk.sport, talk.dport)  # fmt: skip
        elif change < 0.2 and talk.protocol in (TCP, UDP):
            talk = Talk(talk.source, talk.destination, 23 - talk.protocol, talk.sport, talk.dport)
        return self.talk_frame(talk, self.flags() if self.chance(0.4) else 16)

    def quoted(self):
        """A packet that an error may quote: what a host sent, or nearly."""
        if self.talks and self.chance(0.5):
            talk = self.rng.choice(self.talks[-60:])
        elif self.inbound:
            talk = self.rng.choice(self.inbound[-60:]).back()
        else:
            return None
        if self.chance(0.1):
            talk = talk.back()
        packet = self.ip(talk.source, talk.destination, talk.protocol,
                         self.transport(talk, 16 * self.chance(0.2)))  # fmt: skip
        change = self.rng.random()
        if change < 0.1:
            packet = packet[: self.rng.randint(0, len(packet))]
        elif change < 0.2:
            packet = self.flip(packet)
        elif change < 0.25 and len(talk.source) == 4:
            packet = p.ipv4(talk.source, talk.destination, talk.protocol, self.transport(talk),
                            options=bytes(4), word=self.rng.choice((0, 0x4000, 0x2000, 1)))  # fmt: skip
        elif change < 0.3 and len(talk.source) == 16:
            header = p.fragment_header(7, self.rng.choice((0, 0, 1)), 1)
            packet = p.ipv6(talk.source, talk.destination, talk.protocol, self.transport(talk),
                            extensions=((44, header),))  # fmt: skip
        return talk, packet

    def error(self):
        found = self.quoted()
        if not found:
            return None
        talk, packet = found
        family = 4 if len(talk.source) == 4 else 6
        destination = talk.source if self.chance(0.9) else self.host(family)
        mtu = self.rng.choice((0, 67, 68, 576, 1279, 1280, 1500, 65535, 0x10000))
        if family == 4:
            kind, code = self.rng.choice(((3, 4), (3, 1), (3, 3), (11, 0), (12, 0), (5, 1), (4, 0)))
            payload = p.icmp(kind, code, mtu, packet)
            protocol = 1
        else:
            kind, code = self.rng.choice(((2, 0), (1, 4), (3, 0), (4, 1), (137, 0), (5, 0)))
            payload = p.icmp(kind, code, mtu, packet)
            protocol = 58
        return self.frame(self.ip(self.anybody(family), destination, protocol, payload))

    def ping(self):
        family = self.family()
        talk = Talk(self.anybody(family), self.host(family), 1 if family == 4 else 58, 0, 0)
        id = self.port()
        talk.sport = talk.dport = id
        return self.talk_frame(talk, 16 * self.chance(0.5))

    def icmp_any(self):
        family = self.family()
        ends = self.anybody(family), self.host(family)
        if self.chance(0.3):
            ends = ends[::-1]
        payload = p.icmp(self.rng.getrandbits(8), self.rng.choice((0, 0, 1)), 0, bytes(32))
        protocol = self.rng.choice((1, 58)) if self.chance(0.1) else (1 if family == 4 else 58)
        return self.frame(self.ip(*ends, protocol, payload))

    def on_link(self):
        """Neighbour discovery and listeners, right and almost right."""
        kind = self.rng.choice((130, 131, 132, 143, 133, 134, 135, 136, 137))
        hops = self.rng.choice((255, 255, 255, 1, 1, 64, 254))
        sources = [packed("fe80::1"), packed("::"), self.anybody(6)]
        destinations = [packed("ff02::1"), packed("fe80::2"), self.anybody(6)]
        payload = p.icmp(kind, self.chance(0.05), 0, bytes(self.rng.choice((0, 7, 8, 16, 24, 40))))
        extensions = ()
        if self.chance(0.3):
            extensions = ((0, b"\x05\x02\0\0\x01\0"),)
        elif self.chance(0.1):
            extensions = ((44, p.fragment_header(1, 0, 0)),)
        return self.frame(
            p.ipv6(
                self.rng.choice(sources), self.rng.choice(destinations), 58, payload,
                extensions=extensions, hops=hops,
            )
        )  # fmt: skip

    def other_protocol(self):
        family = self.family()
        ends = [self.anybody(family), self.host(family)]
        if self.chance(0.3):
            ends.reverse()
        protocol = self.rng.choice(PROTOCOLS) if self.chance(0.7) else self.rng.getrandbits(8)
        return self.frame(
            self.ip(*ends, protocol, p.udp(self.port(), self.port(), bytes(self.rng.choice((0, 24)))))
        )

    # --- fragments

    def cut_up(self):
        """A talk in fragments: they come in order, or not, some twice, some never."""
        family = self.family()
        talk = self.new_talk(self.anybody(family), self.host(family))
        if self.talks and self.chance(0.3):
            talk = self.rng.choice(self.talks[-30:]).back()
        elif self.chance(0.2):
            talk = Talk(talk.destination, talk.source, talk.protocol, talk.sport, talk.dport)
        self.cut_talk(talk)
        return None

    def cut_talk(self, talk):
        family = 4 if len(talk.source) == 4 else 6
        self.id = self.rng.choice((self.id, self.id + 1, self.rng.getrandbits(16)))
        payload = self.transport(talk, self.flags() if self.chance(0.3) else 16, bytes(64))
        if talk.protocol == UDP and self.chance(0.2):
            payload = p.udp(talk.sport, talk.dport, bytes(64), length=self.rng.choice((0, 7, 8, 9, 500)))
        first = self.rng.choice((8, 16, 24, 24, 32, 48))
        pieces = [(0, payload[:first], 1), (first // 8, payload[first:], 0)]
        if self.chance(0.3):
            pieces.append((first // 8, payload[first : first + 8], 1))
        if self.chance(0.2):
            offset = self.rng.choice((1, 2, 3, 8190, 8191))
            pieces.append((offset, bytes(self.rng.choice((0, 7, 8, 32))), self.rng.choice((0, 1))))
        if self.chance(0.2):
            other = self.new_talk(talk.source, talk.destination)
            other.protocol = talk.protocol
            pieces.append((0, self.transport(other, 16, bytes(64))[:24], 1))
            pieces += pieces[:2]
        if self.chance(0.3):
            self.rng.shuffle(pieces)
        front = self.rng.choice((0, 0, 0, 8, 16)) if family == 6 else 0
        for offset, piece, more in pieces:
            if self.chance(0.9):
                self.pending.append((self.fragment(talk, offset, piece, more, front), 0))
        if self.chance(0.3):
            other = self.almost(talk)  # the same id in another conversation
            self.pending.append((self.fragment(other, first // 8, payload[first:], 0, front), 0))

    def almost(self, talk):
        """The same with one thing changed that tells conversations apart."""
        family = 4 if len(talk.source) == 4 else 6
        kind = self.rng.randrange(4)
        if kind == 0:
            return Talk(talk.source, talk.destination, talk.protocol ^ TCP ^ UDP, 0, 0)
        if kind == 1:
            return Talk(self.anybody(family), talk.destination, talk.protocol, 0, 0)
        if kind == 2:
            return Talk(talk.source, self.host(family), talk.protocol, 0, 0)
        self.id ^= 1 << self.rng.randrange(16 if family == 4 else 32)
        return talk

    def fragment(self, talk, offset, piece, more, front):
        """FRONT: bytes of destination options between the fragment header and the transport."""
        if len(talk.source) == 4:
            word = more << 13 | offset | self.rng.choice((0, 0, 0x4000, 0x8000))
            packet = p.ipv4(
                talk.source, talk.destination, talk.protocol, piece, id=self.id & 65535, word=word
            )
        else:
            protocol = talk.protocol
            if front:
                if not offset:
                    piece = bytes((protocol, front // 8 - 1)) + bytes(front - 2) + piece
                elif not self.chance(0.3):
                    offset += front // 8
                protocol = 60
            header = p.fragment_header(self.id, offset, more, self.rng.choice((0, 0, 3)))
            extensions = [(44, header)]
            if self.chance(0.1):
                extensions.insert(0, (0, bytes(6)))
            packet = p.ipv6(talk.source, talk.destination, protocol, piece, extensions=extensions)
        return self.frame(packet)

    def extended(self):
        """IPv6 with extension headers, from sensible to absurd."""
        talk = self.new_talk(self.anybody(6), self.host(6))
        if self.chance(0.3):
            talk = talk.back()
        extensions = []
        for _ in range(self.rng.choice((1, 1, 2, 3, 5, 8, 9))):
            kind = self.rng.choice((0, 43, 44, 60, 60, 60))
            if kind == 44:
                extensions.append((kind, p.fragment_header(self.id, 0, self.chance(0.3))))
            else:
                extensions.append((kind, bytes(self.rng.choice((6, 6, 6, 14, 30, 62, 246, 254)))))
        if self.chance(0.5) and extensions[0][0] != 0:
            extensions.insert(0, (0, bytes(6)))
        protocol = self.rng.choice((talk.protocol, talk.protocol, talk.protocol, 58, 59, 50, 51, 1))
        payload = self.transport(talk, self.flags() if self.chance(0.2) else 2, bytes(16))
        length = 0 if self.chance(0.03) else None
        return self.frame(
            p.ipv6(
                talk.source, talk.destination, protocol, payload,
                extensions=extensions, length=length,
            )
        )

    # --- links

    def not_ip(self):
        rng = self.rng
        kind = rng.random()
        if kind < 0.3:
            body = p.arp(rng.choice((1, 2, 3, 0)), rng.choice((1, 1, 1, 6)),
                         rng.choice((0x0800, 0x0800, 0x86DD)), rng.choice(((6, 4), (6, 4), (8, 16))))  # fmt: skip
            return p.ethernet(body[: rng.choice((28, 28, 27, 8))], 0x0806)
        destination = RESERVED + bytes((rng.choice((0, 2, 3, 14, 15, 16)),))
        if self.chance(0.3):
            destination = b"\x02\0\0\0\0\x01"
        ethertype = rng.choice((0x88CC, 0x8809, 0x888E, 38, 46, 1500, 1535, 1536, 0x8847, 0x8864,
                                0x88E5, 0x0800, 0x86DD, rng.getrandbits(16)))  # fmt: skip
        body = rng.choice((b"\x42\x42\x03", b"\xaa\xaa\x03\0\0\0\x08\0", b"\x42\x42", b"")) + bytes(40)
        tags = [(rng.choice(p.VLAN_TYPES), 1)] * rng.choice((0, 0, 1))
        return p.ethernet(body, ethertype, tags, destination)

    def odd_header(self):
        """One field of an otherwise good packet is a lie."""
        family = self.family()
        talk = self.new_talk(self.anybody(family), self.host(family))
        if self.chance(0.3):
            talk = talk.back()
        rng = self.rng
        if family == 4:
            payload = self.odd_transport(talk)
            fields = {
                0: {"ihl": rng.randint(0, 15)},
                1: {"length": rng.choice((0, 19, 20, 27, 28, 40, 41, 65535))},
                2: {"version": rng.choice((0, 5, 6, 15))},
                3: {"options": bytes(rng.choice((4, 8, 40)))},
                4: {"word": rng.getrandbits(16)},
                5: {},
            }[rng.randint(0, 5)]
        else:
            payload = self.odd_transport(talk)
            fields = {
                0: {"length": rng.choice((0, 1, 7, 8, 19, 20, 21, 65535))},
                1: {"version": rng.choice((0, 4, 5, 15))},
                2: {},
            }[rng.randint(0, 2)]
        if self.chance(0.1):
            talk.source = talk.destination
        return self.frame(self.ip(talk.source, talk.destination, talk.protocol, payload, **fields))

    def odd_transport(self, talk):
        data = bytes(self.rng.choice((0, 1, 40)))
        if talk.protocol == TCP:
            doff = self.rng.randint(0, 15) if self.chance(0.5) else 5
            return p.tcp(talk.sport, talk.dport, self.flags(), data, doff=doff)
        length = self.rng.choice((0, 1, 7, 8, 9, 48, 49, 65535)) if self.chance(0.5) else None
        return p.udp(talk.sport, talk.dport, data, length=length)

    def noise(self):
        size = self.rng.choice((14, 18, 34, 54, 60, 100))
        frame = bytearray(self.rng.randbytes(size))
        if size > 14 and self.chance(0.8):
            frame[12:14] = self.rng.choice((b"\x08\0", b"\x86\xdd", b"\x81\0", b"\x08\x06"))
            frame[14] = self.rng.choice((0x45, 0x60, 0x46, frame[14]))
        return bytes(frame)

    # --- the stream

    KINDS = (
        ("inward", 12), ("by_row", 9), ("outward", 9), ("out_by_row", 5), ("across", 8),
        ("answer", 6), ("again", 15), ("safe", 6), ("ipsec", 6), ("one_way", 4), ("error", 10),
        ("ping", 3), ("host_icmp", 2), ("icmp_any", 3), ("on_link", 3), ("other_protocol", 3), ("cut_up", 8),
        ("extended", 5), ("not_ip", 3), ("odd_header", 6), ("noise", 1.5), ("aging", 0.8),
    )  # fmt: skip
    NAMES = tuple(name for name, _ in KINDS)
    WEIGHTS = tuple(itertools.accumulate(weight for _, weight in KINDS))

    def flip(self, frame):
        frame = bytearray(frame)
        for _ in range(self.rng.choice((1, 1, 2, 4))):
            if frame:
                at = self.rng.randrange(min(len(frame), 120))
                frame[at] = self.rng.choice((frame[at] ^ 1 << self.rng.randrange(8), 0, 255))
        return bytes(frame)

    def mutate(self, frame):
        """Now and then something random on top: bits, a cut, more bytes, up to a jumbo frame."""
        kind = self.rng.random()
        if kind < 0.06:
            return self.flip(frame)
        if kind < 0.1:
            return frame[: max(14, self.rng.randint(0, len(frame)))]
        if kind < 0.11:
            return frame + bytes(self.rng.choice((1, 400, 1500, 9000 - len(frame) % 9000)))
        return frame

    def next_frame(self):
        """(a frame or None, seconds before it)"""
        if self.pending and self.chance(0.6):
            return self.pending.pop(0)
        if self.chance(0.005):
            return self.again(), self.edge_of_time()
        return getattr(self, self.rng.choices(self.NAMES, cum_weights=self.WEIGHTS)[0])(), 0

    def shot(self, frame):
        rng = self.rng
        shot = Shot(frame, rng.choice(SEEN_DEVICES), self.chance(0.5))
        # BPF_PROG_TEST_RUN takes no longer skb, and none that ends inside a bare IP header
        if len(frame) > 3500 or len(frame) < {b"\x08\0": 34, b"\x86\xdd": 54}.get(frame[12:14], 14):
            shot.tc = False
        if not shot.tc and self.chance(0.2):
            most = len(frame) if self.chance(0.5) else min(len(frame), 80)
            shot.linear = rng.randint(1, most)
        if shot.tc and self.chance(0.05):
            shot.gso = rng.choice((536, 1400))
        return shot

    def packets(self, count):
        """COUNT shots."""
        made = 0
        while made < count:
            frame, wait = self.next_frame()
            if frame is None:
                continue
            made += 1
            shot = self.shot(self.mutate(frame))
            shot.wait = wait
            yield shot
