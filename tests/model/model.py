# SPDX-License-Identifier: MIT
"""The whole rule in plain Python: a policy and a sequence of frames -> verdict and reason of each.

Written from the design and the list of 79 odd packets; what it and the program say of the same
bytes must not differ (tests/model/judge). It knows no map, no image and no kernel. Numbers in
comments are cases of the list.
"""

from parse import ECHO, ERRORS, ICMP, ICMPV6, TCP, UDP, Verdict, is_link_local, parse

FIN, SYN, RST, ACK = 1, 2, 4, 16

PASSES = {
    "matrix", "flow", "outbound", "transit", "arp", "neighbour_discovery", "multicast_listener",
    "link_control", "icmp_error", "echo", "fragment",
}  # fmt: skip

MINIMUM_MTU = {4: 68, 6: 1280}

# Seconds that an entry lives behind its last packet.
OPENING, OPEN, CLOSING = "opening", "open", "closing"  # TCP; all others are open
TCP_SECONDS = {OPENING: 240, OPEN: 7440, CLOSING: 240}
UDP_SECONDS, ECHO_SECONDS, FRAGMENT_SECONDS = 180, 60, 30


class Flow:
    def __init__(self, protocol, state):
        self.protocol = protocol
        self.state = state
        self.until = 0

    def refresh(self, now):
        if self.protocol == TCP:
            self.until = now + TCP_SECONDS[self.state]
        else:
            self.until = now + (UDP_SECONDS if self.protocol == UDP else ECHO_SECONDS)


class Fragmented:
    """A packet whose first fragment passed."""

    def __init__(self, packet, now):
        self.ports = (packet.sport, packet.dport)
        self.headers = packet.headers
        self.poisoned = False
        self.until = now + FRAGMENT_SECONDS


