"""Fixed effects with their intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from mixed_glm._fit.fit import HasFit
from mixed_glm._input.options import as_flag
from mixed_glm._posterior.some_draws import NO_EFFECT
from mixed_glm.plots._axes import (
    GREY,
    centre_name,
    draw_intervals,
    name_rows,
    new_axes,
    percent,
    ratio_name,
    rows_height,
    scale_name,
    use_ratio_axis,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_coefficients(
    result: HasFit,
    names: Sequence[str] | None = None,
    ax: Axes | None = None,
    alpha: float = 0.05,
    ratio: bool = False,
) -> Axes:
    """Fixed effects, in the order of the model from the top down, with their credible intervals.

    Parameters
    ----------
    result : MixedGLMResults
    names : sequence of str, optional
        Fixed effects to draw; default all.
    ax : matplotlib Axes, optional
        Drawn into; default a new figure.
    alpha : float, default 0.05
        The intervals have probability ``1 - alpha``.
    ratio : bool, default False
        Draw exp of coefficients and bounds, odds ratios for the logit link and ratios of means for the log link, on a
        logarithmic axis.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If a name is not that of a fixed effect, or `ratio` is asked for with another link.
    """
    fit, ratio = result.fit, as_flag(ratio, "ratio")
    layout, family = fit.spec.layout, fit.spec.family
    probability = percent(alpha)
    quantity = ratio_name(family) if ratio else f"coefficient ({scale_name(family)})"
    rows = _rows(list(layout.fep_names), names)[::-1]
    low, high = fit.posterior.interval(alpha, NO_EFFECT)
    change = np.exp if ratio else np.asarray
    mean, low, high = (change(values[layout.fe][rows]) for values in (fit.posterior.mean, low, high))
    ax = new_axes(6.5, rows_height(len(rows))) if ax is None else ax
    ax.axvline(1.0 if ratio else 0.0, color=GREY, linewidth=0.8, zorder=0)
    draw_intervals(ax, mean, low, high)
    if ratio:
        use_ratio_axis(ax)
    name_rows(ax, [layout.fep_names[j] for j in rows])
    ax.set_xlabel(quantity)
    centre = f"posterior {centre_name(fit.method)}"
    ax.set_title(f"Fixed effects: {f'exp of {centre}' if ratio else centre} and {probability} interval")
    return ax


def _rows(known: list[str], names: Sequence[str] | None) -> list[int]:
    if names is None:
        return list(range(len(known)))
    wanted = [names] if isinstance(names, str) else list(names)
    for name in wanted:
        if name not in known:
            raise ValueError(f"names must be among {', '.join(map(repr, known))}, got {name!r}")
    return [known.index(name) for name in wanted]
