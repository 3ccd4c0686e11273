"""The posterior itself, from draws of a fit that are weighted by the density of the model, or accepted by it."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt

from mixed_glm import _core
from mixed_glm._assess.refined import RefinedDraws
from mixed_glm._console.caller import warn
from mixed_glm._fit.fit import HasFit
from mixed_glm._input.arrays import as_count, as_generator
from mixed_glm._input.options import as_choice
from mixed_glm._posterior.draws import PosteriorDraws
from mixed_glm._posterior.mixture import MarginalPosterior
from mixed_glm._posterior.posterior import Posterior
from mixed_glm._posterior.psis import LEAST_DRAWS, smooth_weights
from mixed_glm._spec.approximation import Approximation
from mixed_glm.exceptions import RefinementWarning

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]

METHODS = ("psis", "metropolis")


def refine(result: HasFit, draws: int = 4000, rng: Any = 0, method: str = "psis") -> RefinedDraws:
    """Draw from the posterior itself, with the fit as proposal; fixed effects, standard deviations and random effects together.

    Every draw of the fit is compared with the exact density of the model, so that what the fit approximates has no part in
    the answer where the diagnostics are good. They are the draws' own: the Pareto k of their weights, the effective number
    of draws, and the share of accepted ones.

    Parameters
    ----------
    draws : int, default 4000
        Number of draws, at least 25; as many are proposed.
    rng : int or numpy.random.Generator, default 0
        Source of the draws; by default always the same.
    method : {"psis", "metropolis"}, default "psis"
        ``"psis"``: draws are weighted by Pareto smoothed importance sampling (Vehtari et al. 2024), and drawn again in proportion
        to their weights. ``"metropolis"``: an independence chain, in which the next proposal is accepted or the draw before
        is repeated.

    Returns
    -------
    RefinedDraws
        Draws with all that those of `posterior_sample` have, ``summary()``, and the diagnostics ``k``, ``ess``, ``acceptance``,
        ``ok``; shown as text that says what they mean.

    Raises
    ------
    ValueError, TypeError
        If an argument does not fit, or the fit has no draws.
    RuntimeError
        If the density of the model is zero, or unknown, at all of them.

    Warns
    -----
    RefinementWarning
        If the draws are not to be relied on, as the fit misses a part of the posterior.

    Notes
    -----
    Where the model has a component whose effects each row has at most one of, the effects of the one with the most are proposed from their
    exact conditional densities, also if the fit was by Laplace's method or by expectation propagation.
    """
    count, generator = as_count(draws, "draws"), as_generator(rng)
    if count < LEAST_DRAWS:
        raise ValueError(
            f"draws must be at least {LEAST_DRAWS} to see the tail of their weights, got {count}"
        )
    method = as_choice(method, "method", METHODS)
    proposed = _propose(result.fit.posterior, count, generator)
    log_ratio = _log_ratios(proposed)
    log_weights, k = smooth_weights(log_ratio)
    acceptance = np.nan
    if method == "psis":
        places = _resampled(np.exp(log_weights), generator)
    else:
        places, acceptance = _chain(log_ratio, log_weights, generator)
        log_weights = np.full(count, -np.log(count))
        proposed = _at(proposed, places)
        places = np.arange(count)
    drawn = _at(proposed, places)
    found = RefinedDraws(
        drawn.params, drawn.spec, drawn.log_q, drawn.log_q_fixed, drawn.change, getattr(result, "model", None),
        method=method, k=k, acceptance=acceptance, proposals=proposed.params, log_weights=log_weights,
    )  # fmt: skip
    if not found.ok:
        warn(f"refine: {found.verdict}", RefinementWarning)
    return found


def _propose(posterior: Posterior, n: int, rng: np.random.Generator) -> PosteriorDraws:
    """Draws of the fit, a leaf's random effects from their exact conditional densities where there is one."""
    exact = _with_leaf(posterior)
    if exact is None:
        return posterior.sample(n, rng)
    try:
        return exact.sample(n, rng)
    except RuntimeError:  # a mode was not found
        return posterior.sample(n, rng)


def _with_leaf(posterior: Posterior) -> Posterior | None:
    if not isinstance(posterior, MarginalPosterior) or posterior.approximation is None:
        return None
    leaf = tuple(_core.default_leaf(posterior.spec.core()))
    if not leaf or posterior.approximation.name not in ("laplace", "ep"):
        return None
    return dataclasses.replace(posterior, approximation=Approximation("leaf", leaf))


def _log_ratios(drawn: PosteriorDraws) -> Floats:
    """Logarithms of density of the model over that of the proposal; minus infinity where the model has none."""
    ratio = drawn.log_p - drawn.log_q
    known = np.isfinite(ratio)
    if not known.any():
        raise RuntimeError("refine: the density of the model is known at none of the draws of the fit")
    return np.where(known, ratio, -np.inf)


def _resampled(weights: Floats, rng: np.random.Generator) -> Places:
    """Places drawn in proportion to weights: each as often as its weight says, up to one, in random order."""
    n = len(weights)
    steps = (np.arange(n) + rng.random()) / n
    places = np.searchsorted(np.cumsum(weights)[:-1] / weights.sum(), steps, side="right")
    return rng.permutation(places)


def _chain(log_ratio: Floats, log_weights: Floats, rng: np.random.Generator) -> tuple[Places, float]:
    """Places of an independence Metropolis chain, begun at a draw from the weights; and the share that was accepted."""
    n = len(log_ratio)
    here = int(_resampled(np.exp(log_weights), rng)[0])
    thresholds = np.log(rng.random(n))
    places, accepted = np.empty(n, dtype=np.intp), 0
    for step in range(n):
        if thresholds[step] <= log_ratio[step] - log_ratio[here]:
            here, accepted = step, accepted + 1
        places[step] = here
    return places, accepted / n


def _at(drawn: PosteriorDraws, places: Places) -> PosteriorDraws:
    return dataclasses.replace(
        drawn, params=drawn.params[places], log_q=drawn.log_q[places], log_q_fixed=drawn.log_q_fixed[places]
    )