class Model:
    def __init__(self, policy):
        self.policy = policy
        self.now = 0
        self.flows = {}
        self.fragments = {}

    def wait(self, seconds):
        self.now += seconds

    def judge(self, frame, side="any", gso=False):
        """(passed, reason), and remembers what the program would."""
        try:
            packet = parse(frame, gso)
            reason = self.decide(packet, side)
        except Verdict as verdict:
            reason = verdict.reason
        return reason in PASSES or self.policy.audit, reason

    # --- order of the design, section 6

    def decide(self, packet, side):
        policy = self.policy
        from_guarded = policy.guarded(packet.source)
        to_guarded = policy.guarded(packet.destination)
        if not from_guarded and not to_guarded:
            return "unlisted" if policy.unlisted_drop else "transit"
        self.refuse(packet, to_guarded)
        if from_guarded and side == "outside":
            return "spoofed"  # 33
        if packet.protocol == TCP and not packet.later_fragment and bad_flags(packet.flags):
            return "tcp_flags"  # 56
        reason = self.to_guarded(packet) if to_guarded else "outbound"
        if from_guarded and reason in PASSES:
            self.keep_flow(packet)
        return reason

    def refuse(self, packet, to_guarded):
        """What holds for guarded hosts only."""
        if packet.options:
            raise Verdict("ip_options")  # 19, 20
        if packet.routing:
            raise Verdict("ip6_routing")  # 46
        if is_bad_source(packet.source):
            raise Verdict("ip_source")  # 32, 50
        if is_bad_destination(packet.destination):
            raise Verdict("ip_destination")
        if packet.source == packet.destination:
            raise Verdict("land")  # 34
        # a frame to all from a guarded host can be a broadcast in a subnet only the kernel knows
        if packet.group_frame and to_guarded:
            raise Verdict("mac_group")  # 12
        if has_ports(packet) and not (packet.sport and packet.dport):
            raise Verdict("port_zero")  # 59

    # --- to a guarded host

    def to_guarded(self, packet):
        if packet.later_fragment:
            return self.follow(packet)
        if has_ports(packet):
            reason = self.to_port(packet)
        elif is_icmp(packet):
            reason = self.icmp(packet)
        else:
            return "protocol_not_in_matrix"  # 66, 67, 68, 69, 71, 72
        if packet.first_fragment and reason in PASSES:
            return self.record_fragment(packet) or reason
        return reason

    def to_port(self, packet):
        said = self.policy.opens(
            packet.destination, packet.protocol, packet.dport, packet.source
        )
        if said == "open":
            return "matrix"
        if self.is_reply(packet):
            return "flow"
        return "source_not_allowed" if said == "other" else "port_not_in_matrix"

    def is_reply(self, packet):
        """A reply keeps its flow; it never ends it (62), and a SYN is none."""
        flow = self.find_flow(
            packet.destination, packet.source, packet.protocol, packet.dport, packet.sport
        )
        if not flow or packet.protocol == TCP and packet.flags & (SYN | ACK) == SYN:
            return False
        if flow.state == OPENING and packet.flags & ACK and not packet.flags & RST:
            flow.state = OPEN
        flow.refresh(self.now)
        return True

    def icmp(self, packet):
        request, reply = ECHO[packet.family]
        if packet.icmp_type == request:
            return "echo" if self.policy.echo_allow else "icmp_echo"
        if packet.icmp_type == reply:
            return "flow" if self.is_reply(packet) else "icmp_unrelated"
        if packet.icmp_type not in ERRORS[packet.family]:
            return "icmp_type"  # 64
        if 0 <= packet.mtu < MINIMUM_MTU[packet.family]:
            return "icmp_mtu"  # 65
        return "icmp_error" if self.is_related(packet) else "icmp_unrelated"  # 52, 63

    def is_related(self, packet):
        """The quoted packet is one the host may have sent: of a flow, or from an open port."""
        quote = packet.quote
        if not quote or quote.source != packet.destination:
            return False
        if self.find_flow(
            quote.source, quote.destination, quote.protocol, quote.sport, quote.dport
        ):
            return True
        return quote.protocol in (TCP, UDP) and self.policy.opens(
            quote.source, quote.protocol, quote.sport, quote.destination
        ) == "open"

    # --- flows that guarded hosts start

    def find_flow(self, local, remote, protocol, local_port, remote_port):
        flow = self.flows.get((local, remote, protocol, local_port, remote_port))
        return flow if flow and flow.until > self.now else None

    def keep_flow(self, packet):
        """Only where the matrix alone would not let the reply in."""
        if packet.later_fragment or not (has_ports(packet) or is_icmp(packet)):
            return
        if has_ports(packet) and self.policy.opens(
            packet.source, packet.protocol, packet.sport, packet.destination
        ) == "open":
            return
        key = (packet.source, packet.destination, packet.protocol, packet.sport, packet.dport)
        flow = self.find_flow(*key)
        if flow:
            if packet.protocol == TCP and packet.flags & (FIN | RST):
                flow.state = CLOSING
            elif packet.protocol == TCP and packet.flags & SYN:
                flow.state = OPENING
        elif self.may_start(packet):
            opening = packet.protocol == TCP and packet.flags & SYN
            flow = self.flows[key] = Flow(packet.protocol, OPENING if opening else OPEN)
        else:
            return
        flow.refresh(self.now)

    def may_start(self, packet):
        if packet.protocol == UDP:
            return not packet.no_checksum  # 61
        if packet.protocol == TCP:
            kind = packet.flags & (SYN | ACK | RST)
            return kind == SYN or kind == ACK and self.policy.audit  # 57, 75
        return packet.icmp_type == ECHO[packet.family][0]

    # --- fragments towards guarded hosts

    def find_fragment(self, packet):
        entry = self.fragments.get(fragment_key(packet))
        return entry if entry and entry.until > self.now else None

    def follow(self, packet):
        """23, 31: after its first fragment only."""
        entry = self.find_fragment(packet)
        if not entry:
            return "fragment_unmatched"
        if entry.poisoned:
            return "fragment_conflict"
        # 22, 45: headers of its own can push the transport header beyond the fixed minimum
        return "fragment_offset" if packet.offset < entry.headers else "fragment"

    def record_fragment(self, packet):
        """25: two first fragments of one packet that name other ports spoil it for both."""
        entry = self.find_fragment(packet)
        if not entry:
            self.fragments[fragment_key(packet)] = Fragmented(packet, self.now)
            return None
        if entry.ports != (packet.sport, packet.dport):
            entry.poisoned = True
        return "fragment_conflict" if entry.poisoned else None


def has_ports(packet):
    return packet.protocol in (TCP, UDP) and not packet.later_fragment


def is_icmp(packet):
    return packet.protocol == (ICMP if packet.family == 4 else ICMPV6)


def bad_flags(flags):
    """No SYN, ACK or RST at all; or a SYN with FIN or RST."""
    return not flags & (SYN | ACK | RST) or bool(flags & SYN and flags & (FIN | RST))


def fragment_key(packet):
    return (packet.source, packet.destination, packet.fragment_protocol, packet.fragment_id)


def is_mapped_or_reserved(address):
    """::/96 (unspecified, loopback, compatible) and ::ffff:0:0/96."""
    return address[:8] == bytes(8) and address[8:12] in (bytes(4), b"\0\0\xff\xff")


def is_bad_source(address):
    if len(address) == 4:
        return address[0] in (0, 127) or address[0] >= 224
    return address[0] == 255 or is_link_local(address) or is_mapped_or_reserved(address)


def is_bad_destination(address):
    if len(address) == 4:
        return address[0] in (0, 127)
    return is_mapped_or_reserved(address)
