"""lme4 of R, by restricted likelihood: only for Gaussian responses."""

from __future__ import annotations

from benchmarks.peers import Fit, rscript
from benchmarks.problem import Problem

WORK = "lmer() with its defaults, in R; standard errors of the fixed effects are part of it"


def version() -> str:
    return rscript.version("lme4")


def applies(problem: Problem) -> bool:
    return problem.method == "laplace" and problem.family == "gaussian"


def fit(problem: Problem) -> Fit:
    return rscript.fit(problem, "lme4-reml")
