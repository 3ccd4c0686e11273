"""glmm, the Python binding of a mixed-model library in Rust."""

from __future__ import annotations

import importlib
import warnings

import numpy as np
import pandas as pd

from benchmarks.clock import timed
from benchmarks.peers import Fit
from benchmarks.problem import Problem

PACKAGE = "glmm"
WORK = (
    "formula and columns (factors as categoricals) to the fit by maximum likelihood, to its default tolerance; "
    "standard errors of fixed effects and standard deviations from the exact Hessian, as by default; "
    "anova_test='Wald', since its default for Poisson refits the model once for each covariate"
)


def applies(problem: Problem) -> bool:
    return problem.method == "laplace"


def fit(problem: Problem) -> Fit:
    glmm = importlib.import_module("glmm")
    covariates = [f"x{j}" for j in range(1, problem.exog.shape[1])]
    factors = [f"g{k}" for k in range(len(problem.levels))]
    data = pd.DataFrame(dict(zip(covariates, problem.exog.T[1:], strict=True))).assign(y=problem.endog)
    for factor, codes, q in zip(factors, problem.groups, problem.levels, strict=True):
        data[factor] = pd.Categorical.from_codes(
            codes, categories=pd.Index([str(level) for level in range(q)])
        )
    formula = "y ~ " + " + ".join(["1", *covariates, *(f"(1 | {factor})" for factor in factors)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cold, result = timed(lambda: glmm.fit(data, formula, problem.family, anova_test="Wald"))
    sd = {factor: result.stddev_corr(k)[0][0] for k, (factor, _) in enumerate(result.re_groups)}
    return Fit(
        cold,
        None,
        float(result.loglik),
        np.asarray(result.beta),
        np.asarray(result.se),
        np.array([sd[factor] for factor in factors]),
        converged=bool(result.converged),
    )
