# SPDX-License-Identifier: MIT
"""
Gateways side by side, each with another filter and the same matrix:

    client namespace  a0 -- x0  gateway 0  y0 -- z0  far namespace
                      a1 -- x1  gateway 1  y1 -- z1
"""

import json
import pathlib
import subprocess

from cost import load_xdp_filter, openings
from place import ROLEWALL, fill, run, word

NETWORKS = 256
LEGAL_PORT, ECHO_PORT, ILLEGAL_PORT = 50000, 50001, 9
SOURCE = "192.0.2.7"
JUMBO, USUAL = 9000, 1500
FORWARDING = "rolewall, forwarding: xdp"


def pools():
    """256 networks, the roles by turns."""
    lines = ["pools:"]
    for name, role, first in (("fe", "front-end", 0), ("mediation", "mediation", 1)):
        prefixes = ", ".join(f"10.1.{number}.0/24" for number in range(first, NETWORKS, 2))
        lines.append(f"  - {{name: {name}, roles: [{role}], addresses: [{prefixes}]}}")
    return "\n".join(lines)


def site(*interfaces, options=()):
    return "\n".join(["version: 1", f"interfaces: [{', '.join(interfaces)}]", *options, pools(), ""])


class Matrix:
    """What the site means, for other programs' rules."""

    def __init__(self, work):
        path = pathlib.Path(work) / "matrix.yaml"
        path.write_text(site("eth0"))
        self.path = path
        self.pools = [(name, addresses, allowed) for name, (addresses, allowed) in
                      zip(("fe", "mediation"), openings(path))]

    @staticmethod
    def ports(allowed, protocol):
        """Ranges, no two of which overlap."""
        merged = []
        for first, last in sorted((first, last) for word, first, last in allowed if word == protocol):
            if merged and first <= merged[-1][1] + 1:
                merged[-1][1] = max(merged[-1][1], last)
            else:
                merged.append([first, last])
        return [f"{first}-{last}" if last > first else str(first) for first, last in merged]

    def nft(self, hook, style, states=False):
        """HOOK: as in a chain, with family. STYLE: "vmap", a verdict map by address and a set for each role, or
        "concat", one set of address, protocol and port."""
        family, place = hook
        body = self.nft_vmap() if style == "vmap" else self.nft_concat()
        sets, rules = body
        chain = ["ct state established,related accept"] if states else []
        return "\n".join([f"table {family} bench {{", *sets, "chain entry {", f"type filter hook {place}; policy accept;",
                          *chain, *rules, "}", "}", ""])

    def nft_vmap(self):
        sets, elements = [], []
        for name, addresses, allowed in self.pools:
            for protocol in ("tcp", "udp"):
                sets.append(f"set {name}_{protocol} {{ type inet_service; flags interval; "
                            f"elements = {{ {', '.join(self.ports(allowed, protocol))} }}; }}")
            sets.append(f"chain {name} {{ tcp dport @{name}_tcp accept; udp dport @{name}_udp accept; drop; }}")
            elements += [f"{address} : jump {name}" for address in addresses]
        sets.append(f"map roles {{ type ipv4_addr : verdict; flags interval; elements = {{ {', '.join(elements)} }}; }}")
        return sets, ["ip daddr vmap @roles"]

    def nft_concat(self):
        elements = [f"{address} . {protocol} . {port}" for _, addresses, allowed in self.pools
                    for address in addresses for protocol in ("tcp", "udp") for port in self.ports(allowed, protocol)]
        guarded = [address for _, addresses, _ in self.pools for address in addresses]
        return [f"set matrix {{ type ipv4_addr . inet_proto . inet_service; flags interval; "
                f"elements = {{ {', '.join(elements)} }}; }}",
                f"set guarded {{ type ipv4_addr; flags interval; elements = {{ {', '.join(guarded)} }}; }}"], [
                    "ip daddr . meta l4proto . th dport @matrix accept", "ip daddr @guarded drop"]

    def ipset(self):
        lines = []
        for name, addresses, allowed in self.pools:
            lines.append(f"create {name} hash:net")
            lines += [f"add {name} {address}" for address in addresses]
            for protocol in ("tcp", "udp"):
                lines.append(f"create {name}_{protocol} bitmap:port range 0-65535")
                lines += [f"add {name}_{protocol} {port}" for port in self.ports(allowed, protocol)]
        return "\n".join(lines) + "\n"

    def iptables(self, table, chain):
        rules = [f"*{table}"]
        for name, _, _ in self.pools:
            rules += [f"-A {chain} -m set --match-set {name} dst -p {protocol} -m set --match-set {name}_{protocol} dst "
                      "-j ACCEPT" for protocol in ("tcp", "udp")]
            rules.append(f"-A {chain} -m set --match-set {name} dst -j DROP")
        return "\n".join([*rules, "COMMIT", ""])


