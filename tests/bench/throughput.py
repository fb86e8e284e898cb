# SPDX-License-Identifier: MIT
"""
Throughput over veth pairs: one CPU makes the frames, judges, forwards and counts them. Counted is the CPU's
time, not the wall's, so that other work on the machine does not count. RFC 2544: frame sizes (which have 4 bytes
of checksum that a veth does not), one flow (12) and 256 networks at random (12); RFC 3511 5.8: illegal traffic
that gets through.
"""

import json
import os
import pathlib
import statistics

import gateways
from frames import ACK, SYN, TCP, UDP, frame
from place import TOOLS, Failure, run

IMIX = "60,60,566,60,60,566,60,60,566,60,566,1514"
SIZES = {"64": "60", "512": "508", "1500": "1496", "9000": "8996", "IMIX": IMIX}
ONLY_DROP = ("XDP_DROP alone",)
PASSES_ALL = ("no filter",)
# What costs rolewall more than a SYN to a shut port, as it might be of a flow; beside whom it is measured.
DEAR = {"drop ACK": TCP, "drop UDP": UDP}
DEAR_PEERS = ("XDP_DROP alone", "rolewall", "xdp-filter", "nft ingress", "nft prerouting")


def cpu():
    """The last CPU: the first one gets most interrupts."""
    return max(os.sched_getaffinity(0))


def softirq_thread(number):
    for path in pathlib.Path("/proc").glob("[0-9]*/comm"):
        try:
            if path.read_text().strip() == f"ksoftirqd/{number}":
                return path.parent / "schedstat"
        except OSError:
            continue
    raise Failure(f"no ksoftirqd/{number}")


class Flood:
    """A flood of one kind, through one gateway after the other."""

    def __init__(self, field):
        self.field, self.cpu = field, cpu()
        self.softirq = softirq_thread(self.cpu)

    def softirq_ns(self):
        return int(self.softirq.read_text().split()[0])

    @staticmethod
    def headers(gateway, protocol, port, flags=SYN):
        packet = frame(gateways.SOURCE, "10.1.0.10", protocol, 40000, port, flags=flags, payload=bytes(24),
                       macs=gateway.mac + bytes.fromhex("020000000001"))
        headers = bytearray(packet[:54])
        if protocol == UDP:
            headers[40:42] = b"\0\0"  # no checksum
        return headers.hex()

    @staticmethod
    def received(gateway):
        link = json.loads(gateway.command("ip", "-json", "-stats", "link", "show", gateway.inward))[0]
        return link["stats64"]["rx"]["packets"]

    def send(self, gateway, headers, pattern, size, seconds):
        """One flood: ns of CPU for each packet that the gateway got, and what became of them."""
        field = self.field
        legal, leaked = field.arrived(gateway)
        received, softirq = self.received(gateway), self.softirq_ns()
        sent, _, used = map(int, run("taskset", "-c", self.cpu, TOOLS / "flood", gateway.near, seconds, pattern,
                                     SIZES[size], headers, namespace=field.client).split())
        used += self.softirq_ns() - softirq
        received = self.received(gateway) - received
        now_legal, now_leaked = field.arrived(gateway)
        if not received:
            raise Failure(f"{gateway.name}: nothing of {sent} frames came in")
        return {"sent": sent, "received": received, "delivered": now_legal - legal, "leaked": now_leaked - leaked,
                "cpu": used}


