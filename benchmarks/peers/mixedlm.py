"""mixedlm, lme4's interface and algorithms in Python with a core in Rust."""

from __future__ import annotations

import importlib
import warnings
from typing import Any

import numpy as np

from benchmarks.clock import timed
from benchmarks.hyper import Hyper
from benchmarks.machine import package_version
from benchmarks.peers import Fit
from benchmarks.peers.frame import factors, formula, frame
from benchmarks.problem import Problem

WORK = "formula and data frame to the fit, glmer(nAGQ=1) or lmer(REML=False) with its defaults; standard errors come after the time"

MOST_ROWS = 60_000  # more may take minutes, and it cannot be stopped


def version() -> str:
    return package_version("mixedlm")


def applies(problem: Problem) -> bool:
    known = ("gaussian", "binomial", "poisson")
    return problem.method == "laplace" and problem.nobs <= MOST_ROWS and problem.family in known


def fit(problem: Problem) -> Fit:
    mixedlm = importlib.import_module("mixedlm")
    data, model = frame(problem), formula(problem)

    def run() -> Any:
        if problem.family == "gaussian":
            return mixedlm.lmer(model, data, REML=False)
        family = getattr(mixedlm.families, problem.family.capitalize())()
        return mixedlm.glmer(model, data, family=family)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cold, result = timed(run)
        covariance = result.vcov()
    groups = result.VarCorr().groups
    covariances = tuple(np.asarray(groups[factor].cov) for factor in factors(problem))
    hyper = Hyper(covariances, float(result.sigma) if problem.family == "gaussian" else None)
    return Fit(
        cold,
        None,
        None,
        np.array(list(result.fixef().values())),
        np.sqrt(np.diag(covariance)),
        hyper.sd,
        converged=bool(result.converged),
        hyper=hyper,
    )
