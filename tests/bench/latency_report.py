# SPDX-License-Identifier: MIT
"""What of the latency is reported."""


def under_flood(results):
    return [row for row in results if row["kind"] == "flood"]


def targets(results):
    nft = [row for row in under_flood(results) if row["filter"].startswith("nft ") and row["received"]]
    if not nft:
        return []
    best = min(nft, key=lambda row: row["p99"])
    return [(f"p99 of legal traffic under flood / best nftables ({best['filter']})", best["p99 ratio"], "<=", 0.5)]


def lost(row):
    return 100 - 100 * row["received"] / row["sent"]


def tables(results):
    idle = {row["filter"]: row for row in results if row["kind"] == "idle"}
    lines = []
    for row in under_flood(results):
        line = [row["filter"], f"{row['offered'] / 1e6:.2f}", f"{row['judged'] / 1e6:.2f}", f"{lost(row):.1f} %",
                f"{idle[row['filter']]['p50'] / 1e3:.0f}"]
        for key in ("p50", "p99", "p99.9"):
            line.append(f"{row[key] / 1e3:.0f} ±{row[key + ' spread'] / 2e3:.0f} ({row[key + ' ratio']:.2f})"
                        if row["received"] else "-")
        lines.append(line)
    return [("Latency of legal traffic under flood", ["filter", "flood, Mpps", "of it judged", "legal lost", "p50 idle, µs",
                                                      "p50, µs", "p99, µs", "p99.9, µs"], lines,
             "A datagram and its answer, 2,000 a second, while SYNs to shut ports come as fast as one CPU makes them; the "
             "gateway has the other CPU. What it cannot take is lost at its door, legal or not. In brackets rolewall's time "
             "as a part of this one's.")]


def plot(plots, results, folder):
    rows = under_flood(results)
    names = [f"{row['filter']} ({lost(row):.0f} % lost)" for row in rows]
    series = {key: [row[key] / 1e3 for row in rows] for key in ("p50", "p99", "p99.9")}
    title = "A legal datagram and its answer under flood, µs"
    plots.bars(folder / "latency.svg", title, names, series, unit="µs", logarithmic=True)
    return [("latency.svg", title)]