def quartiles(values):
    ordered = sorted(values)
    return ordered[len(ordered) // 4], statistics.median(ordered), ordered[len(ordered) * 3 // 4]


def dear_cases():
    return [(kind, protocol, gateways.ILLEGAL_PORT, "networks", "64") for kind, protocol in DEAR.items()]


def cases(effort):
    """Kind, protocol, port, pattern, size."""
    legal, illegal = gateways.LEGAL_PORT, gateways.ILLEGAL_PORT
    dear = dear_cases()
    if effort.name == "smoke":
        return [("drop", TCP, illegal, "networks", "64"), ("forward", UDP, legal, "networks", "64"),
                ("forward", UDP, legal, "networks", "9000"), *dear]
    found = []
    for kind, protocol, port in (("drop", TCP, illegal), ("forward", UDP, legal)):
        sizes = SIZES if effort.name == "full" else ("64", "IMIX")
        found += [(kind, protocol, port, pattern, size) for pattern in ("one", "networks") for size in sizes]
    return found + dear


# The filter in one packet costs less than the machine's moods: this pair is measured more often.
CLOSE = ("drop", TCP, gateways.ILLEGAL_PORT, "networks", "64")


def measure_close(flood, effort):
    pair = [gateway for gateway in flood.field.gateways if gateway.name in ("XDP_DROP alone", "rolewall")]
    rows = []
    for case in (CLOSE, *dear_cases()):
        kind = case[0].replace("drop", "close")
        rows += [{**row, "kind": kind} for row in measure_case(flood, case, pair, effort.rounds)]
    return rows


def fits(gateway, size):
    return max(map(int, SIZES[size].split(","))) <= gateway.mtu + 14


def judge(gateway, kind, seen):
    """A filter that lets illegal traffic through, or none of the legal, was not measured but broken."""
    passes = gateway.name in PASSES_ALL
    if kind != "forward" and seen["leaked"] and not passes:
        raise Failure(f"{gateway.name}: {seen['leaked']} illegal packets reached the far end")
    if kind == "forward" and (seen["leaked"] or seen["delivered"] < 0.5 * seen["received"]):
        raise Failure(f"{gateway.name}: {seen['delivered']} of {seen['received']} legal packets arrived")


def able(flood, case):
    """The gateways that can do this."""
    return [gateway for gateway in flood.field.gateways
            if fits(gateway, case[4]) and not (case[0] == "forward" and gateway.name in ONLY_DROP)
            and not (case[0] in DEAR and not gateway.name.startswith(DEAR_PEERS))]


def measure_case(flood, case, chosen, times, seconds=0.1):
    kind, protocol, port, pattern, size = case
    rounds = {gateway.name: [] for gateway in chosen}
    for _ in range(times):
        for gateway in chosen:
            headers = flood.headers(gateway, protocol, port, ACK if kind == "drop ACK" else SYN)
            seen = flood.send(gateway, headers, pattern, size, seconds)
            judge(gateway, kind, seen)
            rounds[gateway.name].append(seen)
    return [row(case, name, found, rounds) for name, found in rounds.items()]


def rate(kind, seen):
    """Packets for each second of the CPU."""
    return (seen["delivered"] if kind == "forward" else seen["received"]) / seen["cpu"] * 1e9


def row(case, name, found, rounds):
    kind, protocol, _, pattern, size = case
    low, middle, high = quartiles([rate(kind, seen) for seen in found])
    part = [rate(kind, own) / rate(kind, seen) for own, seen in zip(rounds["rolewall"], found)]
    first, ratio, third = quartiles(part)
    total = {key: sum(seen[key] for seen in found) for key in ("sent", "received", "delivered", "leaked")}
    return {"kind": kind, "protocol": "tcp" if protocol == TCP else "udp", "pattern": pattern, "size": size,
            "filter": name, "pps": round(middle), "spread": round(high - low), "ns": round(1e9 / middle, 1),
            "ratio": ratio, "ratio spread": third - first, **total}


def measure(place, effort, say):
    say("throughput: making gateways")
    field = gateways.build(place, effort)
    flood = Flood(field)
    results = []
    for case in cases(effort):
        say(f"throughput: {case[0]} {case[4]} bytes, {case[3]}")
        results += measure_case(flood, case, able(flood, case), effort.floods, effort.seconds)
    say("throughput: drop 64 bytes, beside XDP_DROP alone")
    return results + measure_close(flood, effort)
