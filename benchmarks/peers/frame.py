"""A problem as lme4's formula and a data frame, which most packages take."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from benchmarks.problem import Problem

__all__ = ["factors", "formula", "frame"]


def covariates(problem: Problem) -> list[str]:
    return [f"x{j}" for j in range(1, problem.exog.shape[1])]


def factors(problem: Problem) -> list[str]:
    """Names of the grouping factors."""
    return [f"g{k}" for k in range(len(problem.levels))]


def formula(problem: Problem) -> str:
    """y ~ 1 + x1 + ... + (1 | g0) + (1 + x1 | g1) + ...."""
    terms = [_terms(range(problem.exog.shape[1]))]
    for name, columns in zip(factors(problem), problem.effects, strict=True):
        terms.append(f"({_terms(columns)} | {name})")
    return "y ~ " + " + ".join(terms)


def _terms(columns: Sequence[int]) -> str:
    """Columns of the fixed effects as the terms of a formula."""
    return " + ".join(["1" if 0 in columns else "0", *(f"x{j}" for j in columns if j > 0)])


def frame(problem: Problem) -> pd.DataFrame:
    """Columns y, x1, ..., g0, ...; factors are categoricals, so that nobody need sort labels."""
    data = pd.DataFrame(dict(zip(covariates(problem), problem.exog.T[1:], strict=True)))
    data["y"] = problem.endog
    for factor, codes, levels in zip(factors(problem), problem.groups, problem.levels, strict=True):
        labels = pd.Index([str(level) for level in range(levels)])
        data[factor] = pd.Categorical.from_codes(codes, categories=labels)
    return data
