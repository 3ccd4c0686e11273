"""Posterior predictive checks: what was observed against what the model would have led us to observe."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from mixed_glm._assess.replications import MOST_NUMBERS, Comparison, calibration, copies, rootogram
from mixed_glm._fit.fit import Fit, HasFit
from mixed_glm._input.arrays import as_count, as_generator
from mixed_glm._predict.predict import predict
from mixed_glm._spec.spec import ModelSpec
from mixed_glm.plots._axes import BLUE, BROWN, GREY, LIGHT_GREY, add_legend, new_axes, percent, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_predictive_check(
    result: HasFit, ax: Axes | None = None, draws: int = 500, rng: Any = 0, alpha: float = 0.05
) -> Axes:
    """Compare the responses with replications of them that are drawn from the posterior.

    Binomial: calibration. Rows are grouped by their predicted probability; a dot is the share of successes that was
    observed in a group, the bar where ``1 - alpha`` of the replications lie. Others, ordinal ones too: a hanging rootogram. A bar for
    the number of rows with each response hangs from the number expected, on a square-root scale; it should end in
    the grey band, where it does in ``1 - alpha`` of the replications.

    Parameters
    ----------
    result : MixedGLMResults
    ax : matplotlib Axes, optional
        Drawn into; default a new figure.
    draws : int, default 500
        Number of replications; fewer for more than 40,000 rows.
    rng : int or numpy.random.Generator, default 0
        Source of the replications; by default always the same.
    alpha : float, default 0.05

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If `alpha` or `draws` does not fit.
    """
    percent(alpha)
    fit = result.fit
    spec, design = fit.spec, fit.spec.design
    rows, weights = copies(spec.nobs, design.freq_weights)
    n = min(as_count(draws, "draws"), max(50, MOST_NUMBERS // len(rows)))
    generator = as_generator(rng)
    if spec.family.has_trials:
        probability = np.asarray(predict(fit, random="conditional", draws=n, rng=generator))
        trials = weights * design.trials()[rows]
        replicated = _replicate(fit, rows, n, generator) * weights
        groups = calibration(design.endog[rows] * weights, trials, probability[rows], replicated, alpha)
        return _draw_calibration(spec, groups, new_axes(5.5, 5.0) if ax is None else ax, alpha)
    replicated = _replicate(fit, rows, n, generator)
    continuous = spec.family.is_continuous
    logarithmic = continuous and spec.family.link == "log"
    bars = rootogram(design.endog[rows], weights, replicated, continuous, alpha, logarithmic)
    axes = new_axes(7.0, 4.5) if ax is None else ax
    drawn = _draw_rootogram(spec.endog_name, bars, axes, continuous, logarithmic, alpha)
    if spec.family.is_ordinal:
        labels = [plain(label) for label in design.response_levels or ()]
        drawn.set_xticks(range(len(labels)), labels)
    return drawn


def _replicate(
    fit: Fit, rows: npt.NDArray[np.intp], draws: int, rng: np.random.Generator
) -> npt.NDArray[np.float64]:
    """New responses of the rows listed, some of them several times, shape (draws, len(rows))."""
    n_trials = fit.spec.design.n_trials
    sample = fit.posterior.sample(draws, rng)
    eta, own = sample.linear_predictor()[:, rows], sample.family[:, None, :]
    return fit.spec.family.draw(eta, own, rng, None if n_trials is None else n_trials[rows])


def _draw_calibration(spec: ModelSpec, groups: Comparison, ax: Axes, alpha: float) -> Axes:
    from matplotlib.lines import Line2D

    levels = spec.design.response_levels
    what = spec.endog_name if levels is None else f"{spec.endog_name} = {levels[1]}"
    ax.axline((0.0, 0.0), slope=1.0, color=GREY, linewidth=0.8, zorder=0)
    ax.vlines(groups.expected, groups.low, groups.high, color=LIGHT_GREY, linewidth=6)
    colours = [BLUE if inside else BROWN for inside in groups.inside]
    ax.scatter(groups.expected, groups.observed, s=25, color=colours, zorder=3)
    ends = [groups.expected, groups.observed, groups.low, groups.high]
    low, high = min(map(np.min, ends)), max(map(np.max, ends))
    margin = 0.05 * (high - low) + 1e-3
    ax.set_xlim(low - margin, high + margin)
    ax.set_ylim(low - margin, high + margin)
    ax.set_xlabel(f"predicted probability of {plain(what)}")
    ax.set_ylabel("observed share")
    ax.set_title(f"Calibration of {len(groups.expected)} groups of rows")
    ax.legend(
        handles=[
            Line2D([], [], color=LIGHT_GREY, linewidth=6, label=f"{percent(alpha)} of replications"),
            Line2D([], [], color=BLUE, marker="o", linestyle="", label="observed, inside"),
            Line2D([], [], color=BROWN, marker="o", linestyle="", label="observed, outside"),
        ],
        frameon=False,
    )
    return ax


def _draw_rootogram(
    name: str, bars: Comparison, ax: Axes, continuous: bool, logarithmic: bool, alpha: float
) -> Axes:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    expected, observed = np.sqrt(bars.expected), np.sqrt(bars.observed)
    feet = expected - np.sqrt(bars.high), expected - np.sqrt(bars.low)
    middle = (
        np.sqrt(bars.edges[1:] * bars.edges[:-1]) if logarithmic else (bars.edges[1:] + bars.edges[:-1]) / 2
    )
    ax.stairs(feet[1], bars.edges, baseline=feet[0], fill=True, color=LIGHT_GREY, zorder=0,
              label=f"{percent(alpha)} of replications end here")  # fmt: skip
    gap = 0.0 if continuous else 0.1
    ax.bar(bars.edges[:-1], -observed, np.diff(bars.edges) * (1 - gap), bottom=expected, align="edge",
           color=BLUE, alpha=0.55, label="observed")  # fmt: skip
    ax.plot(middle, expected, color=BROWN, marker="o", markersize=3, linewidth=1.2, label="expected")
    ax.axhline(0.0, color=GREY, linewidth=0.8)
    ax.set_ylim(top=1.05 * expected.max())
    if logarithmic:
        ax.set_xscale("log")
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))  # squares of whole numbers
    ax.yaxis.set_major_formatter(FuncFormatter(lambda root, _: f"{root * root:.4g}" if root >= 0 else ""))
    ax.set_xlabel(plain(name))
    ax.set_ylabel("number of rows (square-root scale)")
    ax.set_title("Hanging rootogram: bars should end in the grey band")
    add_legend(ax)
    return ax
