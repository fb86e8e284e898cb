# SPDX-License-Identifier: MIT
"""Plots as SVG: the same figures give the same file."""

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams.update({
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "rolewall",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": "#dddddd",
    "figure.constrained_layout.use": True,
})

import matplotlib.pyplot as plt  # noqa: E402

# Told apart by people who do not see colours, too: they differ in lightness. Ours is the first.
COLOURS = ["#b3261e", "#20507a", "#5b8fbf", "#9fc0dd", "#7a7a7a", "#b9b9b9", "#3f3f3f", "#c9a227"]


def save(figure, path):
    figure.savefig(path, metadata={"Date": None, "Creator": None})
    plt.close(figure)


def bars(path, title, labels, series, unit="ns"):
    """Horizontal bars, a group for each label, a bar for each series; 0 is left out."""
    high = 0.8 / len(series)
    figure, axes = plt.subplots(figsize=(7.5, 0.6 + 0.16 * len(labels) * len(series) + 0.12 * len(labels)))
    for number, (name, values) in enumerate(series.items()):
        places = [i + number * high for i in range(len(labels))]
        shown = [(place, value) for place, value in zip(places, values) if value > 0]
        axes.barh([place for place, _ in shown], [value for _, value in shown], height=high * 0.92, label=name,
                  color=COLOURS[number])
        for place, value in shown:
            axes.annotate(f"{value:.3g}", (value, place), xytext=(2, 0), textcoords="offset points", va="center",
                          fontsize=6.5, color="#333333")
    axes.set_yticks([i + 0.4 - high / 2 for i in range(len(labels))], labels)
    axes.set_ylim(len(labels) - 0.1, -0.15 - high / 2)
    axes.grid(axis="y", visible=False)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel(unit)
    axes.set_title(title, loc="left", fontsize=10)
    axes.legend(frameon=False, fontsize=8)
    save(figure, path)


def lines(path, title, series, x_label, y_label):
    """Lines over a logarithmic axis. Series whose name starts with rolewall are red, solid where "one" is in it."""
    figure, axes = plt.subplots(figsize=(7.5, 4.2))
    for name, points in series.items():
        own = name.startswith("rolewall")
        axes.plot([x for x, _ in points], [y for _, y in points], label=name, color=COLOURS[0] if own else COLOURS[1],
                  linestyle="-" if "one destination" in name else "--", marker="o" if "random prefixes" in name else "s",
                  markersize=4, linewidth=1.4)
    axes.set_xscale("log")
    axes.set_ylim(bottom=0)
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    axes.set_title(title, loc="left", fontsize=10)
    axes.legend(frameon=False, fontsize=7, loc="upper left")
    save(figure, path)
