"""mixed_glm itself."""

from __future__ import annotations

import importlib
import warnings
from typing import Any

import numpy as np

from benchmarks.clock import timed
from benchmarks.hyper import Hyper
from benchmarks.likelihood import predictor_columns
from benchmarks.machine import package_version
from benchmarks.peers import Fit, Fits
from benchmarks.problem import Floats, Problem

WORK = (
    "sparse Z from the codes, model, fit_laplace(integrate='mode'): standard deviations of all fixed and random "
    "effects and of the log standard deviations, second-order correction of the means; fit(): the most accurate "
    "approximation for the data, posterior means, standard deviations and intervals integrated over the standard deviations; "
    "map, vb: fit_map, fit_vb with the standard deviations of all parameters"
)


def version() -> str:
    return package_version("mixed-glm")


def applies(problem: Problem) -> bool:
    return True


def make(problem: Problem) -> Any:
    """A model from arrays."""
    return importlib.import_module("mixed_glm").MixedGLM(
        problem.endog,
        predictor_columns(problem),
        problem.exog_vc(),
        problem.ident,
        problem.family,
        vcp_p=problem.vcp_p,
        fe_p=problem.fe_p,
        vcp_names=problem.names,
        levels=problem.labels if problem.correlated else None,
        correlated=problem.correlated or None,
    )


def fit(problem: Problem) -> Fit:
    def run(model: Any) -> Any:
        if problem.method == "laplace":
            return model.fit_laplace(integrate="mode")
        return getattr(model, f"fit_{problem.method}")()

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # fit_map says that it went to the degenerate mode
        cold, _ = timed(lambda: run(make(problem)))
        model = make(problem)
        model.core()
        prepared, result = timed(lambda: run(model))
        chosen = chosen_prepared = None
        if problem.method == "laplace":
            chosen, _ = timed(lambda: make(problem).fit(n_jobs=1))
            chosen_prepared, _ = timed(lambda: model.fit(n_jobs=1))
    fixed = result.posterior.spec.layout.fixed
    return Fit(
        cold,
        prepared,
        result.elbo if problem.method == "vb" else result.log_density,
        result.params[fixed],
        result.bse[fixed],
        np.exp(result.vcp_mean),
        result.vcp_sd,
        result.vc_mean,
        result.vc_sd,
        result.converged,
        None if problem.method != "laplace" else Hyper.of(problem, result.posterior.points[0]),
        chosen=chosen,
        chosen_prepared=chosen_prepared,
    )


def fit_each(
    problem: Problem, endogs: Floats, jobs: int = 1, method: str = "laplace", **options: Any
) -> Fits:
    """`fit_many` on a model that was constructed before."""
    model = make(problem)
    model.core()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        time, result = timed(lambda: model.fit_many(endogs, method, n_jobs=jobs, **options))
    return Fits(time, result.fe_mean, np.exp(result.vcp_mean))
