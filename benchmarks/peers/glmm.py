"""glmm, the Python binding of a mixed-model library in Rust."""

from __future__ import annotations

import importlib
import warnings
from typing import Any

import numpy as np

from benchmarks.clock import timed
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
    return problem.method == "laplace"


def fit(problem: Problem) -> Fit:
    glmm = importlib.import_module("glmm")
    data, model = frame(problem), formula(problem)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cold, result = timed(lambda: glmm.fit(data, model, problem.family, anova_test="Wald"))
    return Fit(
        cold,
        None,
        float(result.loglik),
        np.asarray(result.beta),
        np.asarray(result.se),
        _sd(problem, result),
        converged=bool(result.converged),
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
    sd = {factor: result.stddev_corr(k)[0][0] for k, (factor, _) in enumerate(result.re_groups)}
    return np.array([sd[factor] for factor in factors(problem)])
