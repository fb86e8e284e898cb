# SPDX-License-Identifier: MIT
"""Random sites for the judge: few addresses close to each other, so that edges meet, and every
option that a site has."""

import copy
import ipaddress
import itertools

DEVICES = ("any0", "out0", "in0")
SIDES = ("any", "outside", "inside")

BASES4 = ("10.1.2.0/24", "10.1.3.0/24", "172.16.255.0/24", "192.0.2.0/25", "100.127.255.240/28")
BASES6 = ("2001:db8:2::/48", "2001:db8:2:1::/64", "fd00::/16", "2001:db8:ffff:ffff::/64")
MEDIA = ("audio", "video", "app-sharing", "client-audio", "client-video")
EDGE_PORTS = (1, 2, 79, 80, 255, 256, 257, 443, 499, 500, 501, 511, 512, 1023, 1024, 4499, 4500,
              4501, 5060, 5061, 49151, 49152, 57500, 65279, 65280, 65534, 65535)  # fmt: skip
TIMEOUT_NAMES = ("tcp_opening", "tcp", "tcp_closing", "udp", "icmp_echo", "fragment")
BUSY = ("front-end", "front-end-cms", "front-end-collocated-mediation", "mediation", "director",
        "client", "av-edge-internal", "pstn-gateway", "front-end-hlb")  # fmt: skip
WHOLE = ("0.0.0.0/0", "::/0", "0.0.0.0/1", "8000::/1")


def random_prefix(rng):
    base = ipaddress.ip_network(rng.choice(BASES4 if rng.random() < 0.5 else BASES6))
    bits = base.max_prefixlen
    # often a whole byte or a single address, where tries have their edges
    length = rng.choice(
        (bits, bits, bits - 1, bits - 2, bits - 4, bits - 8, base.prefixlen,
         rng.randint(base.prefixlen, bits), rng.randint(max(base.prefixlen - 9, 4), bits))
    )  # fmt: skip
    number = int(base.network_address) + rng.getrandbits(bits - base.prefixlen)
    if rng.random() < 0.5:  # near one end
        number = int(base.network_address) + rng.getrandbits(4)
    number = number >> (bits - length) << (bits - length)
    return str(ipaddress.ip_network((number, length), strict=False))


def random_ports(rng):
    first = rng.choice(EDGE_PORTS) if rng.random() < 0.7 else rng.randint(1, 65535)
    size = rng.choice((1, 1, 2, 16, 255, 256, 257, 1000, 65535))
    last = min(first + size - 1, 65535)
    return f"{first}-{last}" if last > first else str(first)


