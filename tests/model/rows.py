# SPDX-License-Identifier: MIT
"""The rows of a matrix file and of a site, as they count under the site's options.

Written from docs and design alone, in the plainest way; it shares nothing with the program.
"""

import ipaddress
from dataclasses import dataclass

TCP, UDP = 6, 17
PROTOCOLS = {"tcp": TCP, "udp": UDP}


def as_list(value):
    return value if isinstance(value, list) else [value]


def port_range(word):
    first, _, last = str(word).partition("-")
    return int(first), int(last or first)


def expand(matrix, word):
    """The roles a word stands for: itself, or the members of a group."""
    return set(matrix.get("groups", {}).get(word, [word]))


def conditions(matrix, words):
    """None for anybody; else a list of sets of roles and of prefixes, of which one must fit."""
    words = as_list(words or [])
    if not words or "any" in words:
        return None
    return [
        ipaddress.ip_network(word)
        if any(mark in word for mark in ".:/")
        else expand(matrix, word)
        for word in words
    ]


@dataclass
class Row:
    id: str
    roles: set  # of which a host must hold one
    only: set  # and one of these; None: no further limit
    protocols: list
    ports: list  # of (first, last)
    inward: bool
    outward: bool
    sources: list  # conditions: whom it admits
    initiators: list  # conditions: who is known to start such connections, in any profile
    targets: list  # conditions: where it lets the host go

    def holds(self, roles):
        return bool(self.roles & roles) and (self.only is None or bool(self.only & roles))


class Reader:
    def __init__(self, site, matrix):
        self.matrix = matrix
        self.least = site.get("profile", "literal") == "least-privilege"
        self.features = set(as_list(site.get("features", [])))
        self.media = site.get("media", {})
        self.balancing = site.get("load_balancing", "dns")
        self.overlays = set(as_list(site.get("overlays", [])))
        self.extra = site.get("extra", [])

    def rows(self):
        """In the order of the documents."""
        for table in self.matrix["tables"].values():
            if self.counts(table):
                for text in filter(self.wanted, table["rows"]):
                    yield self.vendors(text)
                    if self.least and text.get("outgoing"):
                        yield self.far_end(text)
        for name, table in self.matrix.get("overlays", {}).items():
            if name in self.overlays and self.counts(table):
                for text in filter(self.wanted, table["rows"]):
                    yield self.row(text["id"], text, True)
        for number, text in enumerate(self.extra):
            id = f"extra/{number + 1:02}"
            if self.wanted({"id": id, **text}):
                yield self.row(id, text, True)

    def counts(self, table):
        if not table.get("opens", True):
            return False
        return table.get("load_balancing", self.balancing) == self.balancing

    def wanted(self, text):
        """Optional rows are off in least-privilege unless their id or feature is named."""
        if not self.least or not text.get("optional"):
            return True
        return bool({text["id"], *as_list(text.get("feature", []))} & self.features)

    def vendors(self, text):
        """A row of the vendor's tables: its from and to limit in least-privilege only."""
        row = self.row(text["id"], text, self.least)
        if self.least:
            if text.get("outgoing"):
                row.inward = False
            if "only" in text:
                row.only = set()
                for word in as_list(text["only"]):
                    row.only |= expand(self.matrix, word)
        return row

    def far_end(self, text):
        """Where an outgoing row leads to: it lets those in who have the row."""
        back = {**text, "role": text["to"], "from": text["role"], "to": "any", "direction": "in"}
        return self.row(text["id"], back, True)

    def row(self, id, text, limits):
        roles = set()
        for word in as_list(text.get("roles", text.get("role"))):
            roles |= expand(self.matrix, word)
        ports = as_list(text["ports"])
        if text.get("media") in self.media:
            ports = [self.media[text["media"]]]
        direction = as_list(text.get("direction", ["in"]))
        sources = conditions(self.matrix, text.get("from"))
        targets = conditions(self.matrix, text.get("to"))
        return Row(
            id=id,
            roles=roles,
            only=None,
            protocols=[PROTOCOLS[word] for word in as_list(text["protocols"])],
            ports=list(map(port_range, ports)),
            inward="in" in direction,
            outward="out" in direction,
            sources=sources if limits else None,
            initiators=sources,
            targets=targets if limits else None,
        )


def guarded_roles(site, matrix):
    """All but peers; of those, such that an overlay opens ports of."""
    roles = {id for id, role in matrix["roles"].items() if not role.get("peer")}
    reader = Reader(site, matrix)
    for name, table in matrix.get("overlays", {}).items():
        if name in reader.overlays and reader.counts(table):
            for text in filter(reader.wanted, table["rows"]):
                if "in" in as_list(text["direction"]):
                    roles |= expand(matrix, text["role"])
    return roles


def exempt_roles(matrix):
    """Whose traffic must not negotiate IPsec."""
    roles = set()
    for text in matrix["tables"].get("ipsec", {}).get("rows", []):
        for word in as_list(text["role"]):
            roles |= expand(matrix, word)
    return roles
