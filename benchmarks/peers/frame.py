"""A problem as lme4's formula and a data frame, which most packages take."""

from __future__ import annotations

import pandas as pd

from benchmarks.problem import Problem

__all__ = ["factors", "formula", "frame"]


def covariates(problem: Problem) -> list[str]:
    return [f"x{j}" for j in range(1, problem.exog.shape[1])]


def factors(problem: Problem) -> list[str]:
    """Names of the grouping factors."""
    return [f"g{k}" for k in range(len(problem.levels))]


def formula(problem: Problem) -> str:
    """y ~ 1 + x1 + ... + (1 | g0) + ..."""
    terms = ["1", *covariates(problem), *(f"(1 | {factor})" for factor in factors(problem))]
    return "y ~ " + " + ".join(terms)


def frame(problem: Problem) -> pd.DataFrame:
    """Columns y, x1, ..., g0, ...; factors are categoricals, so that nobody need sort labels."""
    data = pd.DataFrame(dict(zip(covariates(problem), problem.exog.T[1:], strict=True)))
    data["y"] = problem.endog
    for factor, codes, levels in zip(factors(problem), problem.groups, problem.levels, strict=True):
        labels = pd.Index([str(level) for level in range(levels)])
        data[factor] = pd.Categorical.from_codes(codes, categories=labels)
    return data
