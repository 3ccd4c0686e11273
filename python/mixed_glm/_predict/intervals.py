"""Means and intervals of new responses, from posterior draws."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mixed_glm._predict.row_draws import RowDraws
from mixed_glm._predict.tail import tail_shapes
from mixed_glm._predict.target import Prediction, Target

Floats = npt.NDArray[np.float64]


def predict_rows(draws: RowDraws, target: Target, rng: np.random.Generator) -> Prediction:
    """Summaries of draws, a block of rows at a time."""
    parts = [np.stack(_predict_block(draws, block, target, rng)) for block in draws.blocks()]
    return Prediction(*np.concatenate([np.empty((5, 0)), *parts], axis=1))


def _predict_block(
    draws: RowDraws, block: slice, target: Target, rng: np.random.Generator
) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Mean, median, limits and Pareto k of a block of rows."""
    family = draws.spec.family
    eta = draws.linear_predictors(block)
    value = eta if target.linear else draws.over_new(eta, block)
    k = tail_shapes(value) if family.link == "log" and not target.linear else np.zeros(len(eta))
    n_trials = draws.rows.n_trials
    trials = n_trials[block] if target.predictive and n_trials is not None else None
    mean = value.mean(axis=1) if trials is None else value.mean(axis=1) * trials
    if target.interval is None:
        none = np.full_like(mean, np.nan)
        return mean, none, none, none, k
    values = value
    if draws.rows.new and (target.predictive or target.random != "marginal"):
        eta = draws.with_new(eta, rng, block)
        values = eta if target.linear or target.predictive else np.asarray(family.mean(eta))
    if target.predictive:
        values = family.sample(eta, rng, None if trials is None else trials[:, None], draws.shape)
    method = "inverted_cdf" if target.predictive else "linear"
    median, lower, upper = np.quantile(values, target.levels, axis=1, method=method)  # type: ignore[call-overload]
    return mean, median, lower, upper, k
