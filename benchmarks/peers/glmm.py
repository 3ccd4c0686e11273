"""glmm, the Python binding of a mixed-model library in Rust."""

from __future__ import annotations

import importlib
import warnings
from typing import Any

import numpy as np

from benchmarks.clock import timed
from benchmarks.hyper import Hyper
from benchmarks.machine import package_version
from benchmarks.peers import Fit, Fits
from benchmarks.peers.frame import factors, formula, frame
from benchmarks.problem import Floats, Problem

WORK = (
    "formula and columns (factors as categoricals) to the fit by maximum likelihood, to its default tolerance; "
    "standard errors of fixed effects and standard deviations from the exact Hessian, as by default; "
    "anova_test='Wald', since its default for Poisson refits the model once for each covariate"
)


def version() -> str:
    return package_version("glmm")


def applies(problem: Problem) -> bool:
    return problem.method == "laplace" and problem.family != "cumulative"


def fit(problem: Problem) -> Fit:
    glmm = importlib.import_module("glmm")
    data, model, family = frame(problem), formula(problem), problem.family.replace("_", "")
    link = "log" if family == "gamma" else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cold, result = timed(lambda: glmm.fit(data, model, family, link=link, reml=False, anova_test="Wald"))
    hyper = Hyper(_covariances(problem, result), _shape(problem, float(result.dispersion)))
    return Fit(
        cold,
        None,
        float(result.loglik),
        np.asarray(result.beta),
        np.asarray(result.se),
        hyper.sd,
        converged=bool(result.converged),
        hyper=hyper,
    )


def fit_each(problem: Problem, endogs: Floats) -> Fits:
    glmm = importlib.import_module("glmm")
    data, model = frame(problem), formula(problem)

    def run() -> list[Any]:
        return [
            glmm.fit(data.assign(y=endog), model, problem.family, anova_test="Wald") for endog in endogs.T
        ]

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        time, results = timed(run)
    return Fits(
        time,
        np.array([result.beta for result in results]),
        np.array([_sd(problem, result) for result in results]),
    )


def _sd(problem: Problem, result: Any) -> Floats:
    return Hyper(_covariances(problem, result)).sd


def _covariances(problem: Problem, result: Any) -> tuple[Floats, ...]:
    found = {}
    for k, (factor, _) in enumerate(result.re_groups):
        sd, correlations = result.stddev_corr(k)
        found[factor] = np.outer(sd, sd) * correlations
    return tuple(found[factor] for factor in factors(problem))


def _shape(problem: Problem, dispersion: float) -> float | None:
    """Sigma, alpha or d: what it calls dispersion is sigma^2, 1 / alpha or d."""
    change = {"gaussian": np.sqrt, "negative_binomial": lambda theta: 1 / theta, "gamma": float}
    return float(change[problem.family](dispersion)) if problem.family in change else None
