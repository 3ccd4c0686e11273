"""What the pictures have in common: axes, colours, and how the linear predictor is called."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mixed_glm._input.intervals import as_alpha
from mixed_glm.families import Family

if TYPE_CHECKING:
    from matplotlib.axes import Axes


Floats = npt.NDArray[np.float64]

# Okabe and Ito (2008): told apart by colour-blind readers too.
BLUE, ORANGE, GREEN, PINK, SKY, BROWN = "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00"
COLOURS = (BLUE, BROWN, GREEN, PINK, ORANGE, SKY)
GREY, LIGHT_GREY = "0.55", "0.85"

_SCALES = {
    "identity": "units of the response", "logit": "log odds", "log": "log of the mean", "probit": "probit scale"
}  # fmt: skip
_RATIOS = {"logit": "odds ratio", "log": "ratio of means"}
_LINE_SPACING = 1.15  # of labels below each other, in font sizes
_SMALLEST_FONT = 6.0  # points
_ROW_HEIGHT = 0.2  # inches
_LEGEND_WIDTH = 60  # letters
_MOST_ROWS = 60  # of a figure that grows with its rows
_MOST_MARKS = 2000  # as lines and dots of their own in files of vector graphics


def scale_name(family: Family) -> str:
    """What the linear predictor measures: ``"log odds"``."""
    return _SCALES.get(family.link, f"{family.link} scale")


def ratio_name(family: Family) -> str:
    """What exp of a coefficient is: ``"odds ratio"``.

    Raises
    ------
    ValueError
        If the link has none.
    """
    link = family.link
    if link not in _RATIOS:
        raise ValueError(f"ratio: exp of a coefficient means nothing with the {link} link; use ratio=False")
    return _RATIOS[link]


def new_axes(width: float, height: float) -> Axes:
    """Axes of a new figure, in inches.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    """
    try:
        from matplotlib import pyplot as plt
    except ImportError as error:
        raise ImportError("plots need matplotlib: pip install 'mixed-glm[plot]'") from error
    _, ax = plt.subplots(figsize=(width, height), layout="constrained")
    return ax


def plain(text: str) -> str:
    """A name from the data as matplotlib draws it: ``$`` is a character, and does not begin mathematics."""
    return text.replace("$", r"\$")


def rows_height(rows: int) -> float:
    """Height in inches of a figure with so many rows, all of them named as long as that is possible."""
    return 1.4 + _ROW_HEIGHT * rows if rows <= _MOST_ROWS else 7.0


def name_rows(ax: Axes, names: Sequence[str]) -> bool:
    """Put names at 0, 1, ... of the vertical axis: all if they fit, otherwise the first and the last.

    Returns
    -------
    bool
        Whether they fit.
    """
    from matplotlib import rcParams
    from matplotlib.font_manager import FontProperties

    size = FontProperties(size=rcParams["ytick.labelsize"]).get_size_in_points()
    room = _height(ax) * 72.0 / (max(len(names), 1) * _LINE_SPACING)
    fits = room >= _SMALLEST_FONT
    places = range(len(names)) if fits else sorted({0, len(names) - 1})
    ax.set_yticks(list(places), [plain(names[i]) for i in places], fontsize=min(size, room) if fits else size)
    ax.set_ylim(-0.8, len(names) - 0.2)
    return fits


def _height(ax: Axes) -> float:
    """Of the axes, in inches."""
    return float(ax.get_window_extent().height / ax.figure.dpi)


def draw_intervals(
    ax: Axes, centre: Floats, low: Floats, high: Floats, colour: str | Sequence[str] = BLUE
) -> None:
    """Horizontal intervals with a dot, one in each row from 0 upwards; finer where there are many."""
    rows = np.arange(len(centre))
    crowded, as_image = len(rows) > _MOST_ROWS, is_image(len(rows))
    ax.hlines(
        rows, low, high, color=colour, linewidth=0.6 if crowded else 1.4, alpha=0.4 if crowded else 1.0,
        rasterized=as_image,
    )  # fmt: skip
    ax.scatter(centre, rows, s=3 if crowded else 18, color=colour, zorder=3, rasterized=as_image)


def is_image(marks: int) -> bool:
    """Whether so many lines or dots become an image where a picture is saved as vector graphics."""
    return marks > _MOST_MARKS


def use_ratio_axis(ax: Axes) -> None:
    """Logarithmic horizontal axis with plain numbers, of what is drawn already."""
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

    ax.set_xscale("log")
    low, high = ax.get_xlim()
    ax.xaxis.set_major_locator(MaxNLocator(6) if high < 5.0 * low else LogLocator(subs=(1.0, 2.0, 5.0)))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.xaxis.set_minor_formatter(NullFormatter())


def add_legend(ax: Axes, title: str | None = None, in_columns: bool = False) -> None:
    """Legend at the top, and room for it above what is drawn; short labels may stand side by side."""
    labels = ax.get_legend_handles_labels()[1]
    wide = max(map(len, labels), default=0) + 5  # letters, and the mark before them
    columns = max(1, min(len(labels), _LEGEND_WIDTH // wide)) if in_columns else 1
    legend = ax.legend(title=title, alignment="left", frameon=False, loc="upper right", ncols=columns)
    lines = -(-len(labels) // columns) + (1.5 if title is None else 2.5)
    share = lines * 1.25 * float(legend.get_texts()[0].get_fontsize()) / (_height(ax) * 72.0)
    low, high = ax.get_ylim()
    ax.set_ylim(low, low + (high - low) / max(1.0 - share, 0.4))


def significant(value: float) -> str:
    """A number with three digits that count: ``"26.2"``, ``"0.0120"``, ``"1234"``."""
    return f"{value:.0f}" if abs(value) >= 1000.0 else f"{value:#.3g}".rstrip(".")


def percent(alpha: float) -> str:
    """``0.05`` -> ``"95 %"``.

    Raises
    ------
    ValueError
        If `alpha` is not between 0 and 1.
    """
    return f"{100 * (1 - as_alpha(alpha)):g} %"


def centre_name(method: str) -> str:
    """What the fit reports for each parameter."""
    return "mode" if method == "map" else "mean"
