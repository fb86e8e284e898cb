# SPDX-License-Identifier: MIT
"""Traffic that aims at what a site says: its rows, both directions of them, failsafe, IPsec and
the ends of timeouts. Each kind gives a frame, or None and perhaps something on its way."""

import packets as p
from model import ACK, FIN, RST, SYN
from talks import TCP, UDP, Talk, Talks

ESP, AH = 50, 51
TIMEOUTS = {
    TCP: ("tcp_opening", "tcp", "tcp_closing"), UDP: ("udp",), 1: ("icmp_echo",),
    58: ("icmp_echo",),
}  # fmt: skip


class Aims(Talks):
    # --- rows

    def by_row(self):
        """To a port that a row opens, mostly from one whom it admits."""
        family = self.family()
        talk = self.to_row(self.host(family), family)
        if not talk:
            return None
        self.inbound.append(talk)
        return self.talk_frame(talk, self.flags() if self.chance(0.3) else SYN)

    def to_row(self, host, family):
        pool = self.policy.lookup(host)
        if not pool or not pool.inbound:
            return None
        protocol, first, last, row = self.rng.choice(pool.inbound)
        known = row.sources if self.chance(0.7) else row.initiators
        return Talk(self.fitting(known, family), host, protocol, self.port(), self.edge(first, last))

    def out_by_row(self):
        """From a host to where an outbound row of its own leads."""
        family = self.family()
        host = self.host(family)
        pool = self.policy.lookup(host)
        if not pool or not pool.outbound:
            return None
        protocol, first, last, row = self.rng.choice(pool.outbound)
        peer = self.fitting(row.targets, family)
        talk = Talk(host, peer, protocol, self.port(), self.edge(first, last))
        self.talks.append(talk)
        return self.talk_frame(talk, self.flags() if self.chance(0.3) else SYN)

    def across(self):
        """From one host to another, and back."""
        family = self.family()
        talk = self.to_row(self.host(family), family)
        if not talk:
            return None
        talk.source = self.known_to(talk) if self.chance(0.6) else self.host(family)
        self.inbound.append(talk)
        self.talks.append(talk)
        return self.talk_frame(talk, self.flags() if self.chance(0.3) else SYN)

    def known_to(self, talk):
        """A host whom some row knows to start such a talk, if one is found quickly."""
        family = 4 if len(talk.source) == 4 else 6
        for _ in range(6):
            host = self.host(family)
            if self.policy.knows_initiator(talk.destination, talk.protocol, talk.dport, host):
                return host
        return talk.source

    def answer(self):
        """What a host says to those who came to it: not only answers."""
        if not self.inbound:
            return None
        talk = self.rng.choice(self.inbound[-60:]).back()
        change = self.rng.random()
        if change < 0.1:
            talk = Talk(talk.source, talk.destination, talk.protocol, talk.sport + 1 & 65535, talk.dport)
        elif change < 0.2:
            talk = Talk(talk.source, self.anybody(4 if len(talk.source) == 4 else 6),
                        talk.protocol, talk.sport, talk.dport)  # fmt: skip
        flags = self.rng.choice((SYN | ACK, SYN | ACK, ACK, ACK, RST, FIN | ACK, SYN, SYN))
        return self.talk_frame(talk, self.flags() if self.chance(0.1) else flags)

    def host_icmp(self):
        """Every kind of ICMP from a host; errors and echo mostly."""
        family = self.family()
        kinds = {4: (0, 8, 3, 11, 12, 5, 4, 13), 6: (129, 128, 1, 2, 3, 4, 137, 0)}[family]
        kind = self.rng.choice(kinds) if self.chance(0.9) else self.rng.getrandbits(8)
        host, peer = self.host(family), self.anybody(family)
        if kind in (8, 128):
            self.talks.append(Talk(host, peer, 1 if family == 4 else 58, 7, 7))
        rest = 7 << 16 if kind in (0, 8, 128, 129) else 1500
        payload = p.icmp(kind, 0, rest, bytes(self.rng.choice((0, 28, 48))))
        return self.frame(self.ip(host, peer, 1 if family == 4 else 58, payload))

    def one_way(self):
        """To a host where only answers are seen, as `asymmetric: true` has it, and right beside."""
        if not self.policy.asymmetric:
            return None
        family = self.family()
        ends = self.anybody(family), self.host(family)
        kind = self.rng.random()
        if kind < 0.4:
            port = self.rng.choice((49150, 49151, 49152, 49153, 65535, self.port()))
            return self.talk_frame(Talk(*ends, UDP, self.port(), port))
        if kind < 0.7:
            return self.talk_frame(Talk(*ends, TCP, self.port(), self.port()), self.flags())
        if kind < 0.8:
            return self.talk_frame(Talk(*ends, 1 if family == 4 else 58, 9, 9), ACK)
        lost = Talk(ends[1], self.anybody(family), self.rng.choice((TCP, UDP)), self.port(), self.port())
        quoted = self.ip(lost.source, lost.destination, lost.protocol, self.transport(lost))
        payload = p.icmp(*((3, 1) if family == 4 else (1, 4)), 0, quoted)
        return self.frame(self.ip(*ends, 1 if family == 4 else 58, payload))

    # --- failsafe

    def safe(self):
        """To its ports and their neighbours, at hosts and past them, and answers from there."""
        if not self.policy.failsafe_ports:
            return None
        family = self.family()
        protocol, first, last = self.rng.choice(self.policy.failsafe_ports)
        if self.chance(0.05):
            protocol = TCP + UDP - protocol
        other = self.host(family) if self.chance(0.6) else self.anybody(family)
        known = self.policy.failsafe_from if self.chance(0.85) else None
        talk = Talk(self.fitting(known, family), other, protocol, self.port(), self.edge(first, last))
        flags = self.flags() if self.chance(0.4) else SYN
        self.inbound.append(talk)
        if self.chance(0.2):
            self.cut_talk(talk)
            return None
        return self.talk_frame(talk.back() if self.chance(0.3) else talk, flags)

    # --- IPsec

    def ipsec_ends(self, family):
        """Two that an entry of `ipsec:` names, or nearly; or a host and anybody."""
        if self.policy.pairs and self.chance(0.7):
            ends = [self.fitting(end, family) for end in self.rng.choice(self.policy.pairs)]
        else:
            ends = [self.host(family), self.anybody(family)]
        self.rng.shuffle(ends)
        return ends

    def ipsec(self):
        family = self.family()
        ends = self.ipsec_ends(family)
        kind = self.rng.random()
        if kind < 0.4:
            talk = Talk(*ends, self.rng.choice((ESP, ESP, AH, AH, 52, 108)), 0, 0)
        else:
            talk = Talk(*ends, UDP if kind < 0.95 else TCP, self.ike_port(), self.ike_port())
            self.inbound.append(talk)
            self.talks.append(talk)
        if self.chance(0.25):
            self.cut_talk(talk)
            return None
        return self.talk_frame(talk, SYN)

    def ike_port(self):
        return self.rng.choice((500, 500, 500, 4500, 4500, 4500, 499, 501, 4499, 4501, self.port()))

    # --- time

    def aging(self):
        """An entry is made, perhaps answered and closed, and asked for when its time is nearly up."""
        if self.chance(0.3):
            return self.aging_fragments()
        family = self.family()
        talk = self.fresh_talk(family)
        answer = talk.back()
        steps = [(talk, SYN)]
        if self.chance(0.7):
            steps.append((answer, self.rng.choice((SYN | ACK, SYN | ACK, ACK, RST, RST | ACK))))
        if self.chance(0.5):
            steps.append((talk, self.rng.choice((FIN | ACK, FIN | ACK, RST, ACK, SYN))))
        for one, flags in steps:
            self.pending.append((self.talk_frame(one, flags), 0))
        for _ in range(self.rng.choice((1, 1, 2))):
            one = answer if self.chance(0.8) else talk
            self.pending.append((self.talk_frame(one, ACK), self.edge_of_time(talk.protocol)))
        self.talks.append(talk)
        return None

    def fresh_talk(self, family):
        """One that a host may start, as far as that is easy to say."""
        host = self.host(family)
        pool = self.policy.lookup(host)
        if self.policy.outbound_matrix and pool and pool.outbound:
            protocol, first, last, row = self.rng.choice(pool.outbound)
            return Talk(host, self.fitting(row.targets, family), protocol, self.port(), self.edge(first, last))
        protocol = self.rng.choice((TCP, TCP, UDP, 1 if family == 4 else 58))
        id = self.port()
        dport = self.port() if protocol in (TCP, UDP) else id
        return Talk(host, self.anybody(family), protocol, id, dport)

    def aging_fragments(self):
        family = self.family()
        talk = self.to_row(self.host(family), family)
        if talk:
            at = len(self.pending)
            self.cut_talk(talk)
            late = self.rng.randrange(at, len(self.pending) + 1)
            if late < len(self.pending):
                wait = self.policy.timeouts["fragment"] + self.rng.choice((-1, -1, 0, 1))
                self.pending[late] = (self.pending[late][0], max(wait, 0))
        return None

    def edge_of_time(self, protocol=None):
        """Seconds: a timeout (of a protocol), one less, one more, or a part of it."""
        names = TIMEOUTS.get(protocol) or list(self.policy.timeouts)
        seconds = self.policy.timeouts[self.rng.choice(names)]
        if self.chance(0.2):
            return seconds // 2
        return max(seconds + self.rng.choice((-1, -1, 0, 1)), 0)
