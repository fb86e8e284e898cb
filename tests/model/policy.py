# SPDX-License-Identifier: MIT
"""A site file and a matrix file as the model reads them: who holds which roles, what opens to whom.

Written from docs and design alone, in the plainest way; it shares nothing with the program.
"""

import ipaddress

import yaml

from rows import PROTOCOLS, UDP, Reader, as_list, conditions, exempt_roles, guarded_roles, port_range

IKE_PORTS = (500, 4500)
UNITS = {"s": 1, "m": 60, "h": 3600}
TIMEOUTS = {
    "tcp_opening": 240, "tcp": 7440, "tcp_closing": 240, "udp": 180, "icmp_echo": 60,
    "fragment": 30,
}  # fmt: skip


class Pool:
    def __init__(self, name, roles):
        self.name = name
        self.roles = roles
        self.guarded = False
        self.inbound = []  # (protocol, first, last, row), in the order of the documents
        self.outbound = []
        self.cache = {}

    def rows(self, which, protocol, port):
        key = (which, protocol, port)
        if key not in self.cache:
            self.cache[key] = [
                row
                for proto, first, last, row in getattr(self, which)
                if proto == protocol and first <= port <= last
            ]
        return self.cache[key]


def load(path):
    with open(path, encoding="utf-8") as file:
        return yaml.load(file, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def seconds(value):
    text = str(value)
    return int(text[:-1]) * UNITS[text[-1]] if text[-1] in UNITS else int(text)


class Policy:
    """What a site says of addresses and ports; all questions about packets are at its end."""

    def __init__(self, site, matrix):
        self.audit = site.get("mode", "enforce") == "audit"
        self.unlisted_drop = site.get("unlisted", "pass") == "drop"
        self.echo_allow = site.get("icmp_echo", "drop") == "allow"
        self.outbound_matrix = site.get("outbound", "open") == "matrix"
        self.asymmetric = site.get("asymmetric", False)
        self.timeouts = dict(TIMEOUTS)
        for name, value in site.get("timeouts", {}).items():
            self.timeouts[name] = seconds(value)
        self.sides = {}
        for interface in site["interfaces"]:
            if isinstance(interface, str):
                interface = {"name": interface}
            self.sides[interface["name"]] = interface.get("side", "any")
        self.matrix = matrix
        self.read_pools(site)
        self.give_rows(Reader(site, matrix).rows())
        self.read_failsafe(site.get("failsafe"))
        self.exempt_roles = exempt_roles(matrix)
        self.pairs = [
            [conditions(matrix, [word]) for word in entry["between"]]
            for entry in site.get("ipsec", [])
        ]
        self.found = {}
        self.admitted = {}

    # --- roles

    def read_pools(self, site):
        self.pools = {}
        self.prefixes = []
        for text in site["pools"]:
            roles = set()
            for role in as_list(text["roles"]):
                roles |= self.with_added(role)
            self.pools[text["name"]] = Pool(text["name"], roles)
            for address in as_list(text["addresses"]):
                self.prefixes.append((ipaddress.ip_network(address), text["name"]))
        self.inherit(site)
        guarded = guarded_roles(site, self.matrix)
        for pool in self.pools.values():
            pool.guarded = bool(pool.roles & guarded)
        self.by_length = {4: {}, 6: {}}
        for prefix, name in self.prefixes:
            lengths = self.by_length[prefix.version]
            key = prefix.network_address.packed
            lengths.setdefault(prefix.prefixlen, {}).setdefault(key, self.pools[name])

    def with_added(self, role):
        roles = {role}
        for added in self.matrix["roles"][role].get("adds", []):
            roles |= self.with_added(added)
        return roles

    def outer_pool(self, prefix, name):
        """The pool, another than NAME, with the longest prefix around this one."""
        around = [
            (other.prefixlen, owner)
            for other, owner in self.prefixes
            if owner != name
            and other.version == prefix.version
            and other.prefixlen < prefix.prefixlen
            and prefix.subnet_of(other)
        ]
        return max(around)[1] if around else None

    def inherit(self, site):
        wanting = {text["name"] for text in site["pools"] if text.get("inherit")}
        for _ in range(len(wanting)):  # an outer pool may itself inherit
            for prefix, name in self.prefixes:
                outer = self.outer_pool(prefix, name) if name in wanting else None
                if outer:
                    self.pools[name].roles |= self.pools[outer].roles

    # --- what the site opens

    def give_rows(self, rows):
        for row in rows:
            for pool in self.pools.values():
                if not pool.guarded or not row.holds(pool.roles):
                    continue
                cells = [(p, first, last, row) for p in row.protocols for first, last in row.ports]
                pool.inbound += cells if row.inward else []
                pool.outbound += cells if row.outward else []

    def read_failsafe(self, text):
        self.failsafe_from = []
        self.failsafe_ports = []  # (protocol, first, last)
        if text:
            self.failsafe_from = [ipaddress.ip_network(word) for word in as_list(text["from"])]
            for word in as_list(text["ports"]):
                ports, _, protocol = word.partition("/")
                self.failsafe_ports.append((PROTOCOLS[protocol], *port_range(ports)))

    # --- questions about addresses

    def lookup(self, address):
        """The pool of the longest prefix around an address (bytes), or None."""
        if address in self.found:
            return self.found[address]
        lengths = self.by_length[4 if len(address) == 4 else 6]
        bits = len(address) * 8
        number = int.from_bytes(address, "big")
        pool = None
        for length in sorted(lengths, reverse=True):
            kept = number >> (bits - length) << (bits - length)
            pool = lengths[length].get(kept.to_bytes(len(address), "big"))
            if pool:
                break
        self.found[address] = pool
        return pool

    def guarded(self, address):
        pool = self.lookup(address)
        return pool is not None and pool.guarded

    def admits(self, conditions, address):
        if conditions is None:
            return True
        key = (id(conditions), address)  # the lists live as long as the policy
        if key not in self.admitted:
            self.admitted[key] = any(self.fits(one, address) for one in conditions)
        return self.admitted[key]

    def fits(self, condition, address):
        if isinstance(condition, set):
            pool = self.lookup(address)
            return pool is not None and bool(pool.roles & condition)
        address = ipaddress.ip_address(address)
        return address.version == condition.version and address in condition

    def exempt(self, address):
        """Guarded, and of a role that IPsec must leave alone."""
        pool = self.lookup(address)
        return pool is not None and pool.guarded and bool(pool.roles & self.exempt_roles)

    def paired(self, one, other):
        """Some entry of `ipsec:` permits it between these two."""
        return any(
            self.admits(x, one) and self.admits(y, other)
            or self.admits(y, one) and self.admits(x, other)
            for x, y in self.pairs
        )  # fmt: skip

    # --- questions about ports

    def failsafe(self, protocol, port, peer):
        """The port is one that this peer reaches whatever else holds."""
        return any(
            proto == protocol and first <= port <= last
            for proto, first, last in self.failsafe_ports
        ) and self.admits(self.failsafe_from, peer)

    def opens(self, host, protocol, port, peer):
        """(the first row that lets PEER in or None, whether any row opens the port at all)."""
        rows = self.lookup(host).rows("inbound", protocol, port)
        for row in rows:
            if self.admits(row.sources, peer):
                return row, True
        return None, bool(rows)

    def lets_in(self, host, protocol, port, peer):
        """Without memory: by a row, by failsafe or by an IPsec pair."""
        if self.failsafe(protocol, port, peer):
            return True
        if protocol == UDP and port in IKE_PORTS and self.paired(host, peer):
            return True
        return self.opens(host, protocol, port, peer)[0] is not None

    def sends(self, host, protocol, port, peer):
        """The first outbound row of the host that leads to this port of this peer, or None."""
        for row in self.lookup(host).rows("outbound", protocol, port):
            if self.admits(row.targets, peer):
                return row
        return None

    def knows_initiator(self, destination, protocol, port, source):
        """A guarded destination's row for this port names the source as one who starts."""
        pool = self.lookup(destination)
        if pool is None or not pool.guarded:
            return False
        rows = pool.rows("inbound", protocol, port)
        return any(self.admits(row.initiators, source) for row in rows)
