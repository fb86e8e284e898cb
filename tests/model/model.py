# SPDX-License-Identifier: MIT
"""The whole rule in plain Python: a policy and a sequence of frames -> verdict and reason of each.

Written from the design and the list of 79 odd packets; what it and the program say of the same
bytes must not differ (tests/model/judge). It knows no map, no image and no kernel. Numbers in
comments are cases of the list.
"""

from parse import ECHO, ERRORS, ICMP, ICMPV6, TCP, UDP, Verdict, is_link_local, parse
from policy import IKE_PORTS

ESP, AH = 50, 51
FIN, SYN, RST, ACK = 1, 2, 4, 16

PASSES = {
    "matrix", "flow", "outbound", "transit", "arp", "neighbour_discovery", "multicast_listener",
    "link_control", "icmp_error", "echo", "fragment", "failsafe", "ipsec", "asymmetric",
}  # fmt: skip

MINIMUM_MTU = {4: 68, 6: 1280}
FIRST_DYNAMIC_PORT = 49152  # from here on an answer may go, where only one direction is seen

# Names of timeouts: seconds that an entry lives behind its last packet.
OPENING, OPEN, CLOSING = "tcp_opening", "tcp", "tcp_closing"


class Flow:
    def __init__(self, state):
        self.state = state  # the name of its timeout; only TCP's changes
        self.until = 0


class Fragmented:
    """A packet whose first fragment passed."""

    def __init__(self, packet, until):
        self.ports = (packet.sport, packet.dport)
        self.headers = packet.headers
        self.poisoned = False
        self.until = until


