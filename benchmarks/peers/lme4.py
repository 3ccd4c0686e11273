"""lme4 of R, the package that most people use."""

from __future__ import annotations

from benchmarks.peers import Fit, rscript
from benchmarks.problem import Problem

WORK = "glmer(nAGQ = 1) or lmer(REML = FALSE) with its defaults, in R; standard errors of the fixed effects are part of it"


def version() -> str:
    return rscript.version("lme4")


def applies(problem: Problem) -> bool:
    return problem.method == "laplace" and problem.family != "cumulative"


def fit(problem: Problem) -> Fit:
    return rscript.fit(problem, "lme4")
