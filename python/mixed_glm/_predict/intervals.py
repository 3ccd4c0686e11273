"""Means and intervals of new responses, from posterior draws."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from mixed_glm._posterior.parameter_draws import shape_of
from mixed_glm._posterior.some_draws import SomeDraws
from mixed_glm._predict.new_rows import NewRows
from mixed_glm._predict.tail import tail_shapes
from mixed_glm._predict.target import Prediction, Target, mean_over_normal
from mixed_glm._spec.spec import ModelSpec

Floats = npt.NDArray[np.float64]

_ENTRIES = 2**21  # draws x rows at a time


def predict_rows(
    spec: ModelSpec,
    draws: SomeDraws,
    center: Floats,
    rows: NewRows,
    target: Target,
    rng: np.random.Generator,
) -> Prediction:
    """Predict from draws of the parameters, those of all effects that the rows know among them.

    Parameters
    ----------
    center : float array, shape (d,)
        Posterior means of all parameters: linear predictors are shifted so that their means are exact.
    """
    sample = _Coefficients.of(draws, spec, center)
    known = rows.known[:, draws.effects]
    parts = [
        np.stack(_predict_block(spec, sample, rows, known[block], block, target, rng))
        for block in _blocks(rows, len(draws))
    ]
    return Prediction(*np.concatenate([np.empty((5, 0)), *parts], axis=1))


@dataclass(frozen=True)
class _Coefficients:
    """Draws of n parameters, one in each column; a row of the data then has its n linear predictors side by side.

    Attributes
    ----------
    fe, variance, covariance, vc : float array, shape (p, n), (K, n), (C, n), (m, n)
        `covariance` is that of pairs of correlated components, `vc` has the random effects that were drawn.
    shape : float array, shape (1, n), or None
        Parameter of the family.
    fe_shift, vc_shift : float array, shape (p,), (m,)
        What makes the means of the draws exact.
    """

    fe: Floats
    variance: Floats
    covariance: Floats
    vc: Floats
    shape: Floats | None
    fe_shift: Floats
    vc_shift: Floats

    @classmethod
    def of(cls, draws: SomeDraws, spec: ModelSpec, center: Floats) -> _Coefficients:
        fe, _, vc = spec.layout.unpack(center)
        pairs = np.array(spec.correlated_components, dtype=np.intp).reshape(-1, 2)
        covariance = np.exp(draws.vcp[:, pairs[:, 0]] + draws.vcp[:, pairs[:, 1]]) * draws.cor
        shape = shape_of(draws.family)
        return cls(
            np.ascontiguousarray(draws.fe.T),
            np.ascontiguousarray(np.exp(2.0 * draws.vcp).T),
            np.ascontiguousarray(covariance.T),
            np.ascontiguousarray(draws.vc.T),
            None if shape is None else shape.T,
            fe - draws.fe.mean(axis=0),
            vc[draws.effects] - draws.vc.mean(axis=0),
        )

    def linear_predictors(self, x: Floats, z: sparse.csr_array, shift: Floats) -> Floats:
        """Of m rows, without unknown effects, shape (m, n)."""
        eta: Floats = x @ self.fe
        constant = shift + x @ self.fe_shift
        if z.nnz:
            eta += z @ self.vc
            constant = constant + z @ self.vc_shift
        eta += constant[:, None]
        return eta


def _blocks(rows: NewRows, draws: int) -> Iterator[slice]:
    size = max(1, _ENTRIES // draws)
    return (slice(first, first + size) for first in range(0, len(rows), size))


def _predict_block(
    spec: ModelSpec,
    sample: _Coefficients,
    rows: NewRows,
    known: sparse.csr_array,
    block: slice,
    target: Target,
    rng: np.random.Generator,
) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Mean, median, limits and Pareto k of a block of rows."""
    family = spec.family
    eta = sample.linear_predictors(rows.exog[block], known, rows.shift[block])
    variance = rows.new[block] ** 2 @ sample.variance
    if len(sample.covariance):
        variance = np.maximum(variance + 2.0 * (rows.crossed[block] @ sample.covariance), 0.0)
    sd = np.sqrt(variance)
    value = eta if target.linear else mean_over_normal(family, eta, sd)
    k = tail_shapes(value) if family.link == "log" and not target.linear else np.zeros(len(eta))
    trials = rows.n_trials[block] if target.predictive and rows.n_trials is not None else None
    mean = value.mean(axis=1) if trials is None else value.mean(axis=1) * trials
    if target.interval is None:
        none = np.full_like(mean, np.nan)
        return mean, none, none, none, k
    values = value
    if sd.any() and (target.predictive or target.random != "marginal"):
        eta += sd * rng.standard_normal(eta.shape)  # effects of unknown groups drawn
        values = eta if target.linear or target.predictive else np.asarray(family.mean(eta))
    if target.predictive:
        values = family.sample(eta, rng, None if trials is None else trials[:, None], sample.shape)
    method = "inverted_cdf" if target.predictive else "linear"
    median, lower, upper = np.quantile(values, target.levels, axis=1, method=method)  # type: ignore[call-overload]
    return mean, median, lower, upper, k
