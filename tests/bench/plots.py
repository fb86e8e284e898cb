# SPDX-License-Identifier: MIT
"""Plots as SVG: the same figures give the same file."""

import math

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


def short(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def bars(path, title, labels, series, unit="ns", logarithmic=False):
    """Horizontal bars, a group for each label, a bar for each series; 0 is left out. Rolewall's own is red."""
    high = 0.8 / len(series)
    figure, axes = plt.subplots(figsize=(7.5, 1 + 0.155 * len(labels) * len(series) + 0.1 * len(labels)))
    for number, (name, values) in enumerate(series.items()):
        places = [i + number * high for i in range(len(labels))]
        shown = [(place, value) for place, value in zip(places, values) if value > 0]
        axes.barh([place for place, _ in shown], [value for _, value in shown], height=high * 0.92, label=name,
                  color=COLOURS[number if "rolewall" in series else number + 1])
        for place, value in shown:
            axes.annotate(short(value), (value, place), xytext=(2, 0), textcoords="offset points", va="center",
                          fontsize=6.5, color="#333333")
    axes.set_yticks([i + 0.4 - high / 2 for i in range(len(labels))], labels)
    for text in axes.get_yticklabels():
        if text.get_text().startswith("rolewall"):
            text.set(color=COLOURS[0], fontweight="bold")
    if logarithmic:
        axes.set_xscale("log")
        least = min(value for values in series.values() for value in values if value > 0)
        axes.set_xlim(left=10 ** math.floor(math.log10(least)))
    axes.set_ylim(len(labels) - 0.1, -0.15 - high / 2)
    axes.grid(axis="y", visible=False)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel(unit)
    figure.suptitle(title, x=0.01, ha="left", fontsize=10)
    columns = 5 if sum(map(len, series)) < 60 else 2  # long words would not fit beside each other
    axes.legend(frameon=False, fontsize=8, ncols=columns, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0)
    save(figure, path)


def lines(path, title, panels, x_label, y_label):
    """PANELS: name to series, name to points. Both axes are logarithmic; rolewall is red."""
    figure, all_axes = plt.subplots(1, len(panels), figsize=(7.5, 3.6), sharey=True)
    for axes, (panel, series) in zip(all_axes, panels.items()):
        for name, points in series.items():
            axes.plot([x for x, _ in points], [y for _, y in points], label=name,
                      color=COLOURS[0 if name.startswith("rolewall") else 1],
                      linestyle="-" if "random" in name else "--", marker="o" if "random" in name else "s", markersize=4,
                      linewidth=1.4)
        axes.set(xscale="log", yscale="log", xlabel=x_label)
        axes.set_title(panel, fontsize=9)
    all_axes[0].set_ylabel(y_label)
    all_axes[0].legend(frameon=False, fontsize=7.5, loc="upper left")
    low, high = all_axes[0].get_ylim()
    all_axes[0].set_ylim(low, high * 1.5)
    figure.suptitle(title, x=0.01, ha="left", fontsize=10)
    save(figure, path)
