"""The mean response over the values of one variable, with the data behind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from mixed_glm._effects.grid import datagrid
from mixed_glm._effects.own_rows import own_frame
from mixed_glm._effects.variables import as_rows, levels_of
from mixed_glm._fit.fit import Fit, HasFit
from mixed_glm._input.options import as_flag
from mixed_glm._predict.groups import as_groups
from mixed_glm._predict.new_rows import make_rows
from mixed_glm._predict.predict import predict
from mixed_glm._predict.responses import responses_of
from mixed_glm.plots._axes import COLOURS, add_legend, is_image, new_axes, percent, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = npt.NDArray[np.float64]

_POINTS = 100  # of a curve
_SPREAD = 0.6  # of curves side by side, the distance of two levels being one
_JITTER, _SEED = 0.2, 41  # of dots of one level
_WHOSE = {
    "population": "of a typical group",
    "conditional": "of these groups",
    "marginal": "of new groups on average",
}


def plot_effect(
    result: HasFit,
    variable: str,
    by: str | None = None,
    *,
    newdata: Any = None,
    offset: Any = None,
    exposure: Any = None,
    n_trials: Any = None,
    at: Mapping[str, Any] | None = None,
    random: str | None = None,
    data: bool = True,
    ax: Axes | None = None,
    alpha: float = 0.05,
    draws: int = 1000,
    rng: Any = 0,
) -> Axes:
    """Draw the mean response over the values of one variable, all others being typical, and the data behind.

    Parameters
    ----------
    result : MixedGLMResults
    variable : str
        On the horizontal axis. A number: a curve over its range; a factor: a dot for each level.
    by : str, optional
        One curve for each of its levels; of a number: at its mean and one standard deviation below and above. Not for an ordinal
        response, each of whose categories has a curve.
    newdata : DataFrame, optional
        Rows that tell what is typical, and whose responses are drawn. Default those of the model, as long as it has its data
        frame.
    offset, exposure, n_trials : array_like or str, optional
        Of the rows of `newdata`, as for `MixedGLMResults.predict`; of their responses, not of the curve.
    at : mapping, optional
        Values of other variables, groups too. Those that are not named have their mean, or the level that most rows have.
    random : {"population", "conditional", "marginal"}, default "population"
        As for `MixedGLMResults.predict`.
    data : bool, default True
        Draw the responses of the rows; for binomial ones shares of successes, larger dots for more trials. With a log or identity link
        they are brought to the offset and exposure that the curve has: 0 and 1 where they are arguments of the model, the mean
        where they are in the formula. None of an ordinal response.
    ax : matplotlib Axes, optional
        Drawn into; default a new figure.
    alpha : float, default 0.05
        The intervals have probability ``1 - alpha``.
    draws, rng
        As for `MixedGLMResults.predict`.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If an argument does not fit, or the model is not from a formula.
    """
    percent(alpha)
    data = as_flag(data, "data")
    if not isinstance(at, (Mapping, type(None))):
        raise TypeError(f"at must be a mapping of names to values, got {at!r}")
    fit = result.fit
    effect = _effect(fit, variable, by, own_frame(result) if newdata is None else newdata, dict(at or {}))
    ordinal = fit.spec.family.is_ordinal
    if ordinal:
        effect = _of_categories(fit, effect)
    dots = _dots(fit, effect, newdata, offset, exposure, n_trials) if data and not ordinal else None
    design = fit.spec.design
    table = predict(
        fit, effect.grid, random=random, interval=1.0 - alpha, draws=draws, rng=rng,
        offset=0.0 if design.offset is not None and _given_offset(fit) else None,
        exposure=None if design.exposure is None else np.ones(len(effect.grid)),
    )  # fmt: skip
    assert isinstance(table, pd.DataFrame)
    ax = new_axes(6.5, 4.5) if ax is None else ax
    if dots is not None:
        _draw_rows(ax, effect, dots)
    _draw_effect(ax, effect, table)
    _name(ax, fit, effect)
    whose = as_groups(random, None, fit.spec.layout).random
    of_groups = f" {_WHOSE[whose]}" if fit.spec.layout.k_vcp else ""
    what = "Probability of each category" if ordinal else "Mean"
    ax.set_title(f"{what}{of_groups}, with {percent(alpha)} interval")
    return ax


@dataclass(frozen=True)
class _Effect:
    """What is drawn.

    Attributes
    ----------
    variable : str
    by : str or None
    frame, grid : DataFrame
        The rows, and those that are predicted.
    levels : list or None
        Of the variable, None for a number.
    curves : list
        Values of `by`, one for each curve; ``[None]`` without.
    by_levels : bool
        Whether these are levels.
    of_response : bool
        Whether these are the categories of the response.
    """

    variable: str
    by: str | None
    frame: pd.DataFrame
    grid: pd.DataFrame
    levels: list[Any] | None
    curves: list[Any]
    by_levels: bool
    of_response: bool = False

    def places(self, column: pd.Series, curve: int | None) -> Floats:
        """Places on the horizontal axis of values of the variable, NaN for unknown ones; None: in the middle of all curves."""
        if self.levels is None:
            return np.asarray(column, dtype=np.float64)
        known = {level: float(i) for i, level in enumerate(self.levels)}
        beside = 0.0 if curve is None else (curve + 0.5) / len(self.curves) - 0.5
        return np.array([known.get(v, np.nan) for v in column.tolist()]) + _SPREAD * beside


@dataclass(frozen=True)
class _Dots:
    """Responses of rows as they are drawn.

    Attributes
    ----------
    heights, sizes : float array, shape (m,)
    """

    heights: Floats
    sizes: Floats


def _effect(fit: Fit, variable: str, by: str | None, newdata: Any, at: dict[str, Any]) -> _Effect:
    encoding, frame = as_rows(fit.spec, newdata)
    levels = levels_of(encoding, frame, variable)
    twice = [name for name in at if name in (variable, by)] + ([variable] if by == variable else [])
    if twice:
        raise ValueError(f"variable, by and at must name different columns, got {twice[0]!r} twice")
    lists = [name for name, value in at.items() if not isinstance(value, str) and np.ndim(value) != 0]
    if lists:
        raise ValueError(
            f"at must have one value of each variable, got several of {lists[0]!r}; by draws a curve for each"
        )
    values = _range(frame[variable]) if levels is None else levels
    curves: list[Any] = [None]
    by_levels = True
    if by is not None:
        found = levels_of(encoding, frame, by)
        by_levels = found is not None
        curves = _around(frame[by]) if found is None else found
        if len(curves) > len(COLOURS):
            raise ValueError(
                f"by: {by!r} has {len(curves)} levels, and at most {len(COLOURS)} can be told apart"
            )
        at = {by: curves} | at
    grid = datagrid(fit, frame, at | {variable: values})
    return _Effect(variable, by, frame, grid, levels, curves, by_levels)


def _given_offset(fit: Fit) -> bool:
    """Whether an offset stands beside those that the formula computes."""
    encoding = fit.spec.encoding
    return encoding is None or not encoding.text.offsets or encoding.extra_offset


def _range(column: pd.Series) -> list[float]:
    known = column.dropna().to_numpy(dtype=np.float64)
    return list(map(float, np.linspace(known.min(), known.max(), _POINTS)))


def _around(column: pd.Series) -> list[float]:
    mean, sd = column.astype(np.float64).mean(), column.astype(np.float64).std()
    return [mean - sd, mean, mean + sd]


def _of_categories(fit: Fit, effect: _Effect) -> _Effect:
    if effect.by is not None:
        raise ValueError(
            "by must be left out for an ordinal response, each of whose categories has a curve: give at= one value of "
            f"{effect.by!r} after the other"
        )
    return replace(effect, curves=list(fit.spec.design.response_levels or ()), of_response=True)


def _curve(effect: _Effect, table: pd.DataFrame, value: Any) -> tuple[npt.NDArray[np.bool_], pd.DataFrame]:
    """Rows of the grid that a curve is of, and its columns there."""
    if effect.of_response:
        return np.full(len(table), True), cast(pd.DataFrame, table[value])
    rows = np.full(len(table), True) if effect.by is None else (effect.grid[effect.by] == value).to_numpy()
    return rows, table[rows]


def _draw_effect(ax: Axes, effect: _Effect, table: pd.DataFrame) -> None:
    for i, value in enumerate(effect.curves):
        rows, of = _curve(effect, table, value)
        colour, style = COLOURS[i % len(COLOURS)], ("-", "--", ":")[i // len(COLOURS) % 3]
        x = effect.places(effect.grid.loc[rows, effect.variable], i)
        label = None if value is None else plain(f"{value:.4g}" if isinstance(value, float) else str(value))
        if effect.levels is None:
            ax.fill_between(x, of["lower"], of["upper"], color=colour, alpha=0.25, linewidth=0)
            ax.plot(x, of["mean"], color=colour, linewidth=1.8, linestyle=style, label=label)
        else:
            ax.vlines(x, of["lower"], of["upper"], color=colour, linewidth=2.0, linestyle=style)
            ax.scatter(x, of["mean"], s=36, color=colour, zorder=3, label=label)


def _dots(fit: Fit, effect: _Effect, newdata: Any, offset: Any, exposure: Any, n_trials: Any) -> _Dots:
    """Responses of the rows, brought to the offset of the curve where the link allows that."""
    spec = fit.spec
    own = newdata is None
    rows = make_rows(
        spec,
        None if own else effect.frame,
        None,
        offset,
        exposure,
        n_trials,
        as_groups(None, None, spec.layout),
    )
    found = responses_of(spec, rows, None if own else effect.frame, None)
    heights = found.endog / np.maximum(found.n_trials, 1.0)
    in_offset = spec.encoding is not None and effect.variable in spec.encoding.offsets
    moved = 0.0 if in_offset else _shift_of_curve(fit, effect) - rows.shift
    if spec.family.link == "log":
        heights = heights * np.exp(moved)
    elif spec.family.link == "identity":
        heights = heights + moved
    most = found.n_trials.max(initial=1.0)
    shares = np.sqrt(found.n_trials / most)
    return _Dots(heights, 60.0 * shares if most > 1.0 else np.full(len(heights), 14.0))


def _draw_rows(ax: Axes, effect: _Effect, dots: _Dots) -> None:
    frame = effect.frame.reset_index(drop=True)
    coloured = effect.by is not None and effect.by_levels
    for i, value in enumerate(effect.curves if coloured else [None]):
        rows = (frame[effect.by] == value).to_numpy() if coloured else np.full(len(frame), True)
        x = effect.places(frame.loc[rows, effect.variable], i if coloured else None)
        if effect.levels is not None:
            x = x + _JITTER / len(effect.curves) * np.random.default_rng(_SEED).uniform(-1.0, 1.0, len(x))
        colour = COLOURS[i] if coloured else "0.4"
        sizes = dots.sizes[rows]
        equal = len(sizes) > 0 and np.ptp(sizes) == 0.0  # which matplotlib draws much faster when told
        ax.scatter(
            x, dots.heights[rows], s=sizes[0] if equal else sizes, color=colour, alpha=0.3, linewidths=0, zorder=1,
            rasterized=is_image(len(x)),
        )  # fmt: skip


def _shift_of_curve(fit: Fit, effect: _Effect) -> float:
    """Offset at the typical values."""
    encoding = fit.spec.encoding
    found = None if encoding is None else encoding.encode_offset(effect.grid.iloc[:1])
    return 0.0 if found is None else float(found[0])


def _name(ax: Axes, fit: Fit, effect: _Effect) -> None:
    spec = fit.spec
    levels = spec.design.response_levels
    of_success = (
        spec.endog_name if levels is None or effect.of_response else f"{spec.endog_name} = {levels[1]}"
    )
    chance = spec.family.has_trials or effect.of_response
    ax.set_xlabel(plain(effect.variable))
    ax.set_ylabel(plain(f"probability of {of_success}" if chance else f"mean of {of_success}"))
    if effect.levels is not None:
        ax.set_xticks(range(len(effect.levels)), [plain(str(level)) for level in effect.levels])
        ax.set_xlim(-0.5, len(effect.levels) - 0.5)
    legend = spec.endog_name if effect.of_response else effect.by
    if legend is not None:
        add_legend(ax, plain(legend), in_columns=True)
