# SPDX-License-Identifier: MIT
"""What of the latency is reported."""

from latency import PERCENTILES


NAMES = {"flood": "under flood", "steady": "under a flood of half of what rolewall takes"}


def under(kind, results):
    return [row for row in results if row["kind"] == kind]


def targets(results):
    found = []
    for kind, name in NAMES.items():
        nft = [row for row in under(kind, results) if row["filter"].startswith("nft ") and row["received"]]
        if nft:
            best = min(nft, key=lambda row: row["p99"])
            found.append((f"p99 of legal traffic {name} / best nftables ({best['filter']})", best["p99 ratio"], "<=", 0.5))
    return found


def lost(row):
    return 100 - 100 * row["received"] / row["sent"]


def lines_of(kind, results):
    idle = {row["filter"]: row for row in results if row["kind"] == "idle"}
    lines = []
    for row in under(kind, results):
        line = [row["filter"], f"{row['offered'] / 1e6:.2f}", f"{row['judged'] / 1e6:.2f}", f"{lost(row):.1f} %",
                f"{idle[row['filter']]['p50'] / 1e3:.0f}"]
        for key in PERCENTILES:
            line.append(f"{row[key] / 1e3:.0f} ±{row[key + ' spread'] / 2e3:.0f} ({row[key + ' ratio']:.2f})"
                        if row["received"] else "-")
        lines.append(line)
    return lines


def stops_text(results):
    stops = under("stops", results)[0]
    return (f"With nothing else running and both CPUs busy, the gateway's is elsewhere for {stops['lost']:.1f} % of the time in "
            f"stops of more than 100 µs, at most {stops['longest'] / 1000:.1f} ms: where that is more than 1 %, the 99th percentile "
            "says more of the machine than of a filter.")


def tables(results):
    head = ["filter", "flood, Mpps", "of it judged", "legal lost", "p50 idle, µs", *(f"{key}, µs" for key in PERCENTILES)]
    return [("Latency of legal traffic under flood", head, lines_of("flood", results),
             "A datagram and its answer, 2,000 a second, while SYNs to shut ports come as fast as one CPU makes them; the "
             "gateway has the other CPU. What it cannot take is lost at its door, legal or not. In brackets rolewall's time "
             "as a part of this one's. Times are of those datagrams that came back."),
            ("Latency under a flood of half of what rolewall takes", head, lines_of("steady", results),
             "The same with the same number of SYNs a second for every filter. " + stops_text(results))]


def plot(plots, results, folder):
    made = []
    for kind, file in (("flood", "latency.svg"), ("steady", "latency-steady.svg")):
        rows = under(kind, results)
        names = [f"{row['filter']} ({lost(row):.0f} % lost)" for row in rows]
        series = {key: [row[key] / 1e3 for row in rows] for key in PERCENTILES}
        title = f"A legal datagram and its answer {NAMES[kind]}, µs"
        plots.bars(folder / file, title, names, series, unit="µs", logarithmic=True)
        made.append((file, title))
    return made
