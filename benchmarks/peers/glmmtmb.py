"""glmmTMB of R."""

from __future__ import annotations

from benchmarks.peers import Fit, rscript
from benchmarks.problem import Problem

WORK = "glmmTMB() with its defaults, in R; standard errors are part of it"


def version() -> str:
    return rscript.version("glmmTMB")


def applies(problem: Problem) -> bool:
    return problem.method == "laplace" and problem.family != "cumulative"


def fit(problem: Problem) -> Fit:
    return rscript.fit(problem, "glmmTMB")
