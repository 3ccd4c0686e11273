"""Means and intervals of new responses, from posterior draws."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mixed_glm._new_rows import NewRows
from mixed_glm.families import Family

if TYPE_CHECKING:
    from mixed_glm._draws import PosteriorDraws

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
    parts = [
        _predict_block(family, draws, center, rows, block, target, rng) for block in _blocks(rows, len(draws))
    ]
    empty = np.empty((3, 0))
    mean, lower, upper = np.concatenate([empty, *(np.stack(part) for part in parts)], axis=1)
    return Prediction(mean, lower, upper)


def _blocks(rows: NewRows, draws: int) -> Iterator[slice]:
    size = max(1, _ENTRIES // draws)
    return (slice(first, first + size) for first in range(0, len(rows), size))


def _predict_block(
    family: Family,
    draws: PosteriorDraws,
    center: Floats,
    rows: NewRows,
    block: slice,
    target: Target,
    rng: np.random.Generator,
) -> tuple[Floats, Floats, Floats]:
    eta = _linear_predictors(draws, center, rows, block)
    sd = np.sqrt(np.exp(2.0 * draws.vcp) @ rows.new[block].T ** 2)
    drawn = eta + sd * rng.standard_normal(eta.shape)  # effects of unknown groups drawn
    if target.linear:
        value, values = eta, eta if target.random == "marginal" else drawn
    else:
        value = _mean_over_effects(family, eta, sd)
        values = value if target.random == "marginal" else np.asarray(family.mean(drawn))
    mean = value.mean(axis=0)
    if target.predictive:
        trials = None if rows.n_trials is None else rows.n_trials[block]
        mean = mean if trials is None else mean * trials
        values = family.sample(drawn, rng, trials)
    if target.interval is None:
        return mean, np.full_like(mean, np.nan), np.full_like(mean, np.nan)
    tail = (1.0 - target.interval) / 2.0
    method = "inverted_cdf" if target.predictive else "linear"
    lower, upper = np.quantile(values, [tail, 1.0 - tail], axis=0, method=method)  # type: ignore[call-overload]
    return mean, lower, upper


def _linear_predictors(draws: PosteriorDraws, center: Floats, rows: NewRows, block: slice) -> Floats:
    """Linear predictors without unknown effects, shape (n, m), their means over the draws exact."""
    model = draws.model
    fe, _, vc = model._unpack(center)
    x, z = rows.exog[block], rows.known[block]
    eta: Floats = (draws.fe - draws.fe.mean(axis=0) + fe) @ x.T + rows.shift[block]
    if z.nnz:
        eta += np.asarray((z @ (draws.vc - draws.vc.mean(axis=0) + vc).T).T)
    return np.asarray(eta)


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
