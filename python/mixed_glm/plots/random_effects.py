"""Caterpillar plot of random effects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mixed_glm._fit.fit import HasFit
from mixed_glm._spec.spec import ModelSpec
from mixed_glm.plots._axes import (
    BLUE,
    GREY,
    centre_name,
    draw_intervals,
    name_rows,
    new_axes,
    percent,
    plain,
    rows_height,
    scale_name,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_random_effects(
    result: HasFit, term: str | int | None = None, ax: Axes | None = None, alpha: float = 0.05
) -> Axes:
    """Caterpillar plot: random effects in order of size, with their credible intervals.

    Intervals that do not reach zero are blue, the others grey. Where there are too many effects for their names, only
    the lowest and the highest are named.

    Parameters
    ----------
    result : MixedGLMResults
    term : str or int, optional
        Variance component, of correlated effects one coordinate, as ``"days|subject"``; may be left out if there is only one.
    ax : matplotlib Axes, optional
        Drawn into; default a new figure.
    alpha : float, default 0.05
        The intervals have probability ``1 - alpha``.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If `term` is not a component, or left out where there are several.
    """
    fit = result.fit
    layout = fit.spec.layout
    probability = percent(alpha)
    if term is None:
        if layout.k_vcp != 1:
            raise ValueError(
                f"term must be one of {', '.join(map(repr, layout.vcp_names))}; the model has several"
            )
        term = 0
    component = layout.component(term)
    effects = fit.spec.effects_of(component)
    rows = layout.vc.start + effects
    name = layout.vcp_names[component]
    shown = plain(name)
    mean = fit.posterior.mean[rows]
    low, high = (bound[layout.vc.start :] for bound in fit.posterior.interval(alpha, effects))
    order = np.argsort(mean, kind="stable")
    ax = new_axes(6.5, rows_height(len(rows))) if ax is None else ax
    ax.axvline(0.0, color=GREY, linewidth=0.8, zorder=0)
    clear = (low > 0.0) | (high < 0.0)
    draw_intervals(ax, mean[order], low[order], high[order], [BLUE if c else GREY for c in clear[order]])
    named = name_rows(ax, [_short_name(layout.names[j], name) for j in rows[order]])
    ax.set_ylabel(shown if named else f"{shown}: {len(rows)} effects, in order of size")
    ax.set_xlabel(_quantity(fit.spec, component))
    colours = "\nblue: zero is not in the interval" if clear.any() else ""
    ax.set_title(f"{shown}: posterior {centre_name(fit.method)} and {probability} interval{colours}")
    return ax


def _quantity(spec: ModelSpec, component: int) -> str:
    """What the effects are, with their unit."""
    encoded = spec.grouped(component)
    effect = None if encoded is None else encoded.effect
    if effect is None:
        return f"random effect ({scale_name(spec.family)})"
    return f"random slope of {plain(effect)} ({scale_name(spec.family)} per unit)"


def _short_name(name: str, component: str) -> str:
    """``herd[3]`` -> ``3`` where the axis already says herd."""
    prefix = f"{component}["
    return name[len(prefix) : -1] if name.startswith(prefix) and name.endswith("]") else name
