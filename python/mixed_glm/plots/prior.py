"""Prior predictive check: what the priors lead us to expect of the responses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from mixed_glm._input.arrays import as_count
from mixed_glm._posterior.prior_draws import prior_predictive
from mixed_glm._spec.spec import HasSpec, ModelSpec
from mixed_glm.plots._axes import BLUE, GREY, new_axes, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = npt.NDArray[np.float64]

_WIDE = 200.0  # times the response in the middle, from where on an axis is logarithmic
_ENDS = (0.005, 0.995)  # shares of what is drawn


def plot_prior_predictive(
    model: HasSpec, ax: Axes | None = None, draws: int = 50, rng: Any = 0, observed: bool = True
) -> Axes:
    """Draw data sets that the priors expect: for each the share of rows with at most a given response, and that of the data.

    Grey curves should hold what is possible and little that is not: the curve of the data need not lie in their middle. Priors that
    put most curves at one end, as shares of successes near zero and one, or counts in millions, are wider than they seem.

    Parameters
    ----------
    model : MixedGLM
    ax : matplotlib Axes, optional
        Drawn into; default a new figure.
    draws : int, default 50
        Number of data sets.
    rng : int or numpy.random.Generator, default 0
        Source of the draws; by default always the same.
    observed : bool, default True
        Draw the curve of the data too.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError, TypeError
        If an argument does not fit.
    """
    spec = model.spec
    design = spec.design
    replicated = prior_predictive(spec, as_count(draws, "draws"), rng) / design.trials()
    own, weights = design.endog / design.trials(), design.weights()
    ax = new_axes(6.5, 4.0) if ax is None else ax
    for k, values in enumerate(replicated):
        _draw(
            ax,
            values,
            weights,
            color=GREY,
            linewidth=0.8,
            alpha=0.5,
            label="expected by the priors" if k == 0 else None,
        )
    if observed:
        _draw(ax, own, weights, color=BLUE, linewidth=2.0, label="observed")
    _scale(ax, spec, replicated, own if observed else replicated[0])
    share = spec.family.has_trials and design.n_trials is not None
    ax.set_xlabel(plain(f"share of successes of {spec.endog_name}" if share else spec.endog_name))
    ax.set_ylabel("share of rows with at most this")
    ax.set_ylim(0.0, 1.02)
    ax.set_title(f"{len(replicated)} data sets that the priors expect")
    ax.legend(frameon=False, loc="lower right")
    return ax


def _draw(ax: Axes, values: Floats, weights: Floats, **style: Any) -> None:
    """Cumulative shares as steps."""
    order = np.argsort(values)
    shares = np.cumsum(weights[order]) / weights.sum()
    ax.step(values[order], shares, where="post", **style)


def _scale(ax: Axes, spec: ModelSpec, replicated: Floats, own: Floats) -> None:
    """A horizontal axis on which most of all that was drawn is seen."""
    if spec.family.is_ordinal:
        labels = [plain(label) for label in spec.design.response_levels or ()]
        ax.set_xticks(range(len(labels)), labels)
        return
    everything = np.concatenate([replicated.ravel(), own])
    low, high = np.quantile(everything, _ENDS)
    low, high = min(low, own.min()), max(high, own.max())
    if spec.family.link == "log" and high > _WIDE * max(np.median(everything), 1.0 if low >= 0.0 else high):
        if spec.family.is_continuous:
            ax.set_xscale("log")
        else:
            ax.set_xscale("symlog", linthresh=1.0)
    if high > low:
        ax.set_xlim(low, high)
