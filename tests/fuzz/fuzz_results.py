"""Everything that can be asked of a fit, with arguments that are sound or not: fits of every family and method, from formulas.

An error must be a TypeError or ValueError that names an argument of the method.
"""

from __future__ import annotations

import functools
import inspect
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from judge import Defect, judge
from problems import pick

import mixed_glm as mg

ROWS = 30
DRAWS = 40
LEFT_OUT = {"kfold", "leave_out"}  # refit the model again and again
SLOW = {"report", "to_datatree", "plot_effect", "plot_predictive_check", "plot_posterior", "plot_random_effects", "plot_coefficients"}  # fmt: skip
ODD = [
    None, 0, -1, 1, 2, 0.5, 1.0, 1.5, np.nan, np.inf, 1e300, 10**30, True, "", "x", "y", "f", "g", "nowhere", "é", [], ["x"], ["x", "x"],
    ["nowhere"], [0.1, 0.9], {}, {"x": 1.0}, {"x": [0.0, 1.0]}, {"f": "u"}, {"f": "?"}, {"nowhere": 1}, (), object(), b"x", np.zeros(3),
    np.zeros((2, 2)), np.ones(ROWS), np.arange(ROWS), [None], [[1.0, 2.0]], [np.nan] * ROWS, lambda: 0, 1j, np.random.default_rng(1), "mean",
    "population", "conditional", "marginal", "psis", "metropolis", "exact", "unreliable", "difference", "ratio", "lnor", "x = 0", "x > f[T.v]",
    "x + 2 * nothing = 1", "((", pd.Series([1.0], ["x"]), pd.Series([1.0]), slice(None), range(3), {1, 2}, "1 | g", "sd(g)", "response", "linear",
]  # fmt: skip


