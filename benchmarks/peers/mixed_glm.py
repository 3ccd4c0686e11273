"""mixed_glm itself."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from benchmarks.clock import timed
from benchmarks.peers import Fit
from benchmarks.problem import Problem

PACKAGE = "mixed-glm"
WORK = (
    "sparse Z from the codes, model, fit_laplace(integrate='mode'): standard deviations of all fixed and random "
    "effects and of the log standard deviations, second-order correction of the means; "
    "map: fit_map with the standard deviations of all parameters"
)


def applies(problem: Problem) -> bool:
    return True


def fit(problem: Problem) -> Fit:
    mixed_glm = importlib.import_module("mixed_glm")

    def make() -> Any:
        return mixed_glm.MixedGLM(
            problem.endog,
            problem.exog,
            problem.exog_vc(),
            problem.ident,
            problem.family,
            vcp_p=problem.vcp_p,
            fe_p=problem.fe_p,
        )

    def run(model: Any) -> Any:
        return model.fit_map() if problem.method == "map" else model.fit_laplace(integrate="mode")

    cold, _ = timed(lambda: run(make()))
    model = make()
    model.core()
    prepared, result = timed(lambda: run(model))
    return Fit(
        cold,
        prepared,
        result.log_density,
        result.fe_mean,
        result.fe_sd,
        np.exp(result.vcp_mean),
        result.vcp_sd,
        result.vc_mean,
        result.converged,
    )
