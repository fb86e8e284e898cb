# SPDX-License-Identifier: MIT
"""Random sites for the judge: few addresses close to each other, so that edges meet."""

import ipaddress
import itertools

DEVICES = ("any0", "out0", "in0")
SIDES = ("any", "outside", "inside")

BASES4 = ("10.1.2.0/24", "10.1.3.0/24", "172.16.255.0/24", "192.0.2.0/25", "100.127.255.240/28")
BASES6 = ("2001:db8:2::/48", "2001:db8:2:1::/64", "fd00::/16", "2001:db8:ffff:ffff::/64")
MEDIA = ("audio", "video", "app-sharing", "client-audio", "client-video")
EDGE_PORTS = (1, 2, 79, 80, 255, 256, 257, 443, 511, 512, 1023, 1024, 5060, 5061, 49151, 49152,
              57500, 65279, 65280, 65534, 65535)  # fmt: skip


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


def random_row(rng, roles, prefixes):
    row = {
        "roles": rng.sample(roles, rng.randint(1, 2)),
        "ports": [random_ports(rng)],
        "protocols": rng.sample(["tcp", "udp"], rng.randint(1, 2)),
    }
    kind = rng.random()
    if kind < 0.4:
        row["from"] = rng.sample(roles, rng.randint(1, 2))
    elif kind < 0.7:
        row["from"] = rng.sample(prefixes, min(len(prefixes), rng.randint(1, 3)))
    elif kind < 0.75:
        row["from"] = [rng.choice(("0.0.0.0/0", "::/0", "0.0.0.0/1", "8000::/1"))]
    elif kind < 0.8:
        row["from"] = ["any"]
    elif kind < 0.85:
        row["from"] = [rng.choice(roles), rng.choice(prefixes)]
    return row


def random_site(rng, matrix):
    """As yaml.safe_load() gives it. What a site may not say can be among it: then apply refuses."""
    roles = list(matrix["roles"])
    count = rng.choice((1, 2, 3, 5, 8, 12))
    prefixes = sorted({random_prefix(rng) for _ in range(count * rng.randint(1, 4))})
    rng.shuffle(prefixes)
    pools = []
    for number in range(count):
        addresses = prefixes[number::count]
        if addresses:
            pools.append({
                "name": f"pool{number}",
                "roles": rng.sample(roles, rng.choice((1, 1, 1, 2, 3))),
                "addresses": addresses,
                "inherit": rng.random() < 0.2,
            })  # fmt: skip
    site = {
        "version": 1,
        "load_balancing": rng.choice(("dns", "hardware")),
        "mode": "audit" if rng.random() < 0.15 else "enforce",
        "unlisted": "drop" if rng.random() < 0.3 else "pass",
        "icmp_echo": rng.choice(("drop", "allow")),
        "interfaces": [
            {"name": name, "side": side} for name, side in zip(DEVICES, itertools.cycle(SIDES))
        ],
        "pools": pools,
        "extra": [
            random_row(rng, roles, sorted({*prefixes, *(random_prefix(rng) for _ in range(3))}))
            for _ in range(rng.randint(0, 12))
        ],
    }
    if rng.random() < 0.3:
        first = rng.choice((1024, 20000, 40000, 60000))
        site["media"] = {
            name: f"{first + i * 1000}-{first + i * 1000 + 999}"
            for i, name in enumerate(rng.sample(MEDIA, rng.randint(1, 3)))
        }
    return site
