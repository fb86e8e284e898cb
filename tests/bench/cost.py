# SPDX-License-Identifier: MIT
"""What one verdict costs above an empty program, beside xdp-filter and straightforward designs."""

import ipaddress
import json
import time

from frames import ACK, SYN, SYNACK, TCP, UDP, frame
from place import TOOLS, Failure, fill, knows, rolewall_json, run, word

POOLS = """
pools:
  - name: fe
    roles: [front-end]
    addresses: [10.1.2.0/28, "2001:db8:2::77"]
  - name: mediation
    roles: [mediation]
    addresses: [10.1.3.5, "2001:db8:3::5"]
"""
PEERS = "  - {name: gateways, roles: [pstn-gateway], addresses: [192.0.2.0/28, \"2001:db8:9::/64\"]}"
HOST4, HOST6, MEDIA4, MEDIA6 = "10.1.2.3", "2001:db8:2::77", "10.1.3.5", "2001:db8:3::5"
OUT4, OUT6 = "192.0.2.7", "2001:db8:9::1"
AWAY4, AWAY6 = "198.51.100.9", "2001:db8:8::9"


def site(interface, *lines, pools=POOLS):
    """LINES: options; those that start with a blank are pools."""
    options = [line for line in lines if not line.startswith(" ")]
    more = [line for line in lines if line.startswith(" ")]
    return "\n".join(["version: 1", f"interfaces: [{interface}]", *options, pools.strip(), *more, ""])


def openings(path):
    """Pools of a site: name to its prefixes and its inbound (protocol, first, last)."""
    pools = rolewall_json("matrix", "-c", path)["pools"]
    return [(pool["addresses"],
             [(allow["protocol"], *allow["ports"]) for allow in pool["allow"] if allow["direction"] == "in"])
            for pool in pools]


def mapped(address):
    address = ipaddress.ip_address(address)
    return address.packed if address.version == 6 else bytes(10) + b"\xff\xff" + address.packed


def fill_designs(pins, path, exact=True):
    """The maps of designs.bpf.c with the same matrix; pools with the same ports share a set. EXACT: addresses
    one by one, too."""
    sets, hosts, tries, ports = {}, [], {4: [], 6: []}, []
    for addresses, allowed in openings(path):
        number = sets.setdefault(tuple(sorted(allowed)), len(sets) + 1)
        for text in addresses:
            prefix = ipaddress.ip_network(text)
            tries[prefix.version].append(
                (word(prefix.prefixlen) + prefix.network_address.packed.hex(), word(number)))
            if exact and prefix.num_addresses <= 16:
                hosts += [(mapped(host).hex(), word(number)) for host in prefix]
    for allowed, number in sets.items():
        for protocol, first, last in allowed:
            base = number << 17 | (protocol == "udp") << 16
            ports += [(word(base | port), word(1)) for port in range(first, last + 1)]
    fill(pins / "m/hosts", hosts)
    fill(pins / "m/prefixes4", tries[4])
    fill(pins / "m/prefixes6", tries[6])
    fill(pins / "m/ports", ports)


def load_xdp_filter(place, namespace, device, path, mode="skb", addresses=True, more_ports=()):
    """xdp-filter with the same addresses and ports, as far as it goes: it knows no pairs, so that an
    address or a port is enough to pass. Media ranges are left out: it wants a command for each port."""
    words = {("port", "-m", "dst", "-p", protocol, str(port)) for protocol, port in more_ports}
    for prefixes, allowed in openings(path):
        for text in prefixes if addresses else ():
            words |= {("ip", "-m", "dst", str(host)) for host in ipaddress.ip_network(text)}
        for protocol, first, last in allowed:
            if last - first < 16:
                words |= {("port", "-m", "dst", "-p", protocol, str(port)) for port in range(first, last + 1)}
    place.own_bpffs("xdp-filter", "load", device, "-p", "deny", "-m", mode, namespace=namespace)
    script = "\n".join(" ".join(["xdp-filter", *line]) for line in sorted(words))
    place.own_bpffs("sh", "-ec", script, namespace=namespace)
    link = json.loads(run("ip", "-json", "-details", "link", "show", device, namespace=namespace))
    return link[0]["xdp"]["prog"]["id"]


