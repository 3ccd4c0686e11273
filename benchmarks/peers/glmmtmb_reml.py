"""glmmTMB of R with REML = TRUE: fixed effects are integrated out by Laplace as well, for every family."""

from __future__ import annotations

from benchmarks.peers import Fit, rscript
from benchmarks.problem import Problem

WORK = "glmmTMB(REML = TRUE), else with its defaults, in R; standard errors are part of it"


def version() -> str:
    return rscript.version("glmmTMB")


def applies(problem: Problem) -> bool:
    return problem.method == "laplace" and problem.family != "cumulative"


def fit(problem: Problem) -> Fit:
    return rscript.fit(problem, "glmmTMB-reml")