@functools.cache
def rows() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    eta = rng.normal(size=ROWS)
    return pd.DataFrame(
        {
            "x": rng.normal(size=ROWS), "f": pd.Categorical(list("uvw") * (ROWS // 3)), "g": list("abcde") * (ROWS // 5),
            "h": [f"{k % 6}" for k in range(ROWS)], "y": rng.binomial(1, 0.5, ROWS), "count": rng.poisson(2.0, ROWS), "time": rng.exponential(size=ROWS),
            "real": eta, "n": rng.integers(1, 9, ROWS), "grade": pd.Categorical(rng.permutation(["low", "mid", "top"] * (ROWS // 3)), ordered=True),
            "won": rng.binomial(1, 0.5, ROWS),
        }
    )  # fmt: skip


@functools.cache
def fits() -> list[mg.MixedGLMResults]:
    """A fit of every family, and of every method."""
    models = [
        ("y ~ x + f + (1 | g)", "binomial", {}, ["fit", "fit_laplace", "fit_ep", "fit_vb", "fit_map"]),
        ("won ~ x + (x | g)", mg.families.Binomial("probit"), {"n_trials": "n"}, ["fit_laplace", "fit_ep"]),
        ("count ~ x * f + (1 | g) + (1 | h)", "poisson", {"exposure": "n"}, ["fit", "fit_vb", "fit_map"]),
        ("count ~ x + (x || g)", "negative_binomial", {"offset": "real"}, ["fit"]),
        ("real ~ x + f + (1 | g/h)", "gaussian", {"priors": {"sd": mg.priors.HalfNormal(1.0)}}, ["fit"]),
        ("time ~ x + (1 | g)", "gamma", {}, ["fit_laplace"]), ("time ~ 1 + (1 | g)", "exponential", {}, ["fit"]),
        ("grade ~ x + (1 | g)", "cumulative", {}, ["fit", "fit_laplace"]),
        ("grade ~ x + f + (x | g)", mg.families.Cumulative("probit"), {}, ["fit_laplace"]),
        ("grade ~ 1 + (1 | g)", mg.families.Cumulative("cloglog"), {"freq_weights": "n"}, ["fit"]), ("y ~ x + f", "binomial", {}, ["fit", "fit_map"]),
    ]  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = []
        for formula, family, options, methods in models:
            model = mg.MixedGLM.from_formula(formula, data=rows(), family=family, **options)
            found += [getattr(model, method)() for method in methods]
        model = mg.MixedGLM(rows()["y"], np.ones((ROWS, 1)), np.eye(5)[np.arange(ROWS) % 5], np.zeros(5, int), family="binomial")  # fmt: skip
        return [*found, model.fit(), model.fit_vb(covariance="full")]


def methods(result: mg.MixedGLMResults) -> list[str]:
    return [
        name
        for name in dir(type(result))
        if not name.startswith("_") and callable(getattr(type(result), name))
    ]


def case(rng: np.random.Generator) -> str:
    result = pick(rng, fits())
    name = pick(rng, methods(result))
    while name in SLOW | LEFT_OUT and rng.random() < 0.9:
        name = pick(rng, methods(result))
    method = getattr(result, name)
    signature = inspect.signature(method).parameters
    with tempfile.TemporaryDirectory() as folder:
        arguments = {
            a: value
            for a, p in signature.items()
            if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)
            for given, value in [sound(rng, name, a, result, folder)]
            if given or p.default is p.empty
        }
        for _ in range(int(rng.integers(0, 3))):
            known = [a for a in signature if a not in ("ax", "executor", "progress", "path")]
            if known:
                spoilt = pick(rng, known)
                arguments[spoilt] = pick(rng, ODD)
        said = [f"{argument}{end}" for argument in signature for end in " =:"] + [
            "draws",
            "hypothesis",
            "folds",
            name,
        ]
        outcome = judge(lambda: asked(method, arguments), said)
    return f"{name}: {outcome.split(':')[0]}"


def asked(method: Any, arguments: dict[str, Any]) -> str:
    try:
        value = method(**arguments)
    except TypeError as error:
        if "missing" in str(error) and "required" in str(error):
            return "missing"
        raise
    if isinstance(value, np.ndarray) and value.dtype.kind == "f" and np.isinf(value).any():
        raise Defect(f"infinite: {value}")
    str(value), repr(value)
    return "answered"


def sound(rng: np.random.Generator, method: str, name: str, result: Any, folder: str) -> tuple[bool, Any]:
    """Whether to give the argument, and a value that is sound, mostly."""
    new = rows().iloc[rng.integers(ROWS, size=4)]
    values: dict[str, Any] = {
        "draws": DRAWS, "n": DRAWS, "rng": 1, "n_jobs": 1, "alpha": pick(rng, [0.05, 0.5]), "conf_level": 0.9, "path": str(Path(folder, "page.html")),
        "newdata": rows() if rng.random() < 0.5 else new, "exog": new, "data": rows(), "random": pick(rng, ["population", "conditional", "marginal"]),
        "interval": 0.9, "linear": True, "predictive": True, "variables": pick(rng, ["x", ["x"], {"x": [0, 1]}]), "by": pick(rng, ["f", "g", ["f"]]),
        "comparison": pick(rng, ["difference", "ratio", "lnratio", "lnor"]), "exact": pick(rng, [True, "unreliable"]), "groups": "g",
        "folds": pick(rng, [2, np.arange(ROWS) % 3]), "L": np.eye(len(result.model.spec.layout.fixed_names))[:1], "hypothesis": pick(rng, ["x = 0", "x", "x > 0"]),
        "variable": pick(rng, ["x", "f"]), "term": pick(rng, [None, "g", 0]), "include": pick(rng, [["g"], "g"]), "method": pick(rng, ["psis", "metropolis"]),
        "kind": pick(rng, ["mean", "linear", "response"]), "at": {"x": 0.0}, "n_trials": 3, "offset": 0.0, "exposure": 1.0, "correct": pick(rng, [True, False]),
        "approximation": pick(rng, ["lognormal", "delta", "trigamma"]), "title": "t", "wts": "n",
    }  # fmt: skip
    if name == "random" and method in ("summary", "to_frame", "power_scale"):
        return True, False
    always = name in ("draws", "n", "rng", "path", "groups", "L", "hypothesis", "variable", "data", "n_jobs")
    return (always or (name in values and rng.random() < 0.25)), values.get(name)
