"""Our likelihoods of a problem, and our maxima of them.

Two objectives, both by the Laplace approximation and with flat priors; theta are the covariances and the parameter of the family
(benchmarks/hyper.py):

* the likelihood L(beta, theta), random effects integrated out: what gpboost, glmm, lme4 and ordinal maximize;
* the restricted likelihood R(theta), fixed effects integrated out as well: what REML is, and what `fit_laplace` maximizes,
  but for the prior of correlations.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.optimize import minimize

import mixed_glm as mg
from benchmarks.hyper import LEAST_SD, MOST_Z, SHAPED, log_lkj
from benchmarks.likelihood import predictor_columns, thresholds
from benchmarks.problem import Floats, Problem

__all__ = ["Maximum", "Ours"]

WIDE = 1e3  # prior standard deviation of logarithms
WIDE_FE = 1e5  # and of fixed effects
NARROW = 1e-3  # in standard errors: of the priors of thresholds that are held
STEP = 1e-2  # of the differences in beta, in standard errors: far above the noise of the inner search
MOST_ROUNDS = 5
NEAR = 5.0  # of the bounds of arctanh of a correlation (8) and of log standard deviations (-11.5)
PLAIN = ((0.05, 0.0), (0.3, 0.0), (0.3, 1.0), (0.3, -1.0))  # standard deviations, arctanh of correlations
TOO_FAR = 1e12
OPTIONS = {"ftol": 1e-13, "gtol": 1e-4}


@dataclass(frozen=True)
class Maximum:
    """Where an objective is largest.

    Attributes
    ----------
    fe : float array, shape (p,)
        Thresholds, then fixed effects; where they are integrated out, their conditional means.
    theta : float array, shape (d,)
    value : float
    """

    fe: Floats
    theta: Floats
    value: float


class Ours:
    """What we make of a problem.

    Attributes
    ----------
    fe, fe_sd, theta : float array
        Of `fit_laplace(integrate="mode")`.
    status : str
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self._free = self._model()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = self._free.fit_laplace(integrate="mode")
        layout, posterior = result.model.spec.layout, result.posterior
        self.fe, self.fe_sd = posterior.mean[layout.fixed], posterior.sd[layout.fixed]
        self.theta = np.asarray(posterior.points[0])  # there is but the mode
        self.status = result.status

    def posterior(self, theta: Floats) -> float:
        """Log of what the fit maximizes: R and the prior of theta."""
        return float(self._free.log_marginal(theta))

    def restricted(self, theta: Floats) -> float:
        """log R."""
        p = self.problem.exog.shape[1] - (self.problem.family == "cumulative")
        flat = p * math.log(WIDE_FE * math.sqrt(2 * np.pi))
        return self.posterior(theta) - _log_prior(self.problem, theta)[0] + flat

    def likelihood(self, fe: Floats, theta: Floats) -> float:
        """log L."""
        return self._model(fe).log_marginal(theta) - _log_prior(self.problem, theta)[0]

    def value(self, fe: Floats, theta: Floats, restricted: bool) -> float:
        """log R or log L."""
        return self.restricted(theta) if restricted else self.likelihood(fe, theta)

    def best(self, restricted: bool) -> Maximum:
        """Where R or L is largest."""
        return self.best_restricted if restricted else self.best_likelihood

    @cached_property
    def best_restricted(self) -> Maximum:
        """Where R is largest."""

        def objective(theta: Floats) -> tuple[float, Floats]:
            return -self.restricted(theta), _log_prior(self.problem, theta)[1] - self._free.log_marginal_grad(
                theta
            )

        theta, value = _best_search(objective, self._starts(), self._bounds(0))
        return Maximum(self.fe, theta, -value)

    @cached_property
    def best_likelihood(self) -> Maximum:
        """Where L is largest: gradient exact in theta, by differences in beta, which is in units of standard errors."""
        p = len(self.fe)

        def objective(x: Floats) -> tuple[float, Floats]:
            fe, theta = self.fe + self.fe_sd * x[:p], x[p:]
            held = self._model(fe)
            log_prior, prior_slopes = _log_prior(self.problem, theta)
            gradient = np.empty(len(x))
            gradient[p:] = held.log_marginal_grad(theta) - prior_slopes
            for j in range(p):
                change = STEP * self.fe_sd[j] * (np.arange(p) == j)
                up, down = (self.likelihood(fe + s * change, theta) for s in (1.0, -1.0))
                gradient[j] = (up - down) / (2 * STEP)
            return log_prior - held.log_marginal(theta), -gradient

        starts = (np.concatenate([np.zeros(p), start]) for start in self._starts())
        x, value = _best_search(objective, starts, self._bounds(p))
        return Maximum(self.fe + self.fe_sd * x[:p], x[p:], -value)

    def _starts(self) -> Iterator[Floats]:
        """Where to begin: at the mode of the fit; then at plain points, as there are several maxima where a covariance is singular."""
        low = [bound[0] if bound[0] is not None else -np.inf for bound in self._bounds(0)]
        high = [bound[1] if bound[1] is not None else np.inf for bound in self._bounds(0)]
        yield np.clip(self.theta, low, high)
        k = len(self.problem.components)
        correlations = slice(k, len(self.theta) - (self.problem.family in SHAPED))
        for sd, z in PLAIN:
            plain = self.theta.copy()
            plain[:k], plain[correlations] = math.log(sd), z
            yield plain

    def _bounds(self, free: int) -> list[tuple[float | None, float | None]]:
        """Standard deviations not below what stands for zero, correlations not beyond what stands for one."""
        k = len(self.problem.components)
        shape = int(self.problem.family in SHAPED)
        correlations = len(self.theta) - k - shape
        return [
            *[(None, None)] * free, *[(math.log(LEAST_SD), None)] * k, *[(-MOST_Z, MOST_Z)] * correlations,
            *[(math.log(LEAST_SD), None)] * shape,
        ]  # fmt: skip

    def _model(self, fe: Floats | None = None) -> mg.MixedGLM:
        """The model, or with fixed effects that are held: in the offset, thresholds by their priors."""
        problem, cuts = self.problem, thresholds(self.problem)
        exog, offset = predictor_columns(problem), None
        options: dict[str, Any] = {"fe_p": WIDE_FE}
        if fe is not None:
            exog, offset = None, exog @ fe[cuts:]
            options["priors"] = {
                name: mg.priors.Normal(cut, NARROW * sd)
                for name, cut, sd in zip(self._free.priors.index, fe[:cuts], self.fe_sd, strict=False)
            }
        if problem.family in SHAPED:
            options["priors"] = {"dispersion": mg.priors.LogNormal(0.0, WIDE)}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = mg.MixedGLM(
                problem.endog, exog, problem.exog_vc(), problem.ident, problem.family, vcp_p=WIDE, offset=offset,
                vcp_names=problem.names, levels=problem.labels, correlated=problem.correlated, **options,
            )  # fmt: skip
        return model