class SiteMaker:
    def __init__(self, rng, matrix):
        self.rng = rng
        self.matrix = matrix
        self.roles = list(matrix["roles"])
        self.words = self.roles + list(matrix.get("groups", {}))
        self.prefixes = []

    def chance(self, probability):
        return self.rng.random() < probability

    # --- peers

    def some(self, words, most):
        return self.rng.sample(words, min(len(words), self.rng.randint(1, most)))

    def far_end(self):
        """A value of `from` or `to`, or None for none."""
        kind = self.rng.random()
        if kind < 0.4:
            return self.some(self.words, 3)
        if kind < 0.7:
            return self.some(self.prefixes, 3)
        if kind < 0.75:
            return [self.rng.choice(WHOLE)]
        if kind < 0.8:
            return ["any"]
        if kind < 0.85:
            return [self.rng.choice(self.words), self.rng.choice(self.prefixes)]
        return None

    def peer(self):
        """One word of an IPsec pair; roles that somebody holds, mostly."""
        if self.chance(0.5):
            return self.rng.choice(self.prefixes)
        return self.rng.choice(self.held if self.chance(0.8) else self.words)

    # --- parts of a site

    def pools(self):
        rng = self.rng
        count = rng.choice((1, 2, 3, 5, 8, 12, 12, 40 if self.chance(0.2) else 5))
        prefixes = sorted({random_prefix(rng) for _ in range(count * rng.randint(1, 4))})
        rng.shuffle(prefixes)
        pools = []
        for number in range(count):
            addresses = prefixes[number::count]
            if addresses:
                pools.append({
                    "name": f"pool{number}",
                    "roles": self.random_roles(),
                    "addresses": addresses,
                    "inherit": rng.random() < 0.2,
                })  # fmt: skip
        self.prefixes = sorted({*prefixes, *(random_prefix(rng) for _ in range(3))})
        self.held = [role for pool in pools for role in pool["roles"]]
        return pools

    def random_roles(self):
        """Often of those that most of the matrix is about."""
        many = self.rng.choice((1, 1, 1, 2, 3))
        busy = [role for role in BUSY if role in self.roles] if self.chance(0.5) else []
        return self.rng.sample(busy or self.roles, many)

    def row(self):
        rng = self.rng
        row = {
            "roles": self.some(self.held, 2) if self.chance(0.5) else self.some(self.words, 2),
            "ports": [random_ports(rng)],
            "protocols": rng.sample(["tcp", "udp"], rng.randint(1, 2)),
        }
        row["roles"] = sorted(set(row["roles"]))
        direction = rng.choice((None, None, ["in"], ["out"], ["out"], ["in", "out"]))
        if direction:
            row["direction"] = direction
        ends = {"in": "from", "out": "to"}
        for word in direction or ["in"]:
            far_end = self.far_end()
            if far_end:
                row[ends[word]] = far_end
        if self.chance(0.2):
            row["optional"] = self.chance(0.8)
        return row

    def feature_words(self, site):
        """Ids and features of optional rows."""
        words = {f"extra/{i + 1:02}" for i, row in enumerate(site["extra"]) if row.get("optional")}
        tables = [*self.matrix["tables"].values(), *self.matrix.get("overlays", {}).values()]
        for table in tables:
            for row in table["rows"]:
                if row.get("optional"):
                    words.add(row["id"])
                    if "feature" in row:
                        words.add(row["feature"])
        return sorted(words)

    def failsafe(self):
        return {
            "from": self.some([p for p in self.prefixes if not p.endswith("/0")], 3),
            "ports": [
                f"{random_ports(self.rng)}/{self.rng.choice(('tcp', 'udp'))}"
                for _ in range(self.rng.choice((1, 1, 2)))
            ],
        }

    def timeouts(self):
        times = {}
        for name in self.some(TIMEOUT_NAMES, 6):
            most = 120 if name == "fragment" else 604800
            times[name] = self.rng.choice(
                (1, 2, 3, 10, 59, "1s", "1m", "90s", 120, min(most, 3600), most,
                 "2m" if name == "fragment" else "2h")
            )  # fmt: skip
        return times

    def media(self):
        first = self.rng.choice((1024, 20000, 40000, 60000))
        return {
            name: f"{first + i * 1000}-{first + i * 1000 + 999}"
            for i, name in enumerate(self.rng.sample(MEDIA, self.rng.randint(1, 3)))
        }

    def site(self):
        """As yaml.safe_load() gives it. What a site may not say can be among it: then apply refuses."""
        return self.around(self.pools())

    def changed(self, old):
        """The same addresses, other roles and other rules; timeouts stay, as entries have theirs."""
        pools = copy.deepcopy(old["pools"])
        for pool in pools:
            if self.chance(0.4):
                pool["roles"] = self.random_roles()
        if len(pools) > 1 and self.chance(0.3):
            pools.pop()
        new = self.around(pools)
        for key in sorted(new.keys() | old.keys()):
            if key == "timeouts" or key not in ("pools", "features") and self.chance(0.5):
                new.pop(key, None)
                if key in old:
                    new[key] = copy.deepcopy(old[key])
        if "features" in new:
            new["features"] = sorted(set(new["features"]) & set(self.feature_words(new)))
            if not new["features"]:
                del new["features"]
        return new

    def around(self, pools):
        rng = self.rng
        site = {
            "version": 1,
            "load_balancing": rng.choice(("dns", "hardware")),
            "mode": "audit" if self.chance(0.15) else "enforce",
            "unlisted": "drop" if self.chance(0.3) else "pass",
            "icmp_echo": rng.choice(("drop", "allow")),
            "interfaces": [
                {"name": name, "side": side}
                for name, side in zip(DEVICES, itertools.cycle(SIDES))
            ],
            "pools": pools,
            "extra": [],
        }
        site["extra"] = [self.row() for _ in range(rng.randint(0, 60 if self.chance(0.1) else 12))]
        if self.chance(0.3):
            site["media"] = self.media()
        if self.chance(0.5):
            site["profile"] = "least-privilege"
        if "profile" in site and self.chance(0.5):
            site["features"] = self.some(self.feature_words(site), 8)
        if self.chance(0.5):
            site["outbound"] = "matrix"
        if self.chance(0.4):
            site["failsafe"] = self.failsafe()
        if self.chance(0.5):
            site["ipsec"] = [
                {"between": [self.peer(), self.peer()]} for _ in range(rng.randint(1, 4))
            ]
        if self.chance(0.25):
            site["asymmetric"] = True
        if self.chance(0.3):
            site["timeouts"] = self.timeouts()
        if self.chance(0.4):
            site["overlays"] = self.some(sorted(self.matrix["overlays"]), 4)
        return site
