"""Average predictions, comparisons and slopes on the scale of the response, named as the package marginaleffects has them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import logit

from mixed_glm._effects.cells import Cells, Whose, cell_means, summarized
from mixed_glm._effects.variables import Pair, as_numbers, as_pairs, as_rows, as_values, fixed_at
from mixed_glm._fit.fit import Fit
from mixed_glm._input.intervals import as_conf_level
from mixed_glm._input.options import as_choice

Floats = npt.NDArray[np.float64]

# How two means are compared; how that is written; from where on the first is larger.
COMPARISONS: dict[str, tuple[Callable[[Floats, Floats], Floats], str, float]] = {
    "difference": (lambda high, low: high - low, "{0} - {1}", 0.0),
    "ratio": (lambda high, low: high / low, "{0} / {1}", 1.0),
    "lnratio": (lambda high, low: np.log(high) - np.log(low), "ln({0} / {1})", 0.0),
    "lnor": (
        lambda high, low: logit(high) - logit(low),
        "ln(odds({0}) / odds({1}))",
        0.0,
    ),
}
_STEP = 1e-4  # of slopes, as a share of the range


def avg_predictions(
    fit: Fit,
    variables: Any = None,
    *,
    newdata: Any = None,
    by: Any = None,
    wts: Any = None,
    random: str | None = None,
    include: Any = None,
    offset: Any = None,
    exposure: Any = None,
    conf_level: float = 0.95,
    draws: int = 1000,
    rng: Any = 0,
) -> pd.DataFrame:
    """Mean response, averaged over rows.

    Parameters
    ----------
    variables : str, list of str, or mapping, optional
        Variables that all rows are given values of, one combination after the other, before they are averaged: all levels of
        a factor; minimum, quartiles and maximum of a number, or the values of a mapping: ``{"dose": [0, 10]}``.
    newdata : DataFrame, optional
        Rows to average over. Default those of the model, as long as it has its data frame.
    by : str or list of str, optional
        Columns: one average for each combination of their values.
    wts : array_like or str, optional
        Weights of the rows, or the name of a column. Default those frequencies that the model has for its own rows.
    random : {"conditional", "marginal", "population"}, default "conditional"
        Whose mean: that of the groups of the rows; of new groups, on average; of a group whose effects are zero. Rows of one
        group that was not met share its effects.
    include : list of str, optional
        Names of the random terms that count.
    offset, exposure : array_like or str, optional
        As for `MixedGLMResults.predict`; of the model's own rows they are known.
    conf_level : float, default 0.95
        Probability of the intervals.
    draws : int, default 1000
        Number of posterior draws.
    rng : int or numpy.random.Generator, default 0
        Source of the draws; by default always the same.

    Returns
    -------
    DataFrame
        Columns: those of `by` and `variables`; ``estimate``, ``std_error``, ``conf_low``, ``conf_high``: mean, standard
        deviation and central interval of the posterior. Per trial for binomial responses. Of ordinal responses the probabilities
        of the categories, which the column ``group`` names (``category``, where there is such a column already). Rows in which
        something is missing do not count.

    Raises
    ------
    ValueError, TypeError
        If an argument does not fit, or the model is not from a formula.

    Warns
    -----
    PredictionWarning
        If a mean hangs on few of the draws, as with ``random="marginal"`` under a log link where there are few groups.
    """
    as_conf_level(conf_level)
    encoding, frame = as_rows(fit.spec, newdata)
    cells = Cells.by(frame, by, wts)
    versions = as_values(encoding, frame, variables)
    both = [name for name in versions[0] if name in cells.labels.columns]
    if both:
        raise ValueError(f"by and variables must name different columns, got {both[0]!r} in both")
    frames = [frame.assign(**{k: fixed_at(frame, k, v) for k, v in values.items()}) for values in versions]
    means = cell_means(fit, frames, cells, Whose(random, include, offset, exposure, draws, rng))
    labels = cells.labels_of(fit.spec)
    tables = [
        labels.assign(**values, **summarized(of, conf_level))
        for values, of in zip(versions, means, strict=True)
    ]
    return pd.concat(tables, ignore_index=True)


def avg_comparisons(
    fit: Fit,
    variables: Any = None,
    *,
    comparison: str = "difference",
    newdata: Any = None,
    by: Any = None,
    wts: Any = None,
    random: str | None = None,
    include: Any = None,
    offset: Any = None,
    exposure: Any = None,
    conf_level: float = 0.95,
    draws: int = 1000,
    rng: Any = 0,
) -> pd.DataFrame:
    """Compare the mean response, averaged over rows, at two values of a variable.

    Parameters
    ----------
    variables : str, list of str, or mapping, optional
        Variables to change, all others staying as they are; default all of the formula. A number is made larger by one, a
        factor takes each level in the place of its first. A mapping says otherwise: ``{"dose": 10}`` (ten more),
        ``{"dose": [0, 10]}`` (the second less the first), ``"sd"``, ``"iqr"``, ``"minmax"``; for factors ``"reference"``,
        ``"sequential"``, ``"pairwise"``, or two levels.
    comparison : {"difference", "ratio", "lnratio", "lnor"}, default "difference"
        Of the averages: difference, ratio, its logarithm, or log odds ratio.
    newdata, by, wts, random, include, offset, exposure, conf_level, draws, rng
        As for `MixedGLMResults.avg_predictions`.

    Returns
    -------
    DataFrame
        Columns: those of `by`; ``term`` and ``contrast`` (what is compared with what); ``estimate``, ``std_error``,
        ``conf_low``, ``conf_high``; and ``P(> 0)``, for ratios ``P(> 1)``: the posterior probability that the first is larger.
        Ordinal responses: for each category, as `MixedGLMResults.avg_predictions` has them.

    Raises
    ------
    ValueError, TypeError
        If an argument does not fit, or the model is not from a formula.

    Warns
    -----
    PredictionWarning
        As for `MixedGLMResults.avg_predictions`.
    """
    encoding, frame = as_rows(fit.spec, newdata)
    whose = Whose(random, include, offset, exposure, draws, rng)
    pairs = as_pairs(encoding, frame, variables)
    table = _compared(fit, frame, pairs, comparison, Cells.by(frame, by, wts), whose, conf_level)
    return table.reset_index(drop=True)


def comparisons(
    fit: Fit,
    variables: Any = None,
    *,
    comparison: str = "difference",
    newdata: Any = None,
    random: str | None = None,
    include: Any = None,
    offset: Any = None,
    exposure: Any = None,
    conf_level: float = 0.95,
    draws: int = 1000,
    rng: Any = 0,
) -> pd.DataFrame:
    """Compare the mean response of each row at two values of a variable.

    Parameters
    ----------
    variables, comparison, newdata, random, include, offset, exposure, conf_level, draws, rng
        As for `MixedGLMResults.avg_comparisons`.

    Returns
    -------
    DataFrame
        As for `MixedGLMResults.avg_comparisons`, with a row for each of `newdata` and each comparison, and its columns first.

    Raises
    ------
    ValueError, TypeError
        If an argument does not fit, or the model is not from a formula.
    """
    encoding, frame = as_rows(fit.spec, newdata)
    whose = Whose(random, include, offset, exposure, draws, rng)
    pairs = as_pairs(encoding, frame, variables)
    return _compared(fit, frame, pairs, comparison, Cells.of_each_row(frame), whose, conf_level)


def avg_slopes(
    fit: Fit,
    variables: Any = None,
    *,
    newdata: Any = None,
    by: Any = None,
    wts: Any = None,
    random: str | None = None,
    include: Any = None,
    offset: Any = None,
    exposure: Any = None,
    conf_level: float = 0.95,
    draws: int = 1000,
    rng: Any = 0,
) -> pd.DataFrame:
    """Slopes of the mean response in variables that are numbers, averaged over rows.

    Parameters
    ----------
    variables : str or list of str, optional
        Default all numbers of the formula.
    newdata, by, wts, random, include, offset, exposure, conf_level, draws, rng
        As for `MixedGLMResults.avg_predictions`.

    Returns
    -------
    DataFrame
        As for `MixedGLMResults.avg_comparisons`; the contrast is ``dY/dX``.

    Raises
    ------
    ValueError, TypeError
        If an argument does not fit, or the model is not from a formula.

    Warns
    -----
    PredictionWarning
        As for `MixedGLMResults.avg_predictions`.
    """
    _, frame = as_rows(fit.spec, newdata)
    whose = Whose(random, include, offset, exposure, draws, rng)
    table = _sloped(fit, frame, variables, Cells.by(frame, by, wts), whose, conf_level)
    return table.reset_index(drop=True)


def slopes(
    fit: Fit,
    variables: Any = None,
    *,
    newdata: Any = None,
    random: str | None = None,
    include: Any = None,
    offset: Any = None,
    exposure: Any = None,
    conf_level: float = 0.95,
    draws: int = 1000,
    rng: Any = 0,
) -> pd.DataFrame:
    """Slopes of the mean response of each row in variables that are numbers.

    Parameters
    ----------
    variables, newdata, random, include, offset, exposure, conf_level, draws, rng
        As for `MixedGLMResults.avg_slopes`.

    Returns
    -------
    DataFrame
        As for `MixedGLMResults.comparisons`; the contrast is ``dY/dX``.

    Raises
    ------
    ValueError, TypeError
        If an argument does not fit, or the model is not from a formula.
    """
    _, frame = as_rows(fit.spec, newdata)
    whose = Whose(random, include, offset, exposure, draws, rng)
    return _sloped(fit, frame, variables, Cells.of_each_row(frame), whose, conf_level)


def _compared(
    fit: Fit,
    frame: pd.DataFrame,
    pairs: list[Pair],
    comparison: str,
    cells: Cells,
    whose: Whose,
    conf_level: float,
) -> pd.DataFrame:
    compare, written, larger = COMPARISONS[as_choice(comparison, "comparison", COMPARISONS)]
    labels = [written.format(*pair.names) if pair.names else pair.label for pair in pairs]
    high, low = _both(fit, frame, pairs, cells, whose)
    with np.errstate(divide="ignore", invalid="ignore"):
        values = [compare(h, lo) for h, lo in zip(high, low, strict=True)]
    if (np.isfinite(high) & np.isfinite(low) & ~np.isfinite(values)).any():
        raise ValueError(
            f"comparison={comparison!r} is not defined for these means: ratios need means that are not zero, lnratio positive "
            "ones, lnor probabilities; use 'difference'"
        )
    return _table(cells.labels_of(fit.spec), pairs, labels, values, larger, conf_level)


def _sloped(
    fit: Fit, frame: pd.DataFrame, variables: Any, cells: Cells, whose: Whose, conf_level: float
) -> pd.DataFrame:
    encoding, _ = as_rows(fit.spec, frame)
    pairs, steps = [], []
    for name in as_numbers(encoding, frame, variables):
        column = frame[name].astype(np.float64)
        step = _STEP * ((column.max() - column.min()) or 1.0)
        steps.append(step)
        pairs.append(Pair(name, column + step / 2, column - step / 2, None))
    high, low = _both(fit, frame, pairs, cells, whose)
    values = [(h - lo) / step for h, lo, step in zip(high, low, steps, strict=True)]
    return _table(cells.labels_of(fit.spec), pairs, ["dY/dX"] * len(pairs), values, 0.0, conf_level)


def _both(
    fit: Fit, frame: pd.DataFrame, pairs: list[Pair], cells: Cells, whose: Whose
) -> tuple[Floats, Floats]:
    """Means at the first and at the second value of each pair, shape (pairs, cells, n)."""
    frames = [frame.assign(**{p.term: column}) for p in pairs for column in (p.high, p.low)]
    means = cell_means(fit, frames, cells, whose)
    return means[::2], means[1::2]


def _table(
    rows: pd.DataFrame,
    pairs: list[Pair],
    labels: list[str],
    values: list[Floats],
    larger: float,
    conf_level: float,
) -> pd.DataFrame:
    as_conf_level(conf_level)
    tables = []
    for pair, label, of in zip(pairs, labels, values, strict=True):
        above = np.where(np.isnan(of[:, 0]), np.nan, (of > larger).mean(axis=1))
        columns: dict[str, Any] = {"term": pair.term, "contrast": label, **summarized(of, conf_level)}
        tables.append(rows.assign(**columns, **{f"P(> {larger:g})": above}))
    return pd.concat(tables)