def _log_prior(problem: Problem, theta: Floats) -> tuple[float, Floats]:
    """Log prior of theta, and its gradient."""
    value, gradient = log_lkj(problem, theta)
    k = len(problem.components)
    wide = np.r_[:k, len(theta) - 1] if problem.family in SHAPED else np.arange(k)
    gradient[wide] = -theta[wide] / WIDE**2
    normal = -0.5 * (theta[wide] / WIDE) ** 2 - math.log(WIDE * math.sqrt(2 * np.pi))
    return value + float(np.sum(normal)), gradient


def _best_search(
    objective: Callable[[Floats], tuple[float, Floats]],
    starts: Iterator[Floats],
    bounds: list[tuple[float | None, float | None]],
) -> tuple[Floats, float]:
    """The lowest of searches from several points; from the first alone where that ends inside of all bounds that it has."""
    best = _search(objective, next(starts), bounds)
    ends = np.array([[-np.inf if a is None else a, np.inf if b is None else b] for a, b in bounds])
    if (np.abs(best[0][:, None] - ends) < NEAR).any():
        best = min(
            [best, *(_search(objective, start, bounds) for start in starts)], key=lambda found: found[1]
        )
    return best


def _search(
    objective: Callable[[Floats], tuple[float, Floats]],
    x: Floats,
    bounds: list[tuple[float | None, float | None]],
) -> tuple[Floats, float]:
    """Least value, by L-BFGS that begins anew until nothing is gained."""
    best = np.inf

    def guarded(at: Floats) -> tuple[float, Floats]:
        try:
            return objective(at)
        except (RuntimeError, ValueError):  # too far: no conditional mode, or thresholds that do not increase
            return TOO_FAR, np.zeros(len(at))

    for _ in range(MOST_ROUNDS):
        found = minimize(guarded, x, jac=True, method="L-BFGS-B", bounds=bounds, options=OPTIONS)
        x, gain, best = found.x, best - found.fun, found.fun
        if gain < 1e-5:
            break
    return x, float(best)
