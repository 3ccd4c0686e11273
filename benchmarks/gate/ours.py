"""Our likelihoods of a problem, and our maxima of them.

Two objectives, both by the Laplace approximation and with flat priors:

* the likelihood L(beta, sd), random effects integrated out: what gpboost, glmm and lme4 maximize;
* the restricted likelihood R(psi), psi = log(sd), fixed effects integrated out as well: what `fit_laplace` maximizes.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

import mixed_glm as mg
from benchmarks.problem import Floats, Problem

__all__ = ["Maximum", "log_likelihood", "maximum", "restricted"]

WIDE = 1e3  # prior standard deviation, of fixed effects and of psi
LEAST_SD = 1e-5  # stands for zero
STEP = 1e-2  # of the differences in beta, in standard errors: far above the noise of the inner search
MOST_ROUNDS = 5
OPTIONS = {"ftol": 1e-13, "gtol": 1e-4}


@dataclass(frozen=True)
class Maximum:
    """Where our two objectives are largest.

    Attributes
    ----------
    psi : float array, shape (K,)
        Mode of the restricted likelihood by `fit_laplace`.
    restricted : float
        Its logarithm there.
    fe, sd : float array, shape (p,), (K,)
        Maximum of the likelihood.
    loglik : float
    status : str
        Of `fit_laplace`.
    """

    psi: Floats
    restricted: float
    fe: Floats
    sd: Floats
    loglik: float
    status: str


def _model(problem: Problem, exog: Floats | None, offset: Floats | None) -> mg.MixedGLM:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", mg.RankDeficiencyWarning)
        return mg.MixedGLM(
            problem.endog, exog, problem.exog_vc(), problem.ident, problem.family,
            vcp_p=WIDE, fe_p=WIDE, offset=offset,
        )  # fmt: skip


def _log_prior(psi: Floats) -> float:
    return float(np.sum(-0.5 * (psi / WIDE) ** 2 - np.log(WIDE * np.sqrt(2 * np.pi))))


def log_likelihood(problem: Problem, fe: Floats, sd: Floats) -> float:
    """log L."""
    psi = np.log(np.maximum(sd, LEAST_SD))
    return _model(problem, None, problem.exog @ fe).log_marginal(psi) - _log_prior(psi)


def restricted(problem: Problem, psi: npt.NDArray[np.float64]) -> float:
    """log R, up to the constant of the flat prior of the fixed effects."""
    psi = np.maximum(psi, np.log(LEAST_SD))
    return _model(problem, problem.exog, None).log_marginal(psi) - _log_prior(psi)


def maximum(problem: Problem) -> Maximum:
    """Fit, then search for the maximum of L from there."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = _model(problem, problem.exog, None).fit_laplace(integrate="mode")
    fe, sd, loglik = _maximize_likelihood(problem, result.fe_mean, result.vcp_mean, result.fe_sd)
    return Maximum(result.vcp_mean, restricted(problem, result.vcp_mean), fe, sd, loglik, result.status)


def _maximize_likelihood(
    problem: Problem, fe: Floats, psi: Floats, fe_unit: Floats
) -> tuple[Floats, Floats, float]:
    """L-BFGS in beta, in units of standard errors, and psi; exact gradient in psi, differences in beta."""
    p = len(fe)

    def value_and_gradient(x: Floats) -> tuple[float, Floats]:
        psi = x[p:]
        at = fe + fe_unit * x[:p]
        model = _model(problem, None, problem.exog @ at)
        value = model.log_marginal(psi) - _log_prior(psi)
        gradient = np.empty(len(x))
        gradient[p:] = model.log_marginal_grad(psi) + psi / WIDE**2
        for j in range(p):
            change = STEP * fe_unit[j] * (np.arange(p) == j)
            up, down = (log_likelihood(problem, at + s * change, np.exp(psi)) for s in (1.0, -1.0))
            gradient[j] = (up - down) / (2 * STEP)
        return -value, -gradient

    lowest = np.log(LEAST_SD)
    bounds = [(None, None)] * p + [(lowest, None)] * len(psi)
    x = np.concatenate([np.zeros(p), np.maximum(psi, lowest)])
    best = np.inf
    for _ in range(MOST_ROUNDS):
        found = minimize(value_and_gradient, x, jac=True, method="L-BFGS-B", bounds=bounds, options=OPTIONS)
        x, gain, best = found.x, best - found.fun, found.fun
        if gain < 1e-5:
            break
    return fe + fe_unit * x[:p], np.exp(x[p:]), -best
