"""GPBoost, with the settings that it chooses itself."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from benchmarks.clock import timed
from benchmarks.machine import package_version
from benchmarks.peers import Fit, Fits
from benchmarks.problem import Floats, Problem

WORK = (
    "GPModel and fit to its default tolerance; crossed factors by its default, stochastic iterative methods; "
    "no standard errors (computed on request, after the time)"
)

LIKELIHOODS = {"binomial": "bernoulli_logit", "poisson": "poisson"}


def version() -> str:
    return package_version("gpboost")


def applies(problem: Problem) -> bool:
    return problem.method == "laplace" and problem.family in LIKELIHOODS and not problem.has_slopes


def make(problem: Problem, inversion: str) -> Any:
    """A model that has not seen the responses."""
    return importlib.import_module("gpboost").GPModel(
        group_data=np.column_stack(problem.groups),
        likelihood=LIKELIHOODS[problem.family],
        matrix_inversion_method=inversion,
        num_parallel_threads=1,
    )


def fit(problem: Problem, inversion: str = "default") -> Fit:
    def run(model: Any) -> Any:
        return model.fit(y=problem.endog, X=problem.exog)

    cold, _ = timed(lambda: run(make(problem, inversion)))
    unfitted = make(problem, inversion)
    prepared, model = timed(lambda: run(unfitted))
    return Fit(
        cold,
        prepared,
        -float(model.get_current_neg_log_likelihood()),
        _fixed(model),
        None,
        _sd(model),
    )


def fit_each(problem: Problem, endogs: Floats) -> Fits:
    """A new model for each response: a fitted one begins where the last fit ended."""

    def run() -> list[Any]:
        return [make(problem, "default").fit(y=endog, X=problem.exog) for endog in endogs.T]

    time, models = timed(run)
    return Fits(
        time, np.array([_fixed(model) for model in models]), np.array([_sd(model) for model in models])
    )


def _fixed(model: Any) -> Floats:
    return np.ravel(model.get_coef(std_err=False, format_pandas=False))


def _sd(model: Any) -> Floats:
    return np.sqrt(np.ravel(model.get_cov_pars(std_err=False, format_pandas=False)))
