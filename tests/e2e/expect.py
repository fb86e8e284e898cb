#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Compare the ports a sweep reached with what the vendor's document opens: expect.py dns|hardware ADDRESS=ROLE...

Reads the sweep's lines (address, protocol, first port, last port) on stdin. What must be open comes from the cells of
the document (tests/fixtures/seed.tsv) as tests/matrix/test_seed.py reads them, and from the rules of the literal
profile below; nothing of it comes from the matrix file or from the binary. Exit status 1 on any difference.
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "matrix"))
sys.dont_write_bytecode = True
import test_seed  # noqa: E402

PORTS = 65536
PROTOCOLS = ("tcp", "udp")

VARIANTS = {"front-end-collocated-mediation": "front-end", "front-end-cms": "front-end"}
SERVERS = {"front-end", "director", "mediation", "persistent-chat-front-end"}  # and their variants
GROUPS = {"all-servers": SERVERS, "all-internal-servers": SERVERS}
BALANCER_TABLES = {"dns": "hlb-dns", "hardware": "hlb-only"}


def roles_of(role):
    return {role, VARIANTS.get(role, role)}


def opens(row, role, balancing):
    """True if this row opens its ports inbound on a host of that role, from any source."""
    if row["table"] == "ipsec" or "in" not in row["direction"]:
        return False
    if row["table"].startswith("hlb-") and row["table"] != BALANCER_TABLES[balancing]:
        return False
    return bool(GROUPS.get(row["role"], {row["role"]}) & roles_of(role))


def open_ports(rows, role, balancing):
    """{protocol: set of ports}; port 0 is no port."""
    result = {protocol: set() for protocol in PROTOCOLS}
    for row in rows:
        if opens(row, role, balancing):
            for protocol in row["protocols"]:
                for first, last in row["ports"]:
                    result[protocol].update(range(max(first, 1), last + 1))
    return result


def read_reached(lines):
    reached = {}
    for line in lines:
        address, protocol, first, last = line.split("\t")
        reached.setdefault((address, protocol), set()).update(range(int(first), int(last) + 1))
    return reached


def stretches(ports):
    """'80, 443-445' for a set of ports."""
    parts = []
    for port in sorted(ports):
        if parts and port == parts[-1][1] + 1:
            parts[-1][1] = port
        else:
            parts.append([port, port])
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in parts)


def main(arguments):
    balancing, *pairs = arguments
    targets = dict(pair.split("=") for pair in pairs)
    rows = test_seed.read_fixture()
    reached = read_reached(sys.stdin)
    wrongly_open = wrongly_shut = right_open = 0
    for address, role in targets.items():
        wanted = open_ports(rows, role, balancing)
        for protocol in PROTOCOLS:
            got = reached.pop((address, protocol), set())
            right_open += len(got & wanted[protocol])
            for kind, ports in (("open", got - wanted[protocol]), ("shut", wanted[protocol] - got)):
                if ports:
                    print(f"{address} ({role}) {protocol}: wrongly {kind}: {stretches(ports)}")
            wrongly_open += len(got - wanted[protocol])
            wrongly_shut += len(wanted[protocol] - got)
    for address, protocol in reached:
        print(f"{address} {protocol}: reached, though it is no target")
    probes = len(targets) * len(PROTOCOLS) * PORTS
    print(f"{probes} ports probed, {right_open} rightly open, {probes - right_open - wrongly_open - wrongly_shut} "
          f"rightly shut, {wrongly_open} wrongly open, {wrongly_shut} wrongly shut")
    return 1 if wrongly_open or wrongly_shut or reached else 0


if __name__ == "__main__":
    if len(sys.argv) < 3 or sys.argv[1] not in BALANCER_TABLES:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1:]))
