# SPDX-License-Identifier: MIT
"""A site file and a matrix file as the model reads them: who holds which roles, what opens to whom.

Written from docs and design alone, in the plainest way; it shares nothing with the program.
"""

import ipaddress

import yaml

TCP, UDP = 6, 17
PROTOCOLS = {"tcp": TCP, "udp": UDP}


class Pool:
    def __init__(self, name, roles, guarded):
        self.name = name
        self.roles = roles
        self.guarded = guarded
        self.openings = []  # (protocol, first, last, None or a list of conditions)
        self.cache = {}


def load(path):
    with open(path, encoding="utf-8") as file:
        return yaml.load(file, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def as_list(value):
    return value if isinstance(value, list) else [value]


def port_range(word):
    first, _, last = str(word).partition("-")
    return int(first), int(last or first)


def matrix_rows(matrix, balancing):
    """The rows that open something in this mode of load balancing."""
    for table in matrix["tables"].values():
        if not table.get("opens", True):
            continue
        if table.get("load_balancing", balancing) != balancing:
            continue
        yield from table["rows"]


class Policy:
    """lookup(address) gives the pool of an address; opens(...) says what its rows say of a port."""

    def __init__(self, site, matrix):
        self.audit = site.get("mode", "enforce") == "audit"
        self.unlisted_drop = site.get("unlisted", "pass") == "drop"
        self.echo_allow = site.get("icmp_echo", "drop") == "allow"
        self.sides = {}
        for interface in site["interfaces"]:
            if isinstance(interface, str):
                interface = {"name": interface}
            self.sides[interface["name"]] = interface.get("side", "any")
        self.matrix = matrix
        self.media = site.get("media", {})
        self.pools = {}
        self.prefixes = []
        for text in site["pools"]:
            self.pools[text["name"]] = self.read_pool(text)
            for address in as_list(text["addresses"]):
                self.prefixes.append((ipaddress.ip_network(address), text["name"]))
        self.inherit(site)
        for pool in self.pools.values():
            pool.guarded = any(not matrix["roles"][role].get("peer") for role in pool.roles)
        self.open_ports(site)
        self.by_length = {4: {}, 6: {}}
        for prefix, name in self.prefixes:
            lengths = self.by_length[prefix.version]
            key = prefix.network_address.packed
            lengths.setdefault(prefix.prefixlen, {}).setdefault(key, self.pools[name])
        self.found = {}

    # --- roles

    def with_added(self, role):
        roles = {role}
        for added in self.matrix["roles"][role].get("adds", []):
            roles |= self.with_added(added)
        return roles

    def read_pool(self, text):
        roles = set()
        for role in as_list(text["roles"]):
            roles |= self.with_added(role)
        return Pool(text["name"], roles, False)

    def expand(self, word):
        """The roles a word stands for: itself, or the members of a group."""
        return set(self.matrix.get("groups", {}).get(word, [word]))

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

    # --- ports

    def open_ports(self, site):
        rows = list(matrix_rows(self.matrix, site.get("load_balancing", "dns")))
        rows += site.get("extra", [])
        for row in rows:
            # `from:` of the vendor's rows is for least-privilege; a site's own holds always
            own = "id" not in row
            roles = set()
            for word in as_list(row.get("roles", row.get("role"))):
                roles |= self.expand(word)
            if "in" not in as_list(row.get("direction", ["in"])):
                continue
            ports = as_list(row["ports"])
            if row.get("media") in self.media:
                ports = [self.media[row["media"]]]
            sources = self.conditions(row) if own else None
            for pool in self.pools.values():
                if not pool.guarded or not pool.roles & roles:
                    continue
                for word in as_list(row["protocols"]):
                    for first, last in map(port_range, ports):
                        pool.openings.append((PROTOCOLS[word], first, last, sources))

    def conditions(self, row):
        words = as_list(row.get("from", []))
        if not words or "any" in words:
            return None
        conditions = []
        for word in words:
            if any(mark in word for mark in ".:/"):
                conditions.append(ipaddress.ip_network(word))
            else:
                conditions.append(self.expand(word))
        return conditions

    # --- questions

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

    def admits(self, conditions, source):
        if conditions is None:
            return True
        pool = self.lookup(source)
        address = ipaddress.ip_address(source)
        for condition in conditions:
            if isinstance(condition, set):
                if pool and pool.roles & condition:
                    return True
            elif address.version == condition.version and address in condition:
                return True
        return False

    def opens(self, destination, protocol, port, source):
        """ "open", "closed", or "other": a row opens the port, but not to this source."""
        pool = self.lookup(destination)
        key = (protocol, port)
        if key not in pool.cache:
            pool.cache[key] = [
                conditions
                for proto, first, last, conditions in pool.openings
                if proto == protocol and first <= port <= last
            ]
        rows = pool.cache[key]
        if not rows:
            return "closed"
        return "open" if any(self.admits(row, source) for row in rows) else "other"
