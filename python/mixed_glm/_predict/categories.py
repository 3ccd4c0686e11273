"""Probabilities of the categories of an ordinal response."""

from __future__ import annotations

import dataclasses
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from mixed_glm._fit.fit import Fit
from mixed_glm._posterior.fixed_effects import FixedEffects
from mixed_glm._predict.new_rows import NewRows
from mixed_glm._predict.population import predict_population
from mixed_glm._predict.row_draws import RowDraws
from mixed_glm._predict.target import Target, mean_over_normal
from mixed_glm._spec.spec import ModelSpec
from mixed_glm.families import Binomial, Cumulative

Floats = npt.NDArray[np.float64]


def predict_categories(
    fit: Fit, rows: NewRows, target: Target, draws: int, rng: np.random.Generator
) -> pd.DataFrame:
    """A column for each category, or, of an interval of new responses, ``median``, ``lower`` and ``upper``."""
    labels = list(fit.spec.design.response_levels or ())
    drawn = bool(rows.known.nnz or rows.new)
    with_limits = target.interval is not None and not target.predictive
    mean = limits = np.empty(0)
    if drawn or with_limits:
        mean, limits = _of_draws(RowDraws.of(fit, rows, draws, rng), target, with_limits, rng)
    if not drawn:
        mean = _of_population(fit.spec, fit.posterior.fixed_effects(), rows)
    return _with_limits(mean, limits, labels, rows) if with_limits else _table(mean, labels, target, rows)


def _of_population(spec: ModelSpec, fixed: FixedEffects, rows: NewRows) -> Floats:
    """Means with random effects of zero, shape (m, C): nothing is drawn."""
    mean = Target(linear=False, random="population", predictive=False, interval=None)
    above = []
    for column in -np.eye(len(spec.layout.family_names)):
        exog = np.column_stack([np.tile(column, (len(rows), 1)), rows.exog])
        at = dataclasses.replace(rows, exog=exog)
        above.append(predict_population(_above(spec), fixed, at, mean).mean)
    return _between(np.array(above).T)


def _between(above: Floats) -> Floats:
    """Probabilities of the categories, from those of being above each threshold, shape (..., C - 1)."""
    ends = np.zeros((*above.shape[:-1], 1))
    chances = -np.diff(np.concatenate([1.0 - ends, above, ends], axis=-1), axis=-1)
    return np.asarray(np.maximum(chances, 0.0))


def _of_draws(
    draws: RowDraws, target: Target, with_limits: bool, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Means, shape (m, C), and median and limits, shape (3, m, C)."""
    m, c = len(draws.rows), draws.thresholds.shape[1] + 1
    means, limits = np.empty((m, c)), np.full((3, m, c), np.nan)
    for block in draws.blocks(c):
        eta, sd = draws.linear_predictors(block), draws.new_sds(block)
        chances = category_chances(draws.spec, eta, sd, draws.thresholds)
        means[block] = chances.mean(axis=1)
        if not with_limits:
            continue
        if sd.any() and target.random != "marginal":
            chances = category_chances(
                draws.spec, draws.with_new(eta, rng, block), np.zeros(()), draws.thresholds
            )
        limits[:, block] = np.quantile(chances, target.levels, axis=1)
    return means, limits


def _above(spec: ModelSpec) -> Binomial:
    """The family of being above a threshold."""
    assert isinstance(spec.family, Cumulative)
    return spec.family.above


def category_chances(spec: ModelSpec, eta: Floats, sd: Floats, cuts: Floats) -> Floats:
    """Of each row and draw, over effects of new groups with the standard deviations `sd`, shape (m, draws, C)."""
    above = [mean_over_normal(_above(spec), eta - cut, sd) for cut in cuts.T]
    return _between(np.stack(above, axis=-1))


def _table(chances: Floats, labels: list[str], target: Target, rows: NewRows) -> pd.DataFrame:
    """Probabilities; or categories at the levels of an interval of new responses."""
    if target.interval is None:
        return pd.DataFrame(chances, columns=labels, index=rows.index)
    below, missing = np.cumsum(chances, axis=1)[:, :-1], np.isnan(chances).any(axis=1)
    columns = {}
    for name, level in zip(("median", "lower", "upper"), target.levels, strict=True):
        codes = np.where(missing, -1, (below < level).sum(axis=1))
        columns[name] = cast(Any, pd.Categorical).from_codes(codes, categories=labels, ordered=True)
    return pd.DataFrame(columns, index=rows.index)


def _with_limits(mean: Floats, limits: Floats, labels: list[str], rows: NewRows) -> pd.DataFrame:
    columns = pd.MultiIndex.from_product([labels, ("mean", "median", "lower", "upper")])
    values = np.concatenate([mean[None], limits]).transpose(1, 2, 0).reshape(len(mean), -1)
    return pd.DataFrame(values, columns=columns, index=rows.index)