class Gateway:
    """One way from the client to the far end."""

    def __init__(self, number, name, namespace, jumbo=True):
        self.number, self.name, self.namespace = number, name, namespace
        self.near, self.inward, self.outward, self.far = (f"{letter}{number}" for letter in "axyz")
        self.mtu = JUMBO if jumbo else USUAL

    def command(self, *words, **options):
        return run(*words, namespace=self.namespace, **options)


class Field:
    """The two ends, and gateways between them."""

    def __init__(self, place):
        self.place = place
        self.client, self.server = place.namespace("c"), place.namespace("f")
        self.pins = place.load("far_end", "ends")
        self.matrix = Matrix(place.work)
        self.gateways = []

    def add(self, name, jumbo=True):
        number = len(self.gateways)
        gateway = Gateway(number, name, self.place.namespace(f"g{number}"), jumbo)
        self.wire(gateway)
        self.gateways.append(gateway)
        return gateway

    def wire(self, gateway):
        here, there = (self.client, gateway.near), (gateway.namespace, gateway.inward)
        for (one, left), (other, right) in ((here, there),
                                            ((gateway.namespace, gateway.outward), (self.server, gateway.far))):
            run("ip", "link", "add", left, "netns", one, "mtu", gateway.mtu, "type", "veth",
                "peer", "name", right, "netns", other, "mtu", gateway.mtu)
            for namespace, device in ((one, left), (other, right)):
                run("ip", "link", "set", device, "addrgenmode", "none", "up", namespace=namespace)
            for namespace, device in ((one, left), (other, right)):
                # a veth takes frames from XDP only if its other end has GRO on or a program, and is up
                run("ethtool", "-K", device, "gro", "on", namespace=namespace)
        gateway.command("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv4.conf.all.rp_filter=0")
        gateway.command("ip", "address", "add", "192.0.2.1/24", "dev", gateway.inward)
        gateway.command("ip", "address", "add", "198.18.0.1/30", "dev", gateway.outward)
        gateway.command("ip", "neighbour", "add", "198.18.0.2", "lladdr", "02:00:00:00:00:09", "dev", gateway.outward)
        gateway.command("ip", "neighbour", "add", SOURCE, "lladdr", "02:00:00:00:00:01", "dev", gateway.inward)
        gateway.command("ip", "route", "add", "10.1.0.0/16", "via", "198.18.0.2", "dev", gateway.outward)
        run("ip", "link", "set", gateway.far, "xdpdrv", "pinned", self.pins / "p/far_end", namespace=self.server)
        link = json.loads(gateway.command("ip", "-json", "link", "show", gateway.inward))[0]
        gateway.mac = bytes.fromhex(link["address"].replace(":", ""))
        self.wire_client(gateway)
        gateway.key = self.index(gateway.far, self.server) % 64

    def wire_client(self, gateway):
        """For programs that talk through this gateway: what they send by device pN leaves by aN, as frames."""
        talk, inner = f"p{gateway.number}", f"q{gateway.number}"
        gateway.talk = talk
        if not gateway.number:
            run("ip", "address", "add", f"{SOURCE}/32", "dev", "lo", namespace=self.client)
            run("sysctl", "-qw", "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0",
                namespace=self.client)
        commands = (f"link set {gateway.near} address 02:00:00:00:00:01",
                    f"link add {talk} type veth peer name {inner}",
                    f"link set {talk} addrgenmode none up", f"link set {inner} addrgenmode none up",
                    f"neighbour add 192.0.2.1 lladdr {gateway.mac.hex(':')} dev {talk}",
                    f"route add 10.1.0.0/16 via 192.0.2.1 dev {talk} onlink metric {gateway.number + 1}")
        run("ip", "-batch", "-", text="\n".join(commands), namespace=self.client)
        run("ip", "link", "set", inner, "xdpdrv", "pinned", self.pins / "p/relay", namespace=self.client)
        fill(self.pins / "m/relays", [(word(self.index(inner) % 64), word(self.index(gateway.near)))])

    def index(self, device, namespace=None):
        link = json.loads(run("ip", "-json", "link", "show", device, namespace=namespace or self.client))[0]
        return link["ifindex"]

    def arrived(self, gateway):
        """Legal and leaked packets at the far end."""
        key = gateway.key.to_bytes(4, "little")
        cell = json.loads(run("bpftool", "-j", "map", "lookup", "pinned", self.pins / "m/arrivals", "key", *key))
        values = [part["value"] for part in cell["formatted"]["values"]]
        return sum(value["legal"] for value in values), sum(value["leaked"] for value in values)

    # --- the filters

    def add_drop_all(self):
        gateway = self.add("XDP_DROP alone")
        gateway.command("ip", "link", "set", gateway.inward, "xdpdrv", "pinned", self.pins / "p/drop_all")

    def add_rolewall(self, name="rolewall", options=()):
        gateway = self.add(name)
        text = site(gateway.inward, gateway.outward, options=options)
        gateway.instance = self.place.instance(f"rolewall{gateway.number}", text, gateway.namespace, interface=False)

    def add_xdp_filter(self, more_ports):
        """It denies by port alone: an address in its list would let everything pass that goes there."""
        gateway = self.add("xdp-filter", jumbo=False)
        load_xdp_filter(self.place, gateway.namespace, gateway.inward, self.matrix.path, mode="native",
                        addresses=False, more_ports=more_ports)

    def add_nft(self, name, hook, style, states=False):
        gateway = self.add(name)
        family, place = hook
        if family == "netdev":
            place = place.replace("ingress", f"ingress device {gateway.inward}")
        gateway.command("nft", "-f", "-", text=self.matrix.nft((family, place), style, states))

    def add_ipset(self, name, table, chain):
        gateway = self.add(name)
        gateway.command("ipset", "restore", text=self.matrix.ipset())
        gateway.command("iptables-restore", text=self.matrix.iptables(table, chain))


