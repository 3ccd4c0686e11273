"""Means and intervals of new responses, from posterior draws."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from mixed_glm._posterior.draws import PosteriorDraws
from mixed_glm._predict.new_rows import NewRows
from mixed_glm.families import Family

Floats = npt.NDArray[np.float64]

_ENTRIES = 2**21  # draws x rows at a time
_REACH, _NODES = 6.0, 49  # of the trapezoidal rule over a standard normal density


@dataclass(frozen=True)
class Target:
    """What to predict.

    Attributes
    ----------
    linear : bool
        The linear predictor rather than the mean of the response.
    random : {"population", "conditional", "marginal"}
    predictive : bool
        The interval is that of new responses.
    interval : float or None
        Its probability.
    """

    linear: bool
    random: str
    predictive: bool
    interval: float | None


@dataclass(frozen=True)
class Prediction:
    """Means and interval limits, shape (m,) each; limits are NaN without an interval."""

    mean: Floats
    lower: Floats
    upper: Floats


def predict_rows(
    family: Family,
    draws: PosteriorDraws,
    center: Floats,
    rows: NewRows,
    target: Target,
    rng: np.random.Generator,
) -> Prediction:
    """Predict from draws of the parameters.

    Parameters
    ----------
    center : float array, shape (d,)
        Posterior means of all parameters: linear predictors are shifted so that their means are exact.
    """
    sample = _Coefficients.of(draws, center, bool(rows.known.nnz))
    parts = [_predict_block(family, sample, rows, block, target, rng) for block in _blocks(rows, len(draws))]
    empty = np.empty((3, 0))
    mean, lower, upper = np.concatenate([empty, *(np.stack(part) for part in parts)], axis=1)
    return Prediction(mean, lower, upper)


@dataclass(frozen=True)
class _Coefficients:
    """Draws of n parameters, one in each column; a row of the data then has its n linear predictors side by side.

    Attributes
    ----------
    fe, variance, vc : float array, shape (p, n), (K, n), (q, n)
        `vc` has no rows where it is not asked for.
    fe_shift, vc_shift : float array, shape (p,), (q,)
        What makes the means of the draws exact.
    """

    fe: Floats
    variance: Floats
    vc: Floats
    fe_shift: Floats
    vc_shift: Floats

    @classmethod
    def of(cls, draws: PosteriorDraws, center: Floats, with_effects: bool) -> _Coefficients:
        fe, _, vc = draws.spec.layout.unpack(center)
        effects = draws.vc if with_effects else draws.vc[:, :0]
        return cls(
            np.ascontiguousarray(draws.fe.T),
            np.ascontiguousarray(np.exp(2.0 * draws.vcp).T),
            np.ascontiguousarray(effects.T),
            fe - draws.fe.mean(axis=0),
            vc[: effects.shape[1]] - effects.mean(axis=0),
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
    family: Family,
    sample: _Coefficients,
    rows: NewRows,
    block: slice,
    target: Target,
    rng: np.random.Generator,
) -> tuple[Floats, Floats, Floats]:
    eta = sample.linear_predictors(rows.exog[block], rows.known[block], rows.shift[block])
    sd = np.sqrt(rows.new[block] ** 2 @ sample.variance)
    value = eta if target.linear else _mean_over_effects(family, eta, sd)
    trials = rows.n_trials[block] if target.predictive and rows.n_trials is not None else None
    mean = value.mean(axis=1) if trials is None else value.mean(axis=1) * trials
    if target.interval is None:
        return mean, np.full_like(mean, np.nan), np.full_like(mean, np.nan)
    values = value
    if sd.any() and (target.predictive or target.random != "marginal"):
        eta += sd * rng.standard_normal(eta.shape)  # effects of unknown groups drawn
        values = eta if target.linear or target.predictive else np.asarray(family.mean(eta))
    if target.predictive:
        values = family.sample(eta, rng, None if trials is None else trials[:, None])
    tail = (1.0 - target.interval) / 2.0
    method = "inverted_cdf" if target.predictive else "linear"
    lower, upper = np.quantile(values, [tail, 1.0 - tail], axis=1, method=method)  # type: ignore[call-overload]
    return mean, lower, upper


def _mean_over_effects(family: Family, eta: Floats, sd: Floats) -> Floats:
    """Mean of the response for linear predictors with standard deviations `sd`, elementwise."""
    if not sd.any():
        return np.asarray(family.mean(eta))
    if family.link == "log":
        return np.asarray(family.mean(eta + sd**2 / 2.0))
    z = np.linspace(-_REACH, _REACH, _NODES)
    weights = np.exp(-(z**2) / 2.0)
    total: Floats = np.zeros_like(eta)
    for x, weight in zip(z, weights / weights.sum(), strict=True):
        total += weight * family.mean(eta + sd * x)
    return np.asarray(total)
