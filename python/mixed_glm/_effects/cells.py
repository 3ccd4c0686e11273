"""Averages over rows of a data frame, at values that its variables do not have: one draw after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from mixed_glm._effects.tables import spread
from mixed_glm._fit.fit import Fit
from mixed_glm._formula.frames import known_columns
from mixed_glm._input.arrays import as_count, as_generator, as_vector
from mixed_glm._predict.categories import category_chances
from mixed_glm._predict.groups import as_groups
from mixed_glm._predict.new_rows import make_rows
from mixed_glm._predict.row_draws import RowDraws
from mixed_glm._predict.tail import tail_shapes, warn_of_tails
from mixed_glm._spec.spec import ModelSpec

Floats = npt.NDArray[np.float64]

GROUP = "group"  # of a row of an ordinal response, the category, as marginaleffects calls it


@dataclass(frozen=True)
class Cells:
    """Sets of rows that are averaged over.

    Attributes
    ----------
    labels : DataFrame
        A row for each set: what its rows have in common.
    weights : csr_array, shape (cells, m)
    """

    labels: pd.DataFrame
    weights: sparse.csr_array

    @classmethod
    def by(cls, frame: pd.DataFrame, by: Any, wts: Any) -> Cells:
        """Rows with the same values in some columns; all rows without."""
        weights = _weights(frame, wts)
        columns = _columns(frame, by)
        if not columns:
            return cls(pd.DataFrame(index=[0]), sparse.csr_array(weights[None, :]))
        groups = frame.groupby(columns, sort=True, observed=True, dropna=True)
        number = groups.ngroup().to_numpy()
        first = pd.Series(np.arange(len(frame)))[number >= 0].groupby(number[number >= 0]).first()
        places = (weights[number >= 0], (number[number >= 0], np.flatnonzero(number >= 0)))
        matrix = sparse.csr_array(places, shape=(len(first), len(frame)))
        return cls(frame.iloc[first.to_numpy()][columns].reset_index(drop=True), matrix)

    def labels_of(self, spec: ModelSpec) -> pd.DataFrame:
        """Labels of what `cell_means` gives: of an ordinal response, those of each category after another's."""
        if not spec.family.is_ordinal:
            return self.labels
        levels = spec.design.response_levels or ()
        name = GROUP if GROUP not in self.labels.columns else "category"
        parts = [self.labels.copy() for _ in levels]
        for part, level in zip(parts, levels, strict=True):
            part.insert(0, name, level)
        return pd.concat(parts)

    @classmethod
    def of_each_row(cls, frame: pd.DataFrame) -> Cells:
        """One for each row."""
        return cls(frame, sparse.csr_array(sparse.eye_array(len(frame), format="csr")))


@dataclass(frozen=True)
class Whose:
    """How rows are predicted: the arguments that all averages have in common.

    Attributes
    ----------
    random, include, offset, exposure, draws, rng
        As for `MixedGLMResults.predict`, but that without `random` it is ``"conditional"``.
    """

    random: Any = None
    include: Any = None
    offset: Any = None
    exposure: Any = None
    draws: Any = 1000
    rng: Any = 0


def cell_means(fit: Fit, frames: Sequence[pd.DataFrame], cells: Cells, whose: Whose) -> Floats:
    """Draws of the mean response of each cell in each version of its rows, shape (versions, cells, n).

    Of an ordinal response, the probabilities of the categories, shape (versions, categories x cells, n). All versions are predicted from the same draws. Rows in which something is missing do not count.

    Warns
    -----
    PredictionWarning
        If a mean over the posterior hangs on few of the draws.
    """
    n, rng = as_count(whose.draws, "draws"), as_generator(whose.rng)
    groups = as_groups(whose.random, whose.include, fit.spec.layout, default="conditional")
    m, times = len(frames[0]), len(frames)
    stacked = pd.concat(list(frames), ignore_index=True)
    offset, exposure = (_repeated(getattr(whose, name), name, m, times) for name in ("offset", "exposure"))
    drawn = RowDraws.of(fit, make_rows(fit.spec, stacked, None, offset, exposure, None, groups), n, rng)
    weights = sparse.csr_array(sparse.block_diag([cells.weights] * times, format="csr"))
    averages = _averages(drawn, groups.random == "marginal", weights, rng)
    if fit.spec.family.link == "log":
        known = averages[~np.isnan(averages).any(axis=1)]
        warn_of_tails(tail_shapes(known), n, "Average over the groups of the data, with random='conditional'")
    categories = len(averages) // weights.shape[0]
    return averages.reshape(categories, times, -1, n).swapaxes(0, 1).reshape(times, -1, n)


