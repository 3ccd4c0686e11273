"""How sensitive a posterior is to its priors and to the data: what it moves by if one of them is made a little stronger.

Kallioinen, Paananen, Bürkner and Vehtari (2024), Detecting and diagnosing prior and likelihood sensitivity with power-scaling, Statistics and
Computing 34, 57.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from mixed_glm._fit.fit import Fit
from mixed_glm._input.arrays import as_count, as_generator
from mixed_glm._input.options import as_flag
from mixed_glm._posterior.draws import PosteriorDraws
from mixed_glm._posterior.log_prior import total_log_prior
from mixed_glm._posterior.psis import LEAST_DRAWS, smooth_weights

Floats = npt.NDArray[np.float64]

_DELTA = 0.01  # of the power
_MUCH = 0.05  # sensitivity that is worth a look
_BATCH = 2**23  # rows x draws at a time


def power_scale(fit: Fit, draws: int = 4000, rng: Any = 0, random: bool = False) -> pd.DataFrame:
    """Sensitivity of the posterior to its priors and to the likelihood, by power-scaling (Kallioinen et al. 2024).

    The priors, or the likelihood, are raised to powers near one, which makes them a little weaker or stronger, and the draws of
    the fit are weighted accordingly; the sensitivity is how far the distribution of each parameter moves for each doubling of the power.

    Parameters
    ----------
    draws : int, default 4000
        Posterior draws, at least 25.
    rng : int or numpy.random.Generator, default 0
        Source of the draws; by default always the same.
    random : bool, default False
        Whether the random effects are rows too.

    Returns
    -------
    DataFrame
        Index: names. Columns ``prior`` and ``likelihood``: the sensitivity to each; above 0.05 it is worth a look. ``diagnosis``:
        ``"prior-data conflict"`` where both are, ``"strong prior or weak likelihood"`` where the prior alone is, else ``"-"``.

    Raises
    ------
    ValueError, TypeError
        If an argument does not fit, or the fit has no draws.

    Notes
    -----
    Priors are those of fixed effects, standard deviations, correlations and the family's own parameter. Random effects have no prior of
    their own: given their standard deviations, their distribution belongs to the model, and the likelihood is that given
    the random effects.
    """
    n = as_count(draws, "draws")
    if n < LEAST_DRAWS:
        raise ValueError(f"draws must be at least {LEAST_DRAWS} to smooth their weights, got {n}")
    random = as_flag(random, "random")
    sample, layout = fit.posterior.sample(n, as_generator(rng)), fit.spec.layout
    wanted = slice(None) if random else layout.leading
    values = sample.params[:, wanted]
    prior = sensitivity(values, total_log_prior(sample))
    likelihood = sensitivity(values, _total_log_likelihood(sample))
    diagnosis = np.where(
        prior < _MUCH,
        "-",
        np.where(likelihood < _MUCH, "strong prior or weak likelihood", "prior-data conflict"),
    )
    columns = {"prior": prior, "likelihood": likelihood, "diagnosis": diagnosis}
    return pd.DataFrame(columns, index=layout.names[wanted])


def sensitivity(values: Floats, log_component: Floats) -> Floats:
    """How far the columns of draws, shape (n, d), move for each doubling of the power of a component, shape (d,)."""
    moved = np.zeros(values.shape[1])
    order = np.argsort(values, axis=0)
    ordered = np.take_along_axis(values, order, axis=0)
    for power in (1.0 / (1.0 + _DELTA), 1.0 + _DELTA):
        log_weights, _ = smooth_weights((power - 1.0) * log_component)
        weights = np.exp(log_weights)[order]
        backwards = _distance(-ordered[::-1], weights[::-1])
        moved += np.maximum(_distance(ordered, weights), backwards)
    return np.asarray(moved / (2.0 * np.log2(1.0 + _DELTA)))


def _distance(ordered: Floats, weights: Floats) -> Floats:
    """Cumulative Jensen-Shannon distance of weighted draws, in increasing order in each column, from those without weights."""
    n = len(ordered)
    width = np.diff(ordered, axis=0)
    plain = np.linspace(1.0 / n, 1.0 - 1.0 / n, n - 1)[:, None]
    moved = np.cumsum(weights / weights.sum(axis=0), axis=0)[:-1]
    log_middle = np.log2(0.5 * (plain + moved))
    areas = (width * plain).sum(axis=0), (width * moved).sum(axis=0)
    surplus = 0.5 / np.log(2.0) * (areas[1] - areas[0])
    one = (width * plain * (np.log2(plain) - log_middle)).sum(axis=0) + surplus
    other = (width * moved * (np.log2(moved) - log_middle)).sum(axis=0) - surplus
    with np.errstate(invalid="ignore", divide="ignore"):  # a parameter that does not vary
        share = (np.maximum(one, 0.0) + np.maximum(other, 0.0)) / (areas[0] + areas[1])
    return np.sqrt(np.where(areas[0] > 0.0, share, 0.0))


def _total_log_likelihood(sample: PosteriorDraws) -> Floats:
    """Of all rows together at each draw."""
    n = sample.spec.nobs
    size = max(1, _BATCH // len(sample))
    return np.asarray(
        sum(
            (sample.log_likelihood(slice(a, a + size)).sum(axis=1) for a in range(0, n, size)),
            np.zeros(len(sample)),
        )
    )
