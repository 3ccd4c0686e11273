"""statsmodels' BinomialBayesMixedGLM and PoissonBayesMixedGLM."""

from __future__ import annotations

import importlib
import inspect
import warnings
from typing import Any

import numpy as np

from benchmarks.clock import timed
from benchmarks.peers import Fit
from benchmarks.problem import Problem

PACKAGE = "statsmodels"
WORK = "sparse Z from the codes, model, fit_map() with its covariance from a finite-difference Hessian, as by default"

SEED = 1


def applies(problem: Problem) -> bool:
    return problem.method == "map"


def fit(problem: Problem) -> Fit:
    module = importlib.import_module("statsmodels.genmod.bayes_mixed_glm")
    kind = getattr(module, f"{problem.family.capitalize()}BayesMixedGLM")

    def run() -> Any:
        z = problem.exog_vc()
        model = kind(problem.endog, problem.exog, z, problem.ident, vcp_p=problem.vcp_p, fe_p=problem.fe_p)
        return model, model.fit_map(**start)

    # Its start is random, and from some it runs off to the mode where all random effects are zero, which takes it
    # hundreds of times as long. From this one it finds the interior mode of "map-2k".
    np.random.seed(SEED)  # noqa: NPY002 (before 0.15 it drew from the global generator)
    start = {"rng": SEED} if "rng" in inspect.signature(kind.fit_map).parameters else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cold, (model, result) = timed(run)
    return Fit(
        cold,
        None,
        float(model.logposterior(result.params)),
        np.asarray(result.fe_mean),
        np.asarray(result.fe_sd),
        np.exp(result.vcp_mean),
        np.asarray(result.vcp_sd),
        np.asarray(result.vc_mean),
        bool(result.optim_retvals.success) if hasattr(result.optim_retvals, "success") else None,
    )
