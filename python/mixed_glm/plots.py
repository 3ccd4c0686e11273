"""Pictures of a fitted model. matplotlib is imported when the first one is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from mixed_glm.results import MixedGLMResults

__all__ = ["plot_random_effects"]

_LABELLED = 60  # more effects than this and their names would not be readable
_DISTINCT = 1000  # more than this and their intervals would run into each other


def plot_random_effects(
    result: MixedGLMResults, term: str | int | None = None, ax: Axes | None = None, alpha: float = 0.05
) -> Axes:
    """Caterpillar plot: random effects in order of size, with their credible intervals.

    Parameters
    ----------
    result : MixedGLMResults
    term : str or int, optional
        Variance component; may be left out if there is only one.
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
    model = result.model
    if term is None:
        if model.k_vcp != 1:
            raise ValueError(
                f"term must be one of {', '.join(map(repr, model.vcp_names))}; the model has several"
            )
        term = 0
    rows = result._effects_of(term)
    name = model.vcp_names[term] if isinstance(term, (int, np.integer)) else term
    mean = result.vc_mean[rows]
    low, high = (bound[model.k_fep + model.k_vcp + rows] for bound in result._interval(alpha))
    order = np.argsort(mean, kind="stable")
    labels = [_label(str(result._names()[model.k_fep + model.k_vcp + j]), name) for j in rows[order]]
    ax = _axes(len(rows)) if ax is None else ax
    at = np.arange(len(rows))
    ax.axvline(0.0, color="0.6", linewidth=0.8, zorder=0)
    if len(rows) <= _DISTINCT:
        ax.hlines(at, low[order], high[order], color="C0", linewidth=1.2 if len(rows) <= _LABELLED else 0.6)
    else:
        ax.fill_betweenx(at, low[order], high[order], color="C0", alpha=0.3, linewidth=0.0)
    ax.plot(mean[order], at, "o", color="C0", markersize=4 if len(rows) <= _LABELLED else 1.5)
    if len(rows) <= _LABELLED:
        ax.set_yticks(at, labels)
        ax.set_ylabel(name)
    else:
        ax.set_yticks([])
        ax.set_ylabel(f"{name}: {len(rows)} effects, in order of size")
    ax.set_ylim(-0.8, len(rows) - 0.2)
    scale = {"logit": "log odds", "log": "log mean"}.get(model.family.link, f"{model.family.link} scale")
    ax.set_xlabel(f"random effect ({scale})")
    point = "mode" if result.method == "map" else "mean"
    ax.set_title(f"{name}: posterior {point} and {100 * (1 - alpha):g} % interval")
    return ax


def _label(name: str, component: str) -> str:
    """``herd[3]`` -> ``3`` where the axis already says herd."""
    prefix = f"{component}["
    return name[len(prefix) : -1] if name.startswith(prefix) and name.endswith("]") else name


def _axes(rows: int) -> Axes:
    try:
        from matplotlib import pyplot as plt
    except ImportError as error:
        raise ImportError("plots need matplotlib: pip install 'mixed-glm[plot]'") from error
    height = min(max(2.5, 1.2 + 0.22 * rows), 12.0)
    _, ax = plt.subplots(figsize=(6.0, height), layout="constrained")
    return ax