HOOKS = {
    "ingress": ("netdev", "ingress priority 0"),
    "prerouting": ("ip", "prerouting priority -300"),
    "forward": ("ip", "forward priority 0"),
}


def can_forward(work):
    """Whether this build's site file has the key."""
    path = work / "forwarding.yaml"
    path.write_text(site("eth0", options=("forwarding: xdp",)))
    return subprocess.run([ROLEWALL, "check", "-c", path], capture_output=True, check=False).returncode == 0


def build_few(place):
    """Those that drop early, and one that keeps states."""
    field = Field(place)
    field.add_rolewall()
    field.add_xdp_filter([("udp", port) for port in (LEGAL_PORT, ECHO_PORT)])
    for hook, words in HOOKS.items():
        field.add_nft(f"nft {hook}, verdict map", words, "vmap")
    field.add_nft("nft forward, verdict map, ct", HOOKS["forward"], "vmap", states=True)
    field.add_ipset("ipset, raw prerouting", "raw", "PREROUTING")
    return field


def build(place, effort):
    field = Field(place)
    field.add("no filter")
    field.add_drop_all()
    field.add_rolewall()
    if can_forward(place.work):
        field.add_rolewall(FORWARDING, options=("forwarding: xdp",))
    field.add_xdp_filter([("udp", LEGAL_PORT)])
    if effort.name == "smoke":
        field.add_nft("nft ingress, set", HOOKS["ingress"], "concat")
        field.add_nft("nft forward, verdict map, ct", HOOKS["forward"], "vmap", states=True)
        field.add_ipset("ipset, raw prerouting", "raw", "PREROUTING")
        return field
    for hook, words in HOOKS.items():
        for style, word in (("vmap", "verdict map"), ("concat", "set")):
            field.add_nft(f"nft {hook}, {word}", words, style)
    field.add_nft("nft forward, verdict map, ct", HOOKS["forward"], "vmap", states=True)
    field.add_ipset("ipset, raw prerouting", "raw", "PREROUTING")
    field.add_ipset("ipset, forward", "filter", "FORWARD")
    return field
