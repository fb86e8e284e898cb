# SPDX-License-Identifier: MIT
"""What of the verdicts' cost is reported."""

PEERS = ("xdp-filter", "hash", "lpm", "lpm flow")


def index(results):
    return {(row["group"], row["packet"], row["program"]): row for row in results}


def ratio(results, packet, peer, group):
    """Rolewall's part of the peer's cost."""
    return index(results)[group, packet, peer]["ratio"]


def beside(results, packet, first):
    """What a packet costs beside another one of the same run."""
    return index(results)[f"beside {first}", packet, "rolewall"]["times"]


def targets(results):
    allow, reply, new = "IPv4 TCP allow", "IPv4 reply on a flow", "IPv4 new outbound flow"
    return [
        ("IPv4 allow / xdp-filter", ratio(results, allow, "xdp-filter", "plain"), "<=", 1 / 8),
        ("IPv4 deny / xdp-filter", ratio(results, "IPv4 SYN deny", "xdp-filter", "plain"), "<=", 1 / 8),
        *((f"{packet} (the dear kind) / xdp-filter", ratio(results, packet, "xdp-filter", "plain"), "<=", bound)
          for packet, bound in (("IPv4 ACK deny", 1 / 8), ("IPv4 UDP deny", 1 / 8), ("IPv6 ACK deny", 1 / 5),
                                ("IPv6 UDP deny", 1 / 5))),
        ("IPv6 allow / xdp-filter", ratio(results, "IPv6 TCP allow", "xdp-filter", "plain"), "<=", 1 / 5),
        ("reply by flow, whole verdict / LRU_HASH lookup alone", ratio(results, reply, "LRU lookup", "flows"), "<=", 1 / 3),
        ("new outbound flow, whole verdict / LRU_HASH insert alone", ratio(results, new, "LRU insert", "flows"), "<=",
         1 / 10),
        ("IPv6 allow / IPv4 allow", beside(results, "IPv6 TCP allow", "IPv4"), "<=", 2),
        ("IPv4 reply by flow / open port allow", beside(results, reply, "IPv4"), "<=", 2),
        ("IPv6 reply by flow / open port allow", beside(results, "IPv6 reply on a flow", "IPv6"), "<=", 2),
    ]


def packets(results, group):
    return list(dict.fromkeys(row["packet"] for row in results if row["group"] == group))


def pair(row):
    """NS, and how far the quartiles lie apart."""
    return f"{row['ns']:.1f} ±{row['spread'] / 2:.1f}" if row else ""


def table(results, group, columns, title, note=""):
    rows, lines = index(results), []
    for packet in packets(results, group):
        own = rows[group, packet, "rolewall"]
        line = [packet, pair(own)]
        for name in columns:
            peer = rows.get((group, packet, name))
            line += [pair(peer), f"{peer['ratio']:.2f} ±{peer['ratio spread'] / 2:.2f}" if peer else ""]
        lines.append(line)
    head = ["packet", "rolewall, ns"] + [word for name in columns for word in (f"{name}, ns", "ratio")]
    return title, head, lines, note


def tables(results):
    return [
        table(results, "plain", PEERS, "One verdict above an empty program",
              "± is half the distance between the quartiles; ratio is rolewall's part of the column before, taken round by "
              "round. xdp-filter "
              "knows no pairs of address and port, so that it passes what is denied here; hash, lpm and lpm flow "
              "are tests/bench/designs.bpf.c, a map for each question."),
        table(results, "odd", ("xdp-filter", "hash whole", "lpm whole"), "Tags and fragments",
              "hash whole and lpm whole are the designs with tags and fragments, these in an LRU_HASH. xdp-filter reads a later "
              "fragment's payload as ports."),
        table(results, "flows", ("LRU lookup", "LRU insert", "lpm flow"), "Flows",
              "LRU lookup and LRU insert do nothing else than that; rolewall and lpm flow give their whole verdict."),
        besides(results),
        options(results),
    ]


def besides(results):
    rows = [row for row in results if row["group"].startswith("beside ")]
    first = {row["group"]: row["packet"] for row in reversed(rows)}
    lines = [[row["packet"], first[row["group"]], pair(row), f"{row['times']:.2f} ±{row['times spread'] / 2:.2f}"]
             for row in rows if row["packet"] != first[row["group"]]]
    return ("One packet beside another", ["packet", "beside", "rolewall, ns", "ratio"], lines,
            "Both packets take turns; the ratio is taken round by round.")


OPTIONS = ("sources", "audit", "events", "shadow")


def options(results):
    """A line for each option, beside rolewall without one, and the peers, which have none of them."""
    rows, lines = index(results), []
    measured = {row["program"] for row in results if row["group"] == "options"}
    for packet in packets(results, "options"):
        for name in ("rolewall", *(name for name in OPTIONS if name in measured)):
            own = rows["options", packet, name]
            line = [packet, "none" if name == "rolewall" else name, pair(own), f"{1 / own['ratio']:.2f}"]
            lines.append(line + [f"{rows['options', packet, peer]['ratio'] / own['ratio']:.2f}" for peer in PEERS[:3]])
    return ("What options cost", ["packet", "option", "ns", "ratio to none", *(f"ratio to {peer}" for peer in PEERS[:3])], lines,
            "sources: profile least-privilege; audit: mode audit; events: while rolewall watch runs; shadow: a candidate beside "
            "the active policy. The peers have no such options, and judge the same packets.")


def plot(plots, results, folder):
    rows = index(results)
    wanted = packets(results, "plain")
    series = {name: [rows["plain", packet, name]["ns"] for packet in wanted] for name in ("rolewall", *PEERS)}
    title = "One verdict above an empty program, ns"
    plots.bars(folder / "verdict.svg", title, wanted, series)
    flows = packets(results, "flows")
    series = {name: [rows.get(("flows", packet, name), {"ns": 0})["ns"] for packet in flows]
              for name in ("rolewall", "lpm flow", "LRU lookup", "LRU insert")}
    plots.bars(folder / "flows.svg", "Flows: one verdict above an empty program, ns", flows, series)
    return [("verdict.svg", title), ("flows.svg", "Flows")]
