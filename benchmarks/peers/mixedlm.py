"""mixedlm, lme4's interface and algorithms in Python with a core in Rust."""

from __future__ import annotations

import importlib
import warnings

import numpy as np

from benchmarks.clock import timed
from benchmarks.machine import package_version
from benchmarks.peers import Fit
from benchmarks.peers.frame import factors, formula, frame
from benchmarks.problem import Problem

WORK = (
    "formula and data frame to the fit, glmer(nAGQ=1) with its defaults; standard errors come after the time"
)

MOST_ROWS = 60_000  # more may take minutes, and it cannot be stopped


def version() -> str:
    return package_version("mixedlm")


def applies(problem: Problem) -> bool:
    return problem.method == "laplace" and problem.nobs <= MOST_ROWS


def fit(problem: Problem) -> Fit:
    mixedlm = importlib.import_module("mixedlm")
    data, model = frame(problem), formula(problem)
    family = getattr(mixedlm.families, problem.family.capitalize())()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cold, result = timed(lambda: mixedlm.glmer(model, data, family=family))
        covariance = result.vcov()
    groups = result.VarCorr().groups
    return Fit(
        cold,
        None,
        None,
        np.array(list(result.fixef().values())),
        np.sqrt(np.diag(covariance)),
        np.array([next(iter(groups[factor].stddev.values())) for factor in factors(problem)]),
        converged=bool(result.converged),
    )
