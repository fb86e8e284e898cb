# SPDX-License-Identifier: MIT
"""Read what `rolewall export ipsec` wrote, strictly, and hold it against the vendor's document.

    read_ipsec.py FORMAT VARIANT SITE FILE [--count N] [--left-out ROW,...]

What is expected comes from the cells of the document (tests/fixtures/seed.tsv), the differences of the vendor's other
table as they stand below, and the site; the readers know the syntax of strongSwan, netsh, PowerShell and ip from their
manuals. Whether a packet goes in clear is asked of both, for packets around every edge of the addresses and ports.
"""
import argparse
import functools
import ipaddress
import itertools
import pathlib
import random
import re
import sys

import yaml

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "matrix"))
import test_seed  # noqa: E402

FIXTURE = HERE.parent / "fixtures" / "seed.tsv"
NO_MEDIA = "N’importe lequel"
# Where the vendor's page on network requirements states a rule otherwise.
NETWORK_REQUIREMENTS = {
    "ipsec/03": {"far": "av-edge-external"},
    "ipsec/12": {"protocols": ["tcp", "udp"]},
    "ipsec/13": {"protocols": ["tcp", "udp"]},
    "ipsec/15": {"protocols": ["tcp", "udp"], "media": False},
}
# Default ranges of the clients' media (clients/08 to 11), and what they run over.
CLIENT_MEDIA = {
    "client-audio": ((1024, 65535), ("tcp", "udp")), "client-video": ((1024, 65535), ("tcp", "udp")),
    "client-file-transfer": ((1024, 65535), ("tcp",)), "client-app-sharing": ((1024, 65535), ("tcp",)),
}
BASE = {"front-end-collocated-mediation": "front-end", "front-end-cms": "front-end"}
ANY_PORT = [(0, 65535)]


class Bad(Exception):
    """The file is not what its reader accepts."""


def ranges_of(networks):
    return [(int(net.network_address), int(net.broadcast_address), net.version) for net in networks]


def inside(ranges, address):
    number, version = int(address), address.version
    return any(low <= number <= high and version == kind for low, high, kind in ranges)


def port_inside(ranges, port):
    return any(low <= port <= high for low, high in ranges)


# --- what is expected

