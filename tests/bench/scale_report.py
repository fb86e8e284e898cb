# SPDX-License-Identifier: MIT
"""What of the scale is reported."""


def of_kind(kind, results):
    return [row for row in results if row["kind"] == kind]


def targets(results):
    found = []
    for row in of_kind("applies", results):
        found.append((f"apply over a running site, {row['prefixes']:,} prefixes in {row['pools']} pools, slowest of "
                      f"{row['times']}, s", row["slowest"], "<=", 0.1 if row["prefixes"] <= 1000 else 2))
    for family in (4, 6):
        sites = [row for row in of_kind("site", results) if row["family"] == family and row["how"] == "random"]
        if len(sites) < 2:
            continue
        most, least = max(sites, key=lambda row: row["prefixes"]), min(sites, key=lambda row: row["prefixes"])
        for word, what in (("hot", "one destination"), ("cold", "random destinations")):
            found.append((f"IPv{family} verdict, {most['prefixes']:,} random prefixes / {least['prefixes']:,}, {what}",
                          most[f"{word} growth"], "<=", 1.2))
    return found


def size(number):
    return f"{number / 2 ** 20:.1f}" if number < 100 * 2 ** 20 else f"{number / 2 ** 20:.0f}"


def tables(results):
    costs, weights = [], []
    for row in of_kind("site", results):
        line = [row["case"], str(row["pools"])]
        for word in ("hot", "cold"):
            line += [f"{row[f'{word} ns']:.1f} ±{row[f'{word} spread'] / 2:.1f}", f"{row[f'{word} growth']:.2f}",
                     f"{row[f'{word} lpm ns']:.1f}", f"{row[f'{word} to lpm']:.2f}"]
        costs.append(line)
        weights.append([row["case"], str(row["pools"]), size(row["image"]), size(row["memory"]), f"{row['compile']:.2f}",
                        f"{row['first apply']:.2f}", f"{row['apply again']:.2f}", f"{row['verified']:,}"])
    return [
        ("A verdict as the site grows", ["prefixes", "pools", "one destination, ns", "to the smallest", "LPM_TRIE, ns", "ratio",
                                         "random destinations, ns", "to the smallest", "LPM_TRIE, ns", "ratio"], costs,
         "An allow. Random destinations are 131,072 of the site's prefixes in a row, so that neither design finds its cells "
         "in the nearest cache; LPM_TRIE is the design lpm with the same prefixes. To the smallest: each by turns with that "
         "site alone."),
        ("What a site takes", ["prefixes", "pools", "image, MiB", "all maps, MiB", "check, s", "first apply, s", "apply again, s",
                               "instructions verified"], weights,
         "check reads, resolves and compiles; the first apply loads programs, too; apply again changes a pool's roles. All maps "
         "are four slots of the image (two above 64 MiB), flows, fragments, counters."),
        applies(results),
    ]


def applies(results):
    lines = [[row["case"], str(row["pools"]), str(row["times"]), f"{row['median'] * 1000:.0f}", f"{row['slowest'] * 1000:.0f}"]
             for row in of_kind("applies", results)]
    return ("An apply over a running site", ["prefixes", "pools", "applies", "median, ms", "slowest, ms"], lines,
            "The whole command by the clock; sites in turns that differ in one pool's roles. The slowest of so few is what a "
            "99th percentile of them would be.")


def plot(plots, results, folder):
    title = "An IPv4 allow as the site grows, ns"
    panels = {}
    for word, panel in (("hot", "one destination"), ("cold", "random destinations")):
        panels[panel] = {}
        for name, key in (("rolewall", f"{word} ns"), ("LPM_TRIE", f"{word} lpm ns")):
            for how in ("random", "clustered"):
                points = [(row["prefixes"], row[key]) for row in of_kind("site", results) if row["how"] == how and row["is plain"]
                          and row["family"] == 4]
                if points:
                    panels[panel][f"{name}, {how} prefixes"] = sorted(points)
    plots.lines(folder / "scale.svg", title, panels, "prefixes", "ns")
    return [("scale.svg", title)]
