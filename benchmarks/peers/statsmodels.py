"""statsmodels' BinomialBayesMixedGLM and PoissonBayesMixedGLM."""

from __future__ import annotations

import importlib
import inspect
import warnings
from typing import Any

import numpy as np

from benchmarks.clock import timed
from benchmarks.machine import package_version
from benchmarks.peers import Fit, Fits
from benchmarks.problem import Floats, Problem

WORK = (
    "sparse Z from the codes, model, fit_map() with its covariance from a finite-difference Hessian, as by default; "
    "vb: fit_vb() with its defaults"
)

SEED = 1


def version() -> str:
    return package_version("statsmodels")


def applies(problem: Problem) -> bool:
    return problem.method in ("map", "vb")


def _kind(problem: Problem) -> Any:
    module = importlib.import_module("statsmodels.genmod.bayes_mixed_glm")
    return getattr(module, f"{problem.family.capitalize()}BayesMixedGLM")


def fit_each(problem: Problem, endogs: Floats) -> Fits:
    """The joint mode, response by response."""
    kind, z = _kind(problem), problem.exog_vc()

    def run(endog: Floats) -> Any:
        model = kind(endog, problem.exog, z, problem.ident, vcp_p=problem.vcp_p, fe_p=problem.fe_p)
        return model.fit_map()

    np.random.seed(SEED)  # noqa: NPY002 (as below)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        time, results = timed(lambda: [run(endog) for endog in endogs.T])
    fixed, sd = ([getattr(r, name) for r in results] for name in ("fe_mean", "vcp_mean"))
    return Fits(time, np.array(fixed), np.exp(sd))


def fit(problem: Problem) -> Fit:
    kind = _kind(problem)

    def run() -> Any:
        z = problem.exog_vc()
        model = kind(problem.endog, problem.exog, z, problem.ident, vcp_p=problem.vcp_p, fe_p=problem.fe_p)
        return model, getattr(model, f"fit_{problem.method}")(**start)

    # Its start is random, and from some fit_map runs off to the mode where all random effects are zero, which takes
    # it hundreds of times as long. From this one it finds the interior mode of "map-2k".
    np.random.seed(SEED)  # noqa: NPY002 (before 0.15 it drew from the global generator)
    parameters = inspect.signature(getattr(kind, f"fit_{problem.method}")).parameters
    start = {"rng": SEED} if "rng" in parameters else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cold, (model, result) = timed(run)
    stated = model.logposterior(result.params) if problem.method == "map" else None
    return Fit(
        cold,
        None,
        None if stated is None else float(stated),
        np.asarray(result.fe_mean),
        np.asarray(result.fe_sd),
        np.exp(result.vcp_mean),
        np.asarray(result.vcp_sd),
        np.asarray(result.vc_mean),
        np.asarray(result.vc_sd),
        bool(result.optim_retvals.success) if hasattr(result.optim_retvals, "success") else None,
    )
