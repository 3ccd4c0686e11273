"""Draws from the prior of a model: of its parameters, and of responses."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mixed_glm import _core
from mixed_glm._input.arrays import as_count, as_generator
from mixed_glm._posterior.parameter_draws import ParameterDraws
from mixed_glm._spec.fixed_prior import FixedPrior
from mixed_glm._spec.spec import ModelSpec
from mixed_glm.priors import LKJ

Floats = npt.NDArray[np.float64]

_LARGEST = 1e200  # of a standard deviation: infinite effects of both signs in one row have no sum


def prior_sample(spec: ModelSpec, n: int = 1000, rng: Any = None) -> ParameterDraws:
    """Draw fixed effects, log standard deviations and random effects jointly from their prior.

    The responses have no part in it, except where a default prior of the intercept has their mean as location (`priors`).

    Parameters
    ----------
    n : int, default 1000
        Number of draws.
    rng : int or numpy.random.Generator, optional
        Source of random numbers; a number makes the draws reproducible.

    Returns
    -------
    ParameterDraws
        Converts to an array of shape (n, p + K + q); ``to_frame()`` has the names, ``linear_predictor()`` that of each row of
        the model.

    Raises
    ------
    ValueError, TypeError
        If `n` is not a positive integer.
    """
    n, generator = as_count(n, "n"), as_generator(rng)
    layout, priors, change = spec.layout.core, spec.design.priors, spec.coordinates
    params = generator.standard_normal((n, layout.size))
    params[:, layout.fe] = FixedPrior.of(spec, change).sample(n, generator)
    of_hyper = [(layout.vcp, priors.sd), (layout.family, priors.family)]
    for places, own in of_hyper:
        for place, prior in zip(range(*places.indices(layout.size)), own, strict=True):
            params[:, place] = np.log(
                np.clip(prior.sample(n, generator), np.finfo(np.float64).tiny, _LARGEST)
            )
    terms = zip(spec.design.correlated, layout.cor_slices(), priors.cor, strict=True)
    effects = params[:, layout.vc]
    for term, part, prior in terms:
        z = _partial_correlations(prior, term.order, n, generator)
        params[:, layout.hyper][:, part] = _core.correlations(z, term.order)
        roots = _core.correlation_roots(z, term.order).reshape(n, term.order, term.order)
        effects[:, term.columns] = np.einsum("nrc,nlc->nlr", roots, effects[:, term.columns])
    effects *= np.exp(params[:, layout.vcp])[:, spec.design.ident]
    return ParameterDraws(params if change is None else change.params_back(params), spec)


def _partial_correlations(prior: LKJ, order: int, n: int, rng: np.random.Generator) -> Floats:
    """Draws of the numbers z that correlations are made of, shape (n, order (order - 1) / 2)."""
    columns = [c for r in range(order) for c in range(1, r + 1)]
    shape = prior.eta + 0.5 * (order - 1 - np.array(columns))
    return np.ascontiguousarray(np.arctanh(2.0 * rng.beta(shape, shape, (n, len(columns))) - 1.0))


def prior_predictive(spec: ModelSpec, n: int = 1000, rng: Any = None) -> Floats:
    """Draw responses of the model's own rows from their prior predictive distribution: what the priors expect to see.

    Parameters
    ----------
    n, rng
        As for `prior_sample`.

    Returns
    -------
    float array, shape (n, nobs)
        One row for each prior draw, one column for each row that was used; binomial: numbers of successes.

    Raises
    ------
    ValueError, TypeError
        As for `prior_sample`.
    """
    generator = as_generator(rng)
    return prior_sample(spec, n, generator).predictive(generator)