class Questions:
    """Sends frames through programs by BPF_PROG_TEST_RUN; rounds interleaved."""

    def __init__(self, place, effort):
        place.pins.mkdir(exist_ok=True)
        self.empty = place.pins / "empty"
        if not self.empty.exists():
            run("bpftool", "prog", "load", TOOLS / "empty.bpf.o", self.empty)
        self.effort = effort
        self.group = None
        self.results = []

    def seed(self, program, packet, times=1):
        self.run(f"1x{times}", self.empty, {"seed": program}, [("seed", packet)])

    def ask(self, programs, packets, expect=None, empty=None, rounds=None):
        """PACKETS: (label, frame). EXPECT: what a program does where it is not the label's word; xdp-filter
        may do anything. The first of PROGRAMS is the one whose part of each is told."""
        rounds = f"{rounds or self.effort.rounds}x{self.effort.repeat}"
        for row in self.run(rounds, empty or self.empty, programs, packets):
            wanted = (expect or {}).get(row["program"], "drop" if "deny" in row["packet"] else "pass")
            if row["program"] != "xdp-filter" and row["does"] != wanted:
                raise Failure(f"{row['packet']}: {row['program']} says {row['does']}, not {wanted}")
            self.results.append({"group": self.group, **row})

    @staticmethod
    def run(rounds, empty, programs, packets):
        lines = "".join(f"{label.replace(' ', '_')} frame {packet.hex()}\n" for label, packet in packets)
        words = [f"{name.replace(' ', '_')}={pin}" for name, pin in programs.items()]
        rows = []
        for line in run(TOOLS / "verdict", rounds, empty, *words, text=lines).splitlines()[1:]:
            packet, program, does, *numbers = line.split()
            rows.append({"packet": packet.replace("_", " "), "program": program.replace("_", " "), "does": does,
                         **dict(zip(("ns", "spread", "ratio", "ratio spread", "times", "times spread"),
                                    map(float, numbers)))})
        return rows


def watch(place, instance):
    """A watcher: the data plane has its lease when this returns."""
    process = instance.start("watch", "-c", instance.site)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and process.poll() is None:
        if instance.control("watch_until"):
            return process
        time.sleep(0.1)
    raise Failure("rolewall watch did not start")


def plain_packets():
    return [
        ("IPv4 TCP allow", frame(OUT4, HOST4, TCP, 40000, 5061)),
        ("IPv4 SYN deny", frame(OUT4, HOST4, TCP, 40000, 9)),
        ("IPv4 ACK deny", frame(OUT4, HOST4, TCP, 40000, 9, flags=ACK)),
        ("IPv4 UDP allow", frame(OUT4, MEDIA4, UDP, 40000, 50000)),
        ("IPv4 UDP deny", frame(OUT4, HOST4, UDP, 40000, 9)),
        ("IPv4 transit", frame(OUT4, AWAY4, TCP, 40000, 9)),
        ("IPv6 TCP allow", frame(OUT6, HOST6, TCP, 40000, 5061)),
        ("IPv6 SYN deny", frame(OUT6, HOST6, TCP, 40000, 9)),
        ("IPv6 ACK deny", frame(OUT6, HOST6, TCP, 40000, 9, flags=ACK)),
        ("IPv6 UDP allow", frame(OUT6, MEDIA6, UDP, 40000, 50000)),
        ("IPv6 UDP deny", frame(OUT6, HOST6, UDP, 40000, 9)),
        ("IPv6 transit", frame(OUT6, AWAY6, TCP, 40000, 9)),
    ]


FAMILIES = (("IPv4", OUT4, HOST4), ("IPv6", OUT6, HOST6))


def tagged_packets():
    packets = []
    for family, source, host in FAMILIES:
        for tags in (1, 2):
            packets.append((f"{family} allow, {tags} tag{'s' * (tags > 1)}",
                            frame(source, host, TCP, 40000, 5061, tags=tags)))
        packets.append((f"{family} SYN deny, 2 tags", frame(source, host, TCP, 40000, 9, tags=2)))
    return packets


def fragments():
    """The two of a family make a run of their own: a round must not outlast what is remembered of a first one."""
    return [[(f"{family} first fragment", frame(source, host, TCP, 40000, 5061, flags=ACK, piece="first")),
             (f"{family} later fragment", frame(source, host, TCP, 40000, 5061, piece="later"))]
            for family, source, host in FAMILIES]


def ask_flows(questions, rolewall, designs):
    """Replies on a flow, and packets of one that is there."""
    for family, host, away in (("IPv4", HOST4, AWAY4), ("IPv6", HOST6, AWAY6)):
        start = frame(host, away, TCP, 41000, 443)
        for program in (rolewall, designs / "p/lpm_flow"):
            questions.seed(program, start)
            questions.seed(program, frame(away, host, TCP, 443, 41000, flags=SYNACK))
        others = {"lpm flow": designs / "p/lpm_flow"}
        questions.ask({"rolewall": rolewall, **others, "LRU lookup": designs / "p/lru_lookup"},
                      [(f"{family} reply on a flow", frame(away, host, TCP, 443, 41000, flags=ACK))])
        questions.ask({"rolewall": rolewall, **others},
                      [(f"{family} packet of an outbound flow", frame(host, away, TCP, 41000, 443, flags=ACK)),
                       (f"{family} answer from an open port", frame(host, away, TCP, 5061, 41000, flags=ACK))])


