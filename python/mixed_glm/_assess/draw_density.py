"""Predictive densities of rows, from draws of a posterior."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from mixed_glm._posterior.mixture import MarginalPosterior
from mixed_glm._posterior.parameter_draws import ParameterDraws
from mixed_glm._posterior.posterior import Posterior
from mixed_glm._posterior.psis import GOOD_K, smooth_weights
from mixed_glm._spec.approximation import Approximation
from mixed_glm._spec.spec import ModelSpec

Floats = npt.NDArray[np.float64]

_BATCH = 2**23  # parameters drawn at a time
_LEAST_SHARE = 0.25  # of draws that weights leave effective


def draw_log_likelihood(
    posterior: Posterior, spec: ModelSpec, draws: int, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Log likelihood of each row of `spec`, which has the parameters of the posterior, at each draw.

    Returns
    -------
    log_likelihood : float array, shape (draws, rows)
    weights : float array, shape (draws,)
        Of the draws; they sum to one.
    """
    weighted = _weighted(posterior, draws, rng)
    if weighted is not None:
        params, weights = weighted
        return ParameterDraws(params, spec).log_likelihood(), weights
    parts = [ParameterDraws(params, spec).log_likelihood() for params in _batches(posterior, draws, rng)]
    return np.concatenate(parts), np.full(draws, 1.0 / draws)


def log_mean(log_likelihood: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Log of the mean of the likelihood over draws, shape (draws, m), and its Monte-Carlo variance, shape (m,) each."""
    highest = log_likelihood.max(axis=0)
    highest = np.where(np.isfinite(highest), highest, 0.0)
    ratio = np.exp(log_likelihood - highest)
    mean, squared = weights @ ratio, weights**2
    with np.errstate(divide="ignore", invalid="ignore"):  # impossible at every draw
        second = np.einsum("d,di,di->i", squared, ratio, ratio) / mean**2
        variance = second - 2.0 * (squared @ ratio) / mean + squared.sum()
        return highest + np.log(mean), np.maximum(variance, 0.0)


def _batches(posterior: Posterior, draws: int, rng: np.random.Generator) -> Iterator[Floats]:
    size = max(1, _BATCH // max(posterior.spec.layout.size, 1))
    return (posterior.draw(min(size, draws - first), rng).params for first in range(0, draws, size))


def _weighted(posterior: Posterior, draws: int, rng: np.random.Generator) -> tuple[Floats, Floats] | None:
    """Draws in the place of those that take long, of the effects of a leaf from their exact densities.

    They are of Laplace's approximation given the hyperparameters, weighted by the ratio of the posterior density to theirs.
    None where these draws are no others, too many to be held, or their weights too unequal.
    """
    if not isinstance(posterior, MarginalPosterior) or draws * posterior.spec.layout.size > _BATCH:
        return None
    if posterior.approximation is None or posterior.approximation.name != "leaf":
        return None
    quick = dataclasses.replace(posterior, approximation=Approximation("laplace"))
    try:
        sample = quick.sample(draws, rng)
    except RuntimeError:  # a mode was not found
        return None
    log_weights, k = smooth_weights(sample.log_p - sample.log_q)
    weights = np.exp(log_weights)
    if not (k <= GOOD_K and 1.0 / (weights @ weights) >= _LEAST_SHARE * draws):
        return None
    return sample.params, weights
