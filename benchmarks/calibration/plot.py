"""Differences of empirical distribution functions from uniform, with simultaneous 95 % bands."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.calibration.catalogue import DESIGNS
from benchmarks.calibration.methods import LABELS, METHODS
from benchmarks.calibration.run import Calibration
from benchmarks.calibration.uniform import POINTS, band, ecdf_difference

__all__ = ["plot"]


def plot(results: Sequence[Calibration], folder: Path) -> None:
    """One picture a design, ``calibration_DESIGN.png``: a row for each parameter, a column for each method."""
    import matplotlib as mpl

    mpl.use("agg")
    import matplotlib.pyplot as plt

    for name, design in DESIGNS.items():
        shown = sorted((r for r in results if r.design == name), key=lambda r: list(METHODS).index(r.method))
        if not shown:
            continue
        parameters = design.first_of_each
        width = max(1.5 * len(shown) + 0.6, 0.08 * len(design.description))  # room for the title
        size = (width, 1.1 * len(parameters) + 0.6)
        figure, axes = plt.subplots(
            len(parameters),
            len(shown),
            figsize=size,
            sharex=True,
            sharey=True,
            squeeze=False,
            layout="constrained",
        )
        for column, result in zip(axes.T, shown, strict=True):
            column[0].set_title(_title(result.method), fontsize=8)
            usable = np.isfinite(result.probability).all(axis=1)
            low, high = band(int(usable.sum()))
            for ax, j in zip(column, parameters.values(), strict=True):
                ax.fill_between(POINTS, low, high, color="0.85", linewidth=0)
                ax.plot(POINTS, ecdf_difference(result.probability[usable, j]), linewidth=1)
                ax.set_ylim(-0.12, 0.12)
                ax.tick_params(labelsize=7)
        for ax, parameter in zip(axes[:, 0], parameters, strict=True):
            ax.set_ylabel(parameter, fontsize=8)
        figure.suptitle(design.description, fontsize=10)
        figure.savefig(folder / f"calibration_{name}.png", dpi=90)
        plt.close(figure)


def _title(method: str) -> str:
    """In two lines where there are arguments."""
    label = LABELS[method]
    return label.replace("(", "(\n", 1) if "=" in label else label