class Expected:
    def __init__(self, site, variant, left_out):
        self.site = site
        self.networks = [(ipaddress.ip_network(str(address)), pool)
                         for pool in site["pools"] for address in pool["addresses"]]
        self.rules = [self.rule(row, variant) for row in test_seed.read_fixture()
                      if row["table"] == "ipsec" and row["id"] not in left_out]

    def rule(self, row, variant):
        other = NETWORK_REQUIREMENTS.get(row["id"], {}) if variant == "network-requirements" else {}
        with open(FIXTURE, encoding="utf-8") as lines:
            cells = next(line.rstrip("\n").split("\t") for line in lines if line.startswith(row["id"] + "\t"))
        return {"role": row["role"], "inward": row["direction"] == ["in"], "far": other.get("far"),
                "protocols": other.get("protocols", row["protocols"]),
                "media": other.get("media", cells[-1] != NO_MEDIA)}

    @functools.cache
    def roles(self, address):
        """Those of the innermost prefix around an address."""
        around = [(net.prefixlen, pool) for net, pool in self.networks
                  if net.version == address.version and address in net]
        if not around:
            return set()
        roles = set(max(around, key=lambda one: one[0])[1]["roles"])
        return roles | {BASE[role] for role in roles if role in BASE}

    @functools.cache
    def is_end(self, word, address):
        if re.search(r"[.:/]", word):
            net = ipaddress.ip_network(word)
            return net.version == address.version and address in net
        return word in self.roles(address)

    def is_paired(self, one, other):
        return any(self.is_end(x, one) and self.is_end(y, other) or self.is_end(y, one) and self.is_end(x, other)
                   for x, y in (entry["between"] for entry in self.site.get("ipsec", [])))

    def media(self, protocol):
        moved = self.site.get("media", {})
        for name, (usual, protocols) in CLIENT_MEDIA.items():
            if protocol in protocols:
                yield tuple(map(int, str(moved[name]).split("-"))) if name in moved else usual

    def holds(self, rule, packet):
        source, destination, protocol, source_port, _ = packet
        near, far = (destination, source) if rule["inward"] else (source, destination)
        if protocol not in rule["protocols"] or rule["role"] not in self.roles(near):
            return False
        if rule["far"] and rule["far"] not in self.roles(far):
            return False
        return not rule["media"] or port_inside(list(self.media(protocol)), source_port)

    def clear(self, packet):
        source, destination, protocol, source_port, destination_port = packet
        back = (destination, source, protocol, destination_port, source_port)
        return (not self.is_paired(source, destination)
                and any(self.holds(rule, packet) or self.holds(rule, back) for rule in self.rules))

    # edges to ask about

    def addresses(self):
        words = [word for entry in self.site.get("ipsec", []) for word in entry["between"] if re.search(r"[.:/]", word)]
        for net in [net for net, _ in self.networks] + [ipaddress.ip_network(word) for word in words]:
            for number in (int(net.network_address), int(net.broadcast_address)):
                for beside in (number - 1, number, number + 1):
                    yield ipaddress.ip_address(beside) if net.version == 4 else ipaddress.IPv6Address(beside)
        for text in ("0.0.0.0", "198.51.100.7", "255.255.255.255", "::", "2001:db8:ffff::7", "ffff::1"):
            yield ipaddress.ip_address(text)

    def ports(self):
        edges = {0, 1, 500, 1023, 1024, 4500, 49152, 65535}
        for protocol in ("tcp", "udp"):
            for low, high in self.media(protocol):
                edges |= {low - 1, low, low + 1, (low + high) // 2, high - 1, high, min(high + 1, 65535)}
        return sorted(edges)


# --- readers; a rule is (source ranges, destination ranges, protocol, source ports, destination ports)

def read_port_list(text):
    if text == "any":
        return ANY_PORT
    ranges = [tuple(map(int, (part.split("-") * 2)[:2])) for part in text.split(",")]
    if any(low > high or high > 65535 for low, high in ranges):
        raise Bad(f"ports {text}")
    return ranges


def read_address_list(text):
    """Windows: any, addresses, subnets, ranges."""
    if text == "any":
        return [(0, 2 ** 32 - 1, 4), (0, 2 ** 128 - 1, 6)]
    found = []
    for word in text.split(","):
        first, dash, last = word.partition("-")
        if dash:
            low, high = ipaddress.ip_address(first), ipaddress.ip_address(last)
            if low.version != high.version or low >= high:
                raise Bad(f"range {word}")
            found.append((int(low), int(high), low.version))
        else:
            found += ranges_of([ipaddress.ip_network(word)])
    if len({version for _, _, version in found}) != 1:
        raise Bad(f"both families: {text}")
    return found


def windows_lines(text):
    if not text.endswith("\r\n") or text.replace("\r\n", "").count("\n"):
        raise Bad("line ends")
    if not text.isascii():
        raise Bad("not ASCII")
    return text.split("\r\n")


def once(names):
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise Bad(f"names given twice: {sorted(twice)}")
    for name in names:
        if not re.fullmatch(r"rolewall-ipsec-\d\d-[A-Za-z0-9._+-]+-v[46]-(tcp|udp)(-\d+)?(-part\d+|-back)?", name):
            raise Bad(f"name {name}")


def read_netsh(text):
    rules, names, last = [], [], None
    for line in windows_lines(text):
        if len(line) > 8191:
            raise Bad("a line that cmd would cut")
        if line in ("", "@echo off") or line.startswith("rem "):
            if re.search(r"[&|<>^%\"]", line.replace('"delete rule"', "")):
                raise Bad(f"a comment that acts: {line}")
            continue
        gone = re.fullmatch(r'netsh advfirewall consec delete rule name="([^"]+)" >nul 2>&1', line)
        if gone:
            last = gone[1]
            continue
        made = re.fullmatch(
            r'netsh advfirewall consec add rule name="([^"]+)" endpoint1=(\S+) endpoint2=(\S+) protocol=(tcp|udp) '
            r"port1=(\S+) port2=(\S+) action=noauthentication", line)
        if not made or made[1] != last:
            raise Bad(f"line {line[:200]}")
        names.append(made[1])
        rules.append((read_address_list(made[2]), read_address_list(made[3]), made[4],
                      read_port_list(made[5]), read_port_list(made[6])))
    once(names)
    return rules


QUOTED = r"'[^']*'(?:, '[^']*')*"


def unquote(text):
    return ",".join(re.findall(r"'([^']*)'", text))


def read_powershell(text):
    rules, names = [], []
    code = [line for line in windows_lines(text) if line and not line.startswith("# ")]
    if code[:2] != ["$ErrorActionPreference = 'Stop'",
                    "Remove-NetIPsecRule -Group 'rolewall-ipsec' -ErrorAction SilentlyContinue"]:
        raise Bad(f"start {code[:2]}")
    for line in code[2:]:
        options = dict(re.findall(rf" -(\w+) ({QUOTED}|None)", line))
        rebuilt = "New-NetIPsecRule" + "".join(f" -{key} {value}" for key, value in options.items()) + " | Out-Null"
        if line != rebuilt or set(options) != {
                "IPsecRuleName", "DisplayName", "Group", "Description", "InboundSecurity", "OutboundSecurity",
                "LocalAddress", "RemoteAddress", "Protocol", "LocalPort", "RemotePort"}:
            raise Bad(f"line {line[:200]}")
        if options["Group"] != "'rolewall-ipsec'" or options["IPsecRuleName"] != options["DisplayName"] or \
                (options["InboundSecurity"], options["OutboundSecurity"]) != ("None", "None"):
            raise Bad(f"rule {line[:200]}")
        names.append(unquote(options["IPsecRuleName"]))
        rules.append((read_address_list(unquote(options["LocalAddress"])),
                      read_address_list(unquote(options["RemoteAddress"])), unquote(options["Protocol"]),
                      read_port_list(unquote(options["LocalPort"])), read_port_list(unquote(options["RemotePort"]))))
    once(names)
    return rules


def read_selectors(text):
    """strongSwan: NET[PROTOCOL] or NET[PROTOCOL/PORTS]; the kernel needs ports as a number and a mask."""
    found = []
    for word in text.split(", "):
        match = re.fullmatch(r"(\S+)\[(tcp|udp)(?:/(\d+)(?:-(\d+))?)?\]", word)
        if not match:
            raise Bad(f"selector {word}")
        low, high = (int(match[3]), int(match[4] or match[3])) if match[3] else (0, 65535)
        size = high - low + 1
        if size & (size - 1) or low % size:
            raise Bad(f"no block: {word}")
        found.append(((ipaddress.ip_network(match[1]), match[2]), (low, high)))
    return [(*key, ranges) for key, ranges in grouped(found)]


def read_strongswan(text):
    lines = [re.sub(r" *#.*", "", line) for line in text.split("\n")]
    code = [line.strip() for line in lines if line.strip()]
    start = ["connections {", "rolewall-ipsec {", "remote_addrs = 127.0.0.1", "children {"]
    if code[:4] != start or code[-3:] != ["}"] * 3:
        raise Bad("connection")
    rules, names = [], []
    for child in zip(*[iter(code[4:-3])] * 6):
        name = re.fullmatch(r"([^\s.,:{}=\"#]+) \{", child[0])
        keys = [line.partition(" = ") for line in child[1:5]]
        if not name or child[5] != "}" or [key for key, _, _ in keys] != [
                "mode", "start_action", "local_ts", "remote_ts"] or (keys[0][2], keys[1][2]) != ("pass", "trap"):
            raise Bad(f"child {child}")
        names.append(name[1])
        for (near, protocol, from_ports), (far, other, to_ports) in itertools.product(
                read_selectors(keys[2][2]), read_selectors(keys[3][2])):
            if protocol == other and near.version == far.version:
                rules.append((ranges_of([near]), ranges_of([far]), protocol, from_ports, to_ports))
    if len(code) != 7 + 6 * len(names):
        raise Bad("something beside children")
    once(names)
    return rules


def grouped(pairs):
    groups = {}
    for key, value in pairs:
        groups.setdefault(key, []).append(value)
    return groups.items()


def read_single(port):
    return (int(port), int(port)) if port else ANY_PORT[0]


def read_xfrm(text):
    """Every direction has the same policies; of two with one selector, the later replaces the earlier."""
    found = {"out": set(), "in": set(), "fwd": set()}
    lines = text.split("\n")
    if lines[0] != "#!/bin/sh":
        raise Bad("first line")
    for line in lines[1:]:
        if not line or line.startswith("# "):
            continue
        match = re.fullmatch(
            r"ip xfrm policy update dir (out|in|fwd) src (\S+) dst (\S+) proto (tcp|udp)(?: sport (\d+))?(?: dport (\d+))?"
            r" action allow priority 100", line)
        if not match or match.groups()[1:] in found[match[1]]:
            raise Bad(f"line {line}")
        found[match[1]].add(match.groups()[1:])
    if not found["out"] == found["in"] == found["fwd"]:
        raise Bad("directions differ")
    return [(ranges_of([ipaddress.ip_network(source)]), ranges_of([ipaddress.ip_network(destination)]), protocol,
             [read_single(sport) for sport in sports], read_port_list(dport or "any"))
            for (source, destination, protocol, dport), sports in grouped(
                ((source, destination, protocol, dport), sport)
                for source, destination, protocol, sport, dport in found["out"])]


# Who takes a direction literally, so that the answers need rules of their own.
READERS = {"netsh": (read_netsh, True), "powershell": (read_powershell, True),
           "strongswan": (read_strongswan, False), "xfrm": (read_xfrm, False)}


class Rules:
    """The rules by protocol and IP version, as sets of those addresses and ports that are asked about."""

    def __init__(self, rules, addresses, ports):
        @functools.cache
        def hosts(ranges):
            return {address for address in addresses if inside(ranges, address)}

        @functools.cache
        def numbers(ranges):
            return {port for port in ports if port_inside(ranges, port)}

        self.kinds = dict(grouped(
            ((protocol, version), (hosts(tuple(source)), hosts(tuple(destination)), numbers(tuple(from_ports)),
                                   numbers(tuple(to_ports))))
            for source, destination, protocol, from_ports, to_ports in rules
            for version in {end[2] for end in source}))

    def match(self, packet):
        source, destination, protocol, source_port, destination_port = packet
        return any(source in sources and destination in destinations and source_port in from_ports and
                   destination_port in to_ports for sources, destinations, from_ports, to_ports in
                   self.kinds.get((protocol, source.version), ()))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("format", choices=READERS)
    parser.add_argument("variant")
    parser.add_argument("site")
    parser.add_argument("file")
    parser.add_argument("--count", type=int, default=3000)
    parser.add_argument("--left-out", default="")
    options = parser.parse_args()
    with open(options.site, encoding="utf-8") as text:
        expected = Expected(yaml.safe_load(text), options.variant, options.left_out.split(","))
    with open(options.file, encoding="ascii", newline="") as text:
        read, mirrored = READERS[options.format]
        rules = read(text.read())
    addresses, ports = list(expected.addresses()), expected.ports()
    kinds = Rules(rules, addresses, ports)
    rng, tally = random.Random(1), {True: 0, False: 0}
    while sum(tally.values()) < options.count:
        source, destination = rng.choice(addresses), rng.choice(addresses)
        packet = (source, destination, rng.choice(("tcp", "udp")), rng.choice(ports), rng.choice(ports))
        if source.version != destination.version:
            continue
        back = (*packet[1::-1], packet[2], *packet[:2:-1])
        want = expected.clear(packet)
        got = kinds.match(packet) or mirrored and kinds.match(back)
        tally[want] += 1
        if got != want:
            sys.exit(f"{options.format}: {' '.join(map(str, packet))}: {'clear' if got else 'IPsec'}, want the other")
    print(f"{len(rules)} rules, {tally[True]} packets in clear, {tally[False]} not")


if __name__ == "__main__":
    try:
        main()
    except Bad as bad:
        sys.exit(f"not accepted: {bad}")
