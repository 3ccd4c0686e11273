"""GPBoost, with the settings that it chooses itself."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from benchmarks.clock import timed
from benchmarks.peers import Fit
from benchmarks.problem import Problem

PACKAGE = "gpboost"
WORK = (
    "GPModel and fit to its default tolerance; crossed factors by its default, stochastic iterative methods; "
    "no standard errors (computed on request, after the time)"
)

LIKELIHOODS = {"binomial": "bernoulli_logit", "poisson": "poisson"}


def applies(problem: Problem) -> bool:
    return problem.method == "laplace"


def fit(problem: Problem, inversion: str = "default") -> Fit:
    gpboost = importlib.import_module("gpboost")
    groups = np.column_stack(problem.groups)

    def make() -> Any:
        return gpboost.GPModel(
            group_data=groups,
            likelihood=LIKELIHOODS[problem.family],
            matrix_inversion_method=inversion,
            num_parallel_threads=1,
        )

    def run(model: Any) -> Any:
        return model.fit(y=problem.endog, X=problem.exog)

    cold, _ = timed(lambda: run(make()))
    unfitted = make()
    prepared, model = timed(lambda: run(unfitted))
    return Fit(
        cold,
        prepared,
        -float(model.get_current_neg_log_likelihood()),
        np.ravel(model.get_coef(std_err=False, format_pandas=False)),
        None,
        np.sqrt(np.ravel(model.get_cov_pars(std_err=False, format_pandas=False))),
    )