class Model:
    def __init__(self, policy):
        self.policy = policy
        self.row = None  # the id of the row that the last packet counts under
        self.now = 0
        self.flows = {}
        self.fragments = {}

    def wait(self, seconds):
        self.now += seconds

    def judge(self, frame, side="any", gso=False):
        """(passed, reason), and remembers what the program would."""
        self.row = None
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
            return self.passing_by(packet)
        self.refuse(packet, to_guarded)
        failsafe = to_guarded and self.is_failsafe(packet)
        if from_guarded and side == "outside" and not failsafe:
            return "spoofed"  # 33
        if packet.protocol == TCP and not packet.later_fragment and bad_flags(packet.flags):
            return "tcp_flags"  # 56
        if failsafe:
            reason = "failsafe"
        else:
            reason = self.ipsec(packet) or self.by_roles(packet, from_guarded, to_guarded)
        if packet.first_fragment and reason in PASSES and (to_guarded or policy.outbound_matrix):
            reason = self.record_fragment(packet) or reason
        if from_guarded and reason in PASSES:
            self.keep_flow(packet)
        return reason

    def by_roles(self, packet, from_guarded, to_guarded):
        """Both ends are asked, the destination first; what it says stands if the source agrees."""
        if not to_guarded:
            return self.outbound(packet)
        reason = self.to_guarded(packet)
        if from_guarded and reason in PASSES:
            said = self.outbound(packet)
            return reason if said in PASSES else said
        return reason

    # --- before the roles

    def is_failsafe(self, packet):
        return has_ports(packet) and self.policy.failsafe(
            packet.protocol, packet.dport, packet.source
        )

    def passing_by(self, packet):
        """Between two ends that nobody guards."""
        if not self.policy.unlisted_drop:
            return "transit"
        if self.is_failsafe(packet):
            return "failsafe"
        answer = has_ports(packet) and self.policy.failsafe(
            packet.protocol, packet.sport, packet.destination
        )
        return "failsafe" if answer and not is_pure_syn(packet) else "unlisted"

    def ipsec(self, packet):
        """What the site says of ESP, AH and IKE; None for everything else, and if it is silent."""
        if packet.later_fragment:
            return None
        ike = packet.protocol == UDP and packet.dport in IKE_PORTS
        if not ike and packet.protocol not in (ESP, AH):
            return None
        policy = self.policy
        if policy.paired(packet.source, packet.destination):
            return "ipsec"
        exempt = policy.exempt(packet.source) or policy.exempt(packet.destination)
        if not exempt or ike and self.has_other_ground(packet):
            return None
        return "ipsec_exempt"

    def has_other_ground(self, packet):
        """What a row, an answer or a flow explains is not taken for IKE because of its port."""
        policy = self.policy
        if policy.guarded(packet.destination):
            row, _ = policy.opens(
                packet.destination, packet.protocol, packet.dport, packet.source
            )
            return bool(row) or bool(
                self.find_flow(
                    packet.destination, packet.source, packet.protocol, packet.dport, packet.sport
                )
            )
        return (
            policy.outbound_matrix
            and bool(
                policy.sends(packet.source, packet.protocol, packet.dport, packet.destination)
            )
            or self.is_answer(packet)
            or self.in_flow(packet)
        )

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
            return self.to_port(packet)
        if is_icmp(packet):
            return self.icmp(packet)
        return "protocol_not_in_matrix"  # 66, 67, 68, 69, 71, 72

    def to_port(self, packet):
        row, known = self.policy.opens(
            packet.destination, packet.protocol, packet.dport, packet.source
        )
        if row:
            self.row = row.id
            return "matrix"
        if self.is_reply(packet):
            return "flow"
        if self.policy.asymmetric and may_be_answer(packet):
            return "asymmetric"
        return "source_not_allowed" if known else "port_not_in_matrix"

    def is_reply(self, packet):
        """A reply keeps its flow; it never ends it (62), and a SYN is none."""
        flow = self.find_flow(
            packet.destination, packet.source, packet.protocol, packet.dport, packet.sport
        )
        if not flow or is_pure_syn(packet):
            return False
        if flow.state == OPENING and packet.flags & ACK and not packet.flags & RST:
            flow.state = OPEN
        self.refresh(flow)
        return True

    def icmp(self, packet):
        request, reply = ECHO[packet.family]
        if packet.icmp_type == request:
            return "echo" if self.policy.echo_allow else "icmp_echo"
        otherwise = "asymmetric" if self.policy.asymmetric else "icmp_unrelated"
        if packet.icmp_type == reply:
            return "flow" if self.is_reply(packet) else otherwise
        if packet.icmp_type not in ERRORS[packet.family]:
            return "icmp_type"  # 64
        if 0 <= packet.mtu < MINIMUM_MTU[packet.family]:
            return "icmp_mtu"  # 65
        if not packet.quote or packet.quote.source != packet.destination:
            return "icmp_unrelated"
        return "icmp_error" if self.is_related(packet.quote) else otherwise  # 52, 63

    def is_related(self, quote):
        """The quoted packet is one the host may have sent: of a flow, or from an open port."""
        if self.find_flow(
            quote.source, quote.destination, quote.protocol, quote.sport, quote.dport
        ):
            return True
        return quote.protocol in (TCP, UDP) and self.policy.lets_in(
            quote.source, quote.protocol, quote.sport, quote.destination
        )

    # --- from a guarded host

    def outbound(self, packet):
        policy = self.policy
        if not policy.outbound_matrix:
            return "outbound"
        if packet.later_fragment:
            return self.follow(packet)
        if is_icmp(packet):
            reply = ECHO[packet.family][1]
            passes = packet.icmp_type == reply or packet.icmp_type in ERRORS[packet.family]
            return "outbound" if passes else "outbound_not_in_matrix"
        if not has_ports(packet):
            return "outbound_not_in_matrix"
        row = policy.sends(packet.source, packet.protocol, packet.dport, packet.destination)
        if row:
            self.row = self.row or row.id
            return "matrix"
        if policy.knows_initiator(
            packet.destination, packet.protocol, packet.dport, packet.source
        ):
            return "outbound"
        if self.is_answer(packet) or self.in_flow(packet):
            return "outbound"
        if policy.asymmetric and packet.protocol == TCP and not is_pure_syn(packet):
            return "asymmetric"
        return "outbound_not_in_matrix"

    def is_answer(self, packet):
        return not is_pure_syn(packet) and self.policy.lets_in(
            packet.source, packet.protocol, packet.sport, packet.destination
        )

    def in_flow(self, packet):
        """The source's own, or the destination's, to which it replies; a SYN is no reply."""
        there = (packet.source, packet.destination)
        ports = (packet.sport, packet.dport)
        if self.find_flow(*there, packet.protocol, *ports):
            return True
        back = self.find_flow(*there[::-1], packet.protocol, *ports[::-1])
        return back is not None and not is_pure_syn(packet)

    # --- flows that guarded hosts start

    def find_flow(self, local, remote, protocol, local_port, remote_port):
        flow = self.flows.get((local, remote, protocol, local_port, remote_port))
        return flow if flow and flow.until > self.now else None

    def keep_flow(self, packet):
        """Only where the matrix alone would not let the reply in."""
        if packet.later_fragment or not (has_ports(packet) or is_icmp(packet)):
            return
        if has_ports(packet) and self.policy.lets_in(
            packet.source, packet.protocol, packet.sport, packet.destination
        ):
            return
        key = (packet.source, packet.destination, packet.protocol, packet.sport, packet.dport)
        flow = self.find_flow(*key)
        if flow:
            if packet.protocol == TCP and packet.flags & (FIN | RST):
                flow.state = CLOSING
            elif packet.protocol == TCP and packet.flags & SYN:
                flow.state = OPENING
        elif self.may_start(packet):
            flow = self.flows[key] = Flow(first_state(packet))
        else:
            return
        self.refresh(flow)

    def refresh(self, flow):
        flow.until = self.now + self.policy.timeouts[flow.state]

    def may_start(self, packet):
        if packet.protocol == UDP:
            return not packet.no_checksum  # 61
        if packet.protocol == TCP:
            kind = packet.flags & (SYN | ACK | RST)
            return kind == SYN or kind == ACK and self.policy.audit  # 57, 75
        return packet.icmp_type == ECHO[packet.family][0]

    # --- fragments

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
            until = self.now + self.policy.timeouts["fragment"]
            self.fragments[fragment_key(packet)] = Fragmented(packet, until)
            return None
        if entry.ports != (packet.sport, packet.dport):
            entry.poisoned = True
        return "fragment_conflict" if entry.poisoned else None


def has_ports(packet):
    return packet.protocol in (TCP, UDP) and not packet.later_fragment


def is_icmp(packet):
    return packet.protocol == (ICMP if packet.family == 4 else ICMPV6)


def is_pure_syn(packet):
    return packet.protocol == TCP and packet.flags & (SYN | ACK) == SYN


def may_be_answer(packet):
    """Where only one direction is seen: no new TCP connection; UDP to where clients listen."""
    if packet.protocol == TCP:
        return not is_pure_syn(packet)
    return packet.dport >= FIRST_DYNAMIC_PORT


def first_state(packet):
    if packet.protocol == TCP:
        return OPENING if packet.flags & SYN else OPEN
    return "udp" if packet.protocol == UDP else "icmp_echo"


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
