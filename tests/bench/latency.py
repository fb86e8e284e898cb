# SPDX-License-Identifier: MIT
"""
How long legal traffic takes while illegal traffic is dropped: one CPU floods and pings, the other one is the
gateway's. The flood does not wait for the gateway, so what the gateway cannot take is lost at its door, legal or not.
It comes as fast as a CPU makes it, which is more than any filter takes, and at half of what rolewall takes.
"""

import contextlib
import os
import pathlib
import statistics
import subprocess
import time

import gateways
from frames import TCP
from place import TOOLS, Failure, run
from throughput import Flood

RATE = 2000  # datagrams a second
PERCENTILES = ("p50", "p90", "p99", "p99.9")
KEYS = ("sent", "received", *PERCENTILES, "longest")


def cpus():
    """The tester's and the gateway's."""
    found = sorted(os.sched_getaffinity(0))
    if len(found) < 2:
        raise Failure("latency wants two CPUs: a flood has to come from elsewhere")
    return found[0], found[-1]


def give_thread(gateway, cpu):
    """The gateway's first device gets a kernel thread of its own, which stays on CPU."""
    run("ip", "netns", "exec", gateway.namespace, "sh", "-c", f"echo 1 >/sys/class/net/{gateway.inward}/threaded")
    wanted = f"napi/{gateway.inward}-"
    own = [path.parent for path in pathlib.Path("/proc").glob("[0-9]*/comm") if read(path).startswith(wanted)]
    # other runs have devices of this name, too: ours is the newest
    newest = max(own, key=lambda path: int(read(path / "stat").rsplit(")", 1)[1].split()[19]))
    os.sched_setaffinity(int(newest.name), {cpu})
    os.setpriority(os.PRIO_PROCESS, int(newest.name), -20)


def favour_session(pid):
    """Niceness counts within a session only where the kernel groups by sessions."""
    with contextlib.suppress(OSError):
        pathlib.Path(f"/proc/{pid}/autogroup").write_text("-20")


def read(path):
    try:
        return path.read_text()
    except OSError:
        return ""


def ping(field, gateway, cpu, seconds):
    words = run("taskset", "-c", cpu, TOOLS / "pingpong", gateway.talk, gateways.SOURCE, "10.1.0.10",
                gateways.ECHO_PORT, RATE, seconds, namespace=field.client).split()
    return dict(zip(KEYS, map(int, words)))


def ping_under_flood(field, gateway, cpu, seconds, rate=None):
    """The flood starts before the ping and ends after it. RATE: frames a second, None = all it can."""
    before = received(gateway)
    flood = field.place.start("chrt", "--other", 0, "nice", "-n", "-20", "taskset", "-c", cpu, TOOLS / "flood",
                              gateway.near, seconds + 0.4, "networks", "60",
                              Flood.headers(gateway, TCP, gateways.ILLEGAL_PORT), *([int(rate)] if rate else []),
                              namespace=field.client,
                              stdout=subprocess.PIPE, text=True, start_new_session=True)
    favour_session(flood.pid)
    deadline = time.monotonic() + 10
    while received(gateway) - before < 1000:
        if time.monotonic() > deadline:
            raise Failure(f"{gateway.name}: the flood does not arrive")
        time.sleep(0.02)
    seen = ping(field, gateway, cpu, seconds)
    frames, wall, _ = map(int, flood.communicate()[0].split())
    return {**seen, "offered": frames / wall * 1e9, "judged": (received(gateway) - before) / wall * 1e9}


def received(gateway):
    return Flood.received(gateway)


@contextlib.contextmanager
def first_in_line():
    """This process and what it starts come before the flood and the gateway, which fill both CPUs."""
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(40))
    try:
        yield
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def stops(place, cpus, seconds):
    """What the CPUs lose while all of them are busy and nothing else runs, as the machine is: percent, and µs."""
    busy = [place.start(TOOLS / "stops", cpu, seconds, stdout=subprocess.PIPE, text=True) for cpu in cpus]
    found = [process.communicate()[0].split() for process in busy]
    return {"lost": float(found[-1][0]), "longest": int(found[-1][1])}


def ask(kind, field, gateway, cpu, seconds, rate):
    if kind == "idle":
        return ping(field, gateway, cpu, seconds)
    return ping_under_flood(field, gateway, cpu, seconds, rate if kind == "steady" else None)


def measure(place, effort, say):
    tester, own = cpus()
    say("latency: making gateways")
    field = gateways.build_few(place)
    assert field.gateways[0].name == "rolewall"
    for gateway in field.gateways:
        give_thread(gateway, own)
    rounds, rate = {}, None
    for number in range(effort.talks):
        say(f"latency: round {number + 1} of {effort.talks}")
        for gateway in field.gateways:
            for kind in ("idle", "flood", "steady"):
                with first_in_line():
                    seen = ask(kind, field, gateway, tester, effort.talk, rate)
                if kind == "flood" and not rate:
                    rate = seen["judged"] / 2  # the first one is rolewall
                if kind == "idle" and seen["received"] < 0.9 * seen["sent"]:
                    raise Failure(f"{gateway.name}: {seen['received']} of {seen['sent']} datagrams came back without a flood")
                rounds.setdefault((gateway.name, kind), []).append(seen)
            leaked = field.arrived(gateway)[1]
            if leaked:
                raise Failure(f"{gateway.name}: {leaked} illegal packets reached the far end")
    say("latency: the machine's own stops")
    rows = [row(name, kind, found, rounds["rolewall", kind]) for (name, kind), found in rounds.items()]
    return [*rows, {"filter": "none", "kind": "stops", **stops(place, (tester, own), 2 * effort.talk)}]


def row(name, kind, found, own):
    line = {"filter": name, "kind": kind}
    for key in found[0]:
        line[key] = statistics.median(seen[key] for seen in found)
    for key in PERCENTILES:
        values = sorted(seen[key] for seen in found)
        line[f"{key} spread"] = values[len(values) * 3 // 4] - values[len(values) // 4]
        pairs = [mine[key] / seen[key] for mine, seen in zip(own, found) if seen[key]]
        line[f"{key} ratio"] = statistics.median(pairs) if pairs else 0
    return line
