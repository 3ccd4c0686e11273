"""Plots of results: ``python -m benchmarks.plot results.jsonl --to FOLDER``. Writes ``speed.svg`` and others."""

from __future__ import annotations

import argparse
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from benchmarks.analyse import Comparison, compare, title
from benchmarks.compare import OURS
from benchmarks.peers import PEERS
from benchmarks.results import Record, of_kind, read

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["main"]


def wrapped(label: str) -> str:
    """In lines that leave most of the width to the plot."""
    return textwrap.fill(label, 44)


def plot_speed(ax: Axes, comparisons: Sequence[Comparison]) -> None:
    """Times as multiples of ours, one line a problem, one mark a package."""
    shown = [c for c in comparisons if c["ratios"] is not None]
    for number, peer in enumerate(peer for peer in PEERS if peer != OURS):
        points = [
            (c["times"][peer]["cold"] / c["times"][OURS]["cold"], -row)
            for row, c in enumerate(shown)
            if peer in c["times"]
        ]
        if points:
            x, y = zip(*points, strict=True)
            ax.plot(x, y, "osD^vP*"[number % 7], label=peer)
    ax.axvline(1.0, color="0.6")
    ax.set_xscale("log")
    ax.set_yticks([-row for row in range(len(shown))], [wrapped(title(c["problem"])) for c in shown])
    ax.set_xlabel("time of one fit, from arrays, as a multiple of mixed_glm's")
    ax.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=4, frameon=False)


def plot_many(ax: Axes, records: Sequence[Record]) -> None:
    """Fits a second and core."""
    found = pd.DataFrame(of_kind(records, "many"))
    found["case"] = found["peer"] + ": " + found["work"]
    rate = found[found["jobs"] == 1].groupby("case")["fits_per_core_second"].max().sort_values()
    ax.barh(list(rate.index), rate.to_numpy())
    ax.set_xscale("log")
    ax.set_xlabel("fits a second and core (200 rows, 20 groups, p = 2)")


def plot_kernels(ax: Axes, records: Sequence[Record]) -> None:
    """How many times as long as the limit each kernel takes."""
    found = pd.DataFrame(of_kind(records, "kernel"))
    names = (found["kernel"] + ", " + found["size"]).map(wrapped)
    ax.barh(names[::-1], (found["seconds"] / found["bound_seconds"])[::-1])
    ax.axvline(1.0, color="0.6")
    ax.set_xscale("log")
    ax.set_xlabel("time as a multiple of the machine's limit")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    import matplotlib as mpl

    mpl.use("agg")
    mpl.rcParams["svg.hashsalt"] = "mixed_glm"  # the same file from the same data
    mpl.rcParams["svg.fonttype"] = "none"
    import matplotlib.pyplot as plt

    parser = argparse.ArgumentParser(prog="python -m benchmarks.plot", description=__doc__)
    parser.add_argument("results", type=Path)
    parser.add_argument("--to", type=Path, required=True)
    options = parser.parse_args(arguments)
    records = read(options.results)
    kinds = {record["kind"] for record in records}
    comparisons = compare(records)
    options.to.mkdir(parents=True, exist_ok=True)
    for name, kind, draw in (
        ("speed", "answer", lambda ax: plot_speed(ax, comparisons)),
        ("many", "many", lambda ax: plot_many(ax, records)),
        ("kernels", "kernel", lambda ax: plot_kernels(ax, records)),
    ):
        if kind in kinds:
            figure, ax = plt.subplots(layout="constrained")
            draw(ax)
            lines = "\n".join(label.get_text() for label in ax.get_yticklabels()).count("\n") + 1
            figure.set_size_inches(9, 1.2 + 0.24 * lines)
            figure.savefig(options.to / f"{name}.svg", metadata={"Date": None})
            plt.close(figure)
    return 0


if __name__ == "__main__":
    sys.exit(main())