def _averages(drawn: RowDraws, marginal: bool, weights: sparse.csr_array, rng: np.random.Generator) -> Floats:
    """Weighted averages of the rows' means, shape (averages, n); of new groups on average, or with effects drawn for them.

    Of an ordinal response, those of the first category, then those of the second, and so on.
    """
    effects = None if marginal else drawn.new_effects(rng)
    categories = drawn.thresholds.shape[1] + 1
    total: Floats = np.zeros((categories, weights.shape[0], len(drawn)))
    count: Floats = np.zeros(weights.shape[0])
    by_row = sparse.csc_array(weights)
    for block in drawn.blocks(categories):
        eta = drawn.with_effects(drawn.linear_predictors(block), effects, block)
        for category, means in enumerate(_means(drawn, eta, marginal, block)):
            usable = np.asarray(~np.isnan(means).any(axis=1), dtype=np.float64)
            means[usable == 0.0] = 0.0
            total[category] += by_row[:, block] @ means
        count += by_row[:, block] @ usable
    averages = total / np.where(count > 0.0, count, np.nan)[:, None]
    return averages.reshape(-1, len(drawn))


def _means(drawn: RowDraws, eta: Floats, marginal: bool, block: slice) -> list[Floats]:
    """Means of the rows of a block, shape (m, n); of an ordinal response the probabilities of each category."""
    if drawn.spec.family.is_ordinal:
        sd = drawn.new_sds(block) if marginal else np.zeros(())
        return [*np.moveaxis(category_chances(drawn.spec, eta, sd, drawn.thresholds), -1, 0)]
    return [drawn.over_new(eta, block) if marginal else np.asarray(drawn.spec.family.mean(eta))]


def summarized(values: Floats, conf_level: float) -> dict[str, Floats]:
    """Columns that tell of draws, shape (c, n)."""
    tail = (1.0 - conf_level) / 2.0
    low, high = np.quantile(values, [tail, 1.0 - tail], axis=1)
    return {
        "estimate": values.mean(axis=1),
        "std_error": spread(values),
        "conf_low": low,
        "conf_high": high,
    }


def _repeated(value: Any, name: str, m: int, times: int) -> Any:
    """An argument with one value for each row, for several versions of the rows."""
    if value is None or isinstance(value, str) or np.ndim(value) == 0:
        return value
    return np.tile(as_vector(value, name, m), times)


def _weights(frame: pd.DataFrame, wts: Any) -> Floats:
    if wts is None:
        return np.ones(len(frame))
    if isinstance(wts, str):
        wts = frame[_columns(frame, wts, "wts")[0]]
    weights = as_vector(wts, "wts", len(frame))
    if (weights < 0.0).any() or not weights.any():
        raise ValueError("wts must not be negative, nor all of them zero")
    return weights


def _columns(frame: pd.DataFrame, by: Any, name: str = "by") -> list[str]:
    if by is None or by is True or by is False:
        return []
    if isinstance(by, Mapping) or not isinstance(by, (str, Sequence)):
        raise TypeError(f"{name} must be the name of a column or a list of such names, got {by!r}")
    columns = [by] if isinstance(by, str) else list(by)
    for column in columns:
        if column not in frame.columns:
            raise ValueError(
                f"{name}: newdata has no column {column!r}; {known_columns(str(column), frame.columns)}"
            )
    return columns
