# SPDX-License-Identifier: MIT
"""What of the throughput is reported."""

from gateways import FORWARDING


def cases(results, kind):
    found = [(row["pattern"], row["size"]) for row in results if row["kind"] == kind]
    return list(dict.fromkeys(found))


def index(results):
    return {(row["kind"], row["pattern"], row["size"], row["filter"]): row for row in results}


def filters(results, kind):
    return list(dict.fromkeys(row["filter"] for row in results if row["kind"] == kind))


def best_nft(results, kind, case):
    rows = [row for row in results if row["kind"] == kind and (row["pattern"], row["size"]) == case
            and row["filter"].startswith("nft ")]
    return max(rows, key=lambda row: row["pps"])


def dear_kinds(results):
    return list(dict.fromkeys(row["kind"] for row in results if row["kind"].startswith("drop ")))


def targets(results):
    case = ("networks", "64")
    alone = index(results)["close", *case, "XDP_DROP alone"]
    best = best_nft(results, "drop", case)
    found = [
        ("drop throughput, 64 bytes / XDP_DROP alone", alone["ratio"], ">=", 0.97),
        (f"drop throughput, 64 bytes / best nftables ({best['filter']})", best["ratio"], ">=", 1.8),
    ]
    for kind in dear_kinds(results):
        alone = index(results)[kind.replace("drop", "close"), *case, "XDP_DROP alone"]
        best = best_nft(results, kind, case)
        what = f"{kind.split()[1]} drop throughput (the dear kind), 64 bytes"
        found += [(f"{what} / XDP_DROP alone", alone["ratio"], ">=", 0.97),
                  (f"{what} / best nftables ({best['filter']})", best["ratio"], ">=", 1.8)]
    own = index(results).get(("forward", *case, FORWARDING))
    if own:
        best = best_nft(results, "forward", case)
        found.append((f"forward throughput, forwarding: xdp, 64 bytes / kernel with the best nftables ({best['filter']})",
                      own["pps"] / best["pps"], ">=", 1.8))
    return found


def close(results):
    """The two that differ by a verdict alone; what the target leaves for it."""
    rows, lines = index(results), []
    for kind in ("drop", *dear_kinds(results)):
        alone, own = (rows[kind.replace("drop", "close"), "networks", "64", name] for name in ("XDP_DROP alone", "rolewall"))
        parts = {"XDP_DROP alone": "1", "rolewall": f"{alone['ratio']:.3f} ±{alone['ratio spread'] / 2:.3f}"}
        lines += [[(kind.split() + ["SYN"])[1], row["filter"], f"{row['pps'] / 1e6:.2f} ±{row['spread'] / 2e6:.2f}",
                   f"{row['ns']:.0f}", parts[row["filter"]]] for row in (alone, own)]
    alone = rows["close", "networks", "64", "XDP_DROP alone"]
    return ("A drop beside XDP_DROP alone, 64 bytes", ["packet", "filter", "Mpps", "ns a packet", "of XDP_DROP alone"], lines,
            f"Making, sending, receiving and recycling the frame takes {alone['ns']:.0f} ns; 0.97 of its rate leaves "
            f"{alone['ns'] / 0.97 - alone['ns']:.1f} ns for a whole verdict. XDP_DROP alone reads nothing of the packet.")


def dear(results):
    kinds, rows = dear_kinds(results), index(results)
    lines = []
    for name in filters(results, kinds[0]) if kinds else ():
        found = [rows[kind, "networks", "64", name] for kind in ("drop", *kinds)]
        lines.append([name] + [f"{row['pps'] / 1e6:.2f} ({row['ratio']:.2f})" for row in found])
    head = ["filter", "SYN", *(kind.split()[1] for kind in kinds)]
    return ("Drop throughput of what is dear, 64 bytes, 256 networks, Mpps", head, lines,
            "ACKs and datagrams to shut ports, which might belong to a flow, so that rolewall looks for one. In brackets as "
            "above, and so is the column SYN.")


PATTERNS = {"one": "one flow", "networks": "256 networks"}


def both(results, kind, what, note):
    """A table for each pattern that was measured; the note stands below the first."""
    columns = {pattern: [case for case in cases(results, kind) if case[0] == pattern] for pattern in PATTERNS}
    found = [table(results, kind, f"{what} throughput, {PATTERNS[pattern]}, Mpps", chosen)
             for pattern, chosen in columns.items() if chosen]
    return [(*found[0], note), *((*more, "") for more in found[1:])]


def table(results, kind, title, columns):
    rows = index(results)
    head = ["filter"] + [size for _, size in columns]
    lines = []
    for name in filters(results, kind):
        line = [name]
        for case in columns:
            row = rows.get((kind, *case, name))
            line.append(f"{row['pps'] / 1e6:.2f} ({row['ratio']:.2f})" if row else "-")
        lines.append(line)
    return title, head, lines


def tables(results):
    return [
        *both(results, "drop", "Drop",
              "By the frame's size. Millions of illegal packets (SYN to a shut port) for each second of one CPU, which makes, "
              "receives and drops them; in brackets rolewall's rate as a multiple of this one, taken round by round. \"No filter\" "
              "forwards them."),
        close(results),
        dear(results),
        *both(results, "forward", "Forward",
              "Legal packets (UDP to an open port) that arrived at the far end, for each second of one CPU, which makes, "
              "judges, forwards and counts them."),
        leaks(results),
    ]


def leaks(results):
    lines = []
    for name in filters(results, "drop"):
        drop = [row for row in results if row["filter"] == name and row["kind"].startswith("drop")]
        forward = [row for row in results if row["filter"] == name and row["kind"] == "forward"]
        illegal, leaked = sum(row["received"] for row in drop), sum(row["leaked"] for row in drop)
        legal, delivered = sum(row["received"] for row in forward), sum(row["delivered"] for row in forward)
        lines.append([name, f"{illegal:,}", f"{leaked:,}", f"{100 * leaked / illegal:.4g} %", f"{legal:,}",
                      f"{delivered:,}", f"{100 - 100 * delivered / legal:.4g} %" if legal else "-"])
    return ("Illegal traffic allowed, legal traffic lost", ["filter", "illegal", "of it leaked", "", "legal", "of it delivered",
                                                            "lost"],
            lines, "RFC 3511, 5.8. Counted at the far end.")


def plot(plots, results, folder):
    found = []
    for kind, title in (("drop", "Drop throughput, Mpps of one CPU"), ("forward", "Forward throughput, Mpps of one CPU")):
        rows = index(results)
        names = filters(results, kind)
        wanted = [case for case in cases(results, kind) if case[1] in ("64", "IMIX")]
        series = {f"{size} bytes, {PATTERNS[pattern]}" if size != "IMIX" else f"IMIX, {PATTERNS[pattern]}":
                  [rows.get((kind, pattern, size, name), {"pps": 0})["pps"] / 1e6 for name in names]
                  for pattern, size in wanted}
        plots.bars(folder / f"{kind}.svg", title, names, series, unit="Mpps")
        found.append((f"{kind}.svg", title))
    return found
