"""Probabilities of the categories of an ordinal response."""

from __future__ import annotations

import dataclasses
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from mixed_glm._fit.fit import Fit
from mixed_glm._posterior.fixed_effects import FixedEffects
from mixed_glm._posterior.some_draws import SomeDraws
from mixed_glm._predict.intervals import Coefficients, blocks
from mixed_glm._predict.new_rows import NewRows
from mixed_glm._predict.population import draws_of_population, predict_population
from mixed_glm._predict.target import Target, mean_over_normal
from mixed_glm._spec.spec import ModelSpec
from mixed_glm.families import Binomial

Floats = npt.NDArray[np.float64]

_ABOVE = Binomial()  # the probability of being above a threshold is that of success


def predict_categories(
    fit: Fit, rows: NewRows, target: Target, draws: int, rng: np.random.Generator
) -> pd.DataFrame:
    """A column for each category, or, of an interval of new responses, ``median``, ``lower`` and ``upper``."""
    spec, posterior = fit.spec, fit.posterior
    labels = list(spec.design.response_levels or ())
    effects = np.unique(rows.known.indices).astype(np.intp)
    drawn = len(effects) > 0 or bool(rows.new.any())
    if not drawn:
        fixed = posterior.fixed_effects()
        mean = _of_population(spec, fixed, rows)
        if target.interval is None or target.predictive:
            return _table(mean, labels, target, rows)
        sample = draws_of_population(spec, fixed, draws, rng)
        return _with_limits(mean, _of_draws(spec, sample, posterior.mean, rows, target, rng)[1], labels, rows)
    sample = posterior.draw_some(effects, draws, rng)
    mean, limits = _of_draws(spec, sample, posterior.mean, rows, target, rng)
    if target.interval is None or target.predictive:
        return _table(mean, labels, target, rows)
    return _with_limits(mean, limits, labels, rows)


def _of_population(spec: ModelSpec, fixed: FixedEffects, rows: NewRows) -> Floats:
    """Means with random effects of zero, shape (m, C): nothing is drawn."""
    mean = Target(linear=False, random="population", predictive=False, interval=None)
    above = []
    for column in -np.eye(len(spec.layout.family_names)):
        exog = np.column_stack([np.tile(column, (len(rows), 1)), rows.exog])
        at = dataclasses.replace(rows, exog=exog)
        above.append(predict_population(_ABOVE, fixed, at, mean).mean)
    return _between(np.array(above).T)


def _between(above: Floats) -> Floats:
    """Probabilities of the categories, from those of being above each threshold, shape (..., C - 1)."""
    ends = np.zeros((*above.shape[:-1], 1))
    chances = -np.diff(np.concatenate([1.0 - ends, above, ends], axis=-1), axis=-1)
    return np.asarray(np.maximum(chances, 0.0))


def _of_draws(
    spec: ModelSpec,
    draws: SomeDraws,
    center: Floats,
    rows: NewRows,
    target: Target,
    rng: np.random.Generator,
) -> tuple[Floats, Floats]:
    """Means, shape (m, C), and median and limits, shape (3, m, C)."""
    layout = spec.layout
    sample, known = Coefficients.of(draws, spec, center), rows.known[:, draws.effects]
    cuts = np.sort(draws.family + (center[layout.family] - draws.family.mean(axis=0)), axis=1)
    c = cuts.shape[1] + 1
    means, limits = np.empty((len(rows), c)), np.full((3, len(rows), c), np.nan)
    for block in blocks(rows, len(draws) * c):
        eta = sample.linear_predictors(rows.exog[block], known[block], rows.shift[block])
        sd = sample.unknown_sds(rows, block)
        chances = _chances(eta, sd, cuts)
        means[block] = chances.mean(axis=1)
        if target.interval is None or target.predictive:
            continue
        if sd.any() and target.random != "marginal":
            chances = _chances(eta + sd * rng.standard_normal(eta.shape), np.zeros_like(sd), cuts)
        limits[:, block] = np.quantile(chances, target.levels, axis=1)
    return means, limits


def _chances(eta: Floats, sd: Floats, cuts: Floats) -> Floats:
    """Of each row and draw, over effects of new groups with the standard deviations `sd`, shape (m, draws, C)."""
    above = [mean_over_normal(_ABOVE, eta - cut, sd) for cut in cuts.T]
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
