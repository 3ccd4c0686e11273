"""GPBoost made to use a Cholesky factorization for crossed factors, as it does for a single one anyway."""

from __future__ import annotations

from benchmarks.peers import Fit, gpboost
from benchmarks.problem import Problem

WORK = "as gpboost, with matrix_inversion_method='cholesky'"

version = gpboost.version


def applies(problem: Problem) -> bool:
    return gpboost.applies(problem) and len(problem.levels) > 1


def fit(problem: Problem) -> Fit:
    return gpboost.fit(problem, inversion="cholesky")
