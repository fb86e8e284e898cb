# SPDX-License-Identifier: MIT
"""The report: tables as text and as Markdown, the targets, the plots."""

import latency_report
import scale_report
import throughput_report
import verdict_report
from place import ROOT

PARTS = {"verdict": verdict_report, "throughput": throughput_report, "latency": latency_report,
         "scale": scale_report}

PAGE = ROOT / "docs/performance.md"
FIGURES = ROOT / "docs/performance"
BEGIN, END = "<!-- measured: scripts/bench --docs writes this -->", "<!-- end of what was measured -->"


class Table:
    def __init__(self, title, head, rows, note=""):
        self.title, self.head, self.rows, self.note = title, head, rows, note

    def as_text(self):
        cells = [[str(cell) for cell in row] for row in [self.head, *self.rows]]
        widths = [max(len(row[i]) for row in cells) for i in range(len(self.head))]
        lines = ["  ".join(cell.ljust(width) if not i else cell.rjust(width)
                           for i, (cell, width) in enumerate(zip(row, widths))).rstrip() for row in cells]
        return "\n".join([self.title, "", *lines, *([self.note] if self.note else []), "", ""])

    def as_markdown(self):
        lines = ["| " + " | ".join(str(cell) for cell in row) + " |" for row in [self.head, *self.rows]]
        lines.insert(1, "|" + "---|" * len(self.head))
        return "\n".join([f"### {self.title}", "", *lines, *(["", self.note] if self.note else []), ""])


def measured(results):
    return [(name, part) for name, part in PARTS.items() if name in results]


def targets(results):
    """Each: what, the value, the bound as ("<=" or ">=", number), whether it is met."""
    found = []
    for name, part in measured(results):
        for what, value, sense, bound in part.targets(results[name]):
            found.append({"figure": what, "value": round(value, 3), "target": f"{sense} {bound:.3g}",
                          "met": value <= bound if sense == "<=" else value >= bound})
    return found


def target_table(results):
    rows = [(target["figure"], f"{target['value']:.3g}", target["target"], "yes" if target["met"] else "**no**")
            for target in results["targets"]]
    return Table("Targets", ("figure", "measured", "target", "met"), rows)


def machine_text(results):
    machine = results["machine"]
    kind = "virtual CPUs" if machine["virtual"] else "CPUs"
    thunks = "; ".join(f"{name}: {value}" for name, value in machine["mitigations"].items())
    peers = ", ".join(f"{name} {version}" for name, version in machine["peers"].items() if version)
    return (f"{machine['date']}, Linux {machine['kernel'].split('-')[0]} {machine['architecture']}, {machine['cpu']} "
            f"{machine['mhz'] / 1000:.1f} GHz, {machine['cpus']} {kind}, {machine['memory MiB'] / 1024:.0f} GiB; {thunks}. "
            f"Peers from Debian: {peers}. Load average before {machine['load before']}, after {machine['load after']}. "
            f"{results['effort'].capitalize()} run, {results['seconds']} s.")


def tables(results):
    found = [target_table(results)]
    for name, part in measured(results):
        found += [Table(*table) for table in part.tables(results[name])]
    return found


def as_text(results):
    return machine_text(results) + "\n\n" + "".join(table.as_text() for table in tables(results))


def plot(results, folder):
    """The plots, as NAME.svg; their names and titles."""
    # only here: it takes a while to load
    import plots

    return [figure for name, part in measured(results) for figure in part.plot(plots, results[name], folder)]


def write_docs(results):
    FIGURES.mkdir(exist_ok=True)
    parts = [BEGIN, "", machine_text(results), "", target_table(results).as_markdown()]
    import plots

    for name, part in measured(results):
        figures = part.plot(plots, results[name], FIGURES)
        parts += [f"![{title}](performance/{file})\n" for file, title in figures]
        parts += [Table(*table).as_markdown() for table in part.tables(results[name])]
    before, rest = PAGE.read_text().split(BEGIN)
    after = rest.split(END)[1]
    PAGE.write_text(before + "\n".join(parts) + "\n" + END + after)