def ask_beside(questions, rolewall):
    """One packet beside another one, which is the first of its run: packets take turns as well. The flows are there."""
    allow4, allow6 = frame(OUT4, HOST4, TCP, 40000, 5061), frame(OUT6, HOST6, TCP, 40000, 5061)
    rounds = min(3 * questions.effort.rounds, 101)
    for family, packets in (
            ("IPv4", [("IPv4 TCP allow", allow4), ("IPv6 TCP allow", allow6),
                      ("IPv4 reply on a flow", frame(AWAY4, HOST4, TCP, 443, 41000, flags=ACK))]),
            ("IPv6", [("IPv6 TCP allow", allow6),
                      ("IPv6 reply on a flow", frame(AWAY6, HOST6, TCP, 443, 41000, flags=ACK))])):
        questions.group = f"beside {family}"
        questions.ask({"rolewall": rolewall}, packets, rounds=rounds)


def ask_new_flows(place, questions, targets):
    """Every packet starts a flow; the tables are full after the first round."""
    steppers = {name: place.stepper("next_flow", name.replace(" ", "-"), pin)
                for name, pin in {"empty": questions.empty, **targets}.items()}
    empty = steppers.pop("empty")
    for family, host, away in (("IPv4", HOST4, "198.51.0.0"), ("IPv6", HOST6, AWAY6)):
        packet = (f"{family} new outbound flow", frame(host, away, TCP, 41000, 443, flags=SYN))
        for pin in steppers.values():
            questions.seed(pin, packet[1], 200000)
        questions.ask(steppers, [packet], empty=empty)


def add_shadow(place, namespace, programs):
    """An instance whose shadow opens one port more, if this build has shadows."""
    if not knows("apply", "--shadow"):
        return
    instance = place.instance("shadow", site("shadow"), namespace)
    instance.apply(site("shadow", "extra: [{roles: [front-end], ports: [6000], protocols: [tcp]}]"), "--shadow")
    programs["shadow"] = instance.attached("shadow")


def measure(place, effort, say):
    namespace = place.namespace("cost")
    questions = Questions(place, effort)
    say("verdict: loading instances and peers")
    variants = {
        "rolewall": (),
        "sources": ("profile: least-privilege", PEERS),
        "audit": ("mode: audit",),
        "events": (),
    }
    instances = {name: place.instance(name, site(name, *lines), namespace) for name, lines in variants.items()}
    plain = instances["rolewall"]
    programs = {name: instance.pin("programs/xdp") for name, instance in instances.items()}
    rolewall = programs["rolewall"]
    designs = place.load("designs", "designs")
    fill_designs(designs, plain.site)
    run("ip", "link", "add", "filter0", "type", "veth", "peer", "name", "filter1", namespace=namespace)
    peer = load_xdp_filter(place, namespace, "filter0", plain.site)

    questions.group = "plain"
    say("verdict: plain packets")
    everybody = {"rolewall": rolewall, "xdp-filter": peer,
                 **{name.replace("_", " "): designs / "p" / name for name in ("hash", "lpm", "lpm_flow")}}
    questions.ask(everybody, plain_packets())
    questions.group = "odd"
    say("verdict: tags and fragments")
    whole = {"rolewall": rolewall, "xdp-filter": peer,
             **{f"{name} whole": designs / "p" / f"{name}_whole" for name in ("hash", "lpm")}}
    for packets in (tagged_packets(), *fragments()):
        questions.ask(whole, packets)
    questions.group = "flows"
    say("verdict: flows")
    ask_flows(questions, rolewall, designs)
    ask_beside(questions, rolewall)
    questions.group = "flows"
    ask_new_flows(place, questions, {"rolewall": rolewall, "lpm flow": designs / "p/lpm_flow",
                                     "LRU insert": designs / "p/lru_insert"})
    questions.group = "options"
    say("verdict: sources, audit, events")
    watcher = watch(place, instances["events"])
    chosen = [(f"{family} {word}", frame(source, host, TCP, 40000, port))
              for family, source, host in (("IPv4", OUT4, HOST4), ("IPv6", OUT6, HOST6))
              for word, port in (("allow from a peer", 50000), ("SYN deny", 9))]
    add_shadow(place, namespace, programs)
    programs.update({name: program for name, program in everybody.items() if name in ("xdp-filter", "hash", "lpm")})
    questions.ask(programs, chosen, expect={"audit": "pass"})
    place.stop(watcher)
    return questions.results
