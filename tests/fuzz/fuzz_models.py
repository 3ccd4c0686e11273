"""Sound models of every family, prior and kind of random effects, fitted in every way; in a part of the cases with priors, levels
or correlated components that do not fit, which must be refused by name."""

from __future__ import annotations

from typing import Any

import numpy as np
from judge import Defect, judge
from problems import pick, problem, sd_prior, use

import mixed_glm as mg
from mixed_glm import priors

NAMES = [
    "FE_1",
    "FE_9",
    "sd",
    "cor",
    "sd(VC_1)",
    "VC_1",
    "cor(VC_1, VC_2)",
    "dispersion",
    "0|1",
    "",
    3,
    None,
    "é",
    ("sd",),
]
DISTRIBUTIONS = [
    priors.Normal(0, 1), priors.Normal(1e30, 1e-30), priors.LKJ(2), priors.LKJ(1e-9), priors.LKJ(1e9), priors.HalfNormal(1e-30),
    priors.HalfNormal(1e30), priors.LogNormal(100, 1e-30), priors.InverseGamma(1e-30, 1e30), priors.Gamma(1e30, 1e-30),
    priors.PC(1e-40, 1e-40), priors.HalfT(1e-30, 1.0), priors.HalfT(1e30, 1.0), priors.HalfT(0.05, 1.0), priors.Exponential(1e-40),
    priors.HalfCauchy(1e40), priors.Normal, priors.Prior, "normal(0, 1)", 1.0, None, {}, [priors.Normal(0, 1)], 0,
]  # fmt: skip
MAPPINGS = [3, "sd", [], [("sd", priors.HalfNormal(1.0))], {}, priors.HalfNormal(1.0), {"sd": {}}, iter([])]
CORRELATED = [
    [], [()], [(0,)], [(0, 0)], [(0, 1), (1, 2)], [(0, 9)], ["ab"], "ab", 3, [(0, 1.0)], [("VC_1", "VC_2")], [["VC_1", 1]], [(0, True)],
    [(0, -1)], [None], {"a": 1}, {(0, 1)}, ((0, 1),), np.array([[0, 1]]), iter([(0, 1)]), [(0, 1), (0, 1)], [range(7)], [(0, None)],
]  # fmt: skip
NUMBERS = [
    0,
    -1,
    1.0,
    np.nan,
    np.inf,
    "a",
    None,
    1e300,
    5e-324,
    True,
    [1.0],
    10**400,
    1j,
    np.float32(0.5),
    1e-320,
]
KINDS = [getattr(priors, name) for name in priors.__all__ if name not in ("Prior", "as_prior")]


def case(rng: np.random.Generator) -> str:
    how = rng.random()
    if how < 0.1:
        return judge(lambda: distribution(rng), said=["prior", "must be a", "must be between", "positional"])
    arguments = problem(rng)
    if how < 0.5:
        spoil(rng, arguments)
        return judge(lambda: use(rng, mg.MixedGLM(**arguments)))
    return judge(lambda: use(rng, sound_model(arguments)))


def sound_model(arguments: dict[str, Any]) -> mg.MixedGLM:
    try:
        return mg.MixedGLM(**arguments)
    except (ValueError, TypeError) as error:
        if "categor" in str(error) or "finite" in str(error):
            raise
        raise Defect(f"a sound model was refused: {error}") from error


def spoil(rng: np.random.Generator, arguments: dict[str, Any]) -> None:
    q = len(arguments.get("ident", []))
    for _ in range(int(rng.integers(1, 3))):
        how = rng.random()
        if how < 0.5:
            names = [pick(rng, NAMES) for _ in range(int(rng.integers(1, 4)))]
            arguments["priors"] = {
                name: sd_prior(rng) if rng.random() < 0.3 else pick(rng, DISTRIBUTIONS) for name in names
            }
        elif how < 0.6:
            arguments["priors"] = pick(rng, MAPPINGS)
        elif how < 0.8:
            arguments["correlated"] = pick(rng, CORRELATED)
        else:
            labels = rng.integers(3, size=q)
            arguments["levels"] = pick(
                rng,
                [labels, labels[:-1], labels.astype(str), labels.astype(float), np.where(labels == 0, np.nan, labels), labels[None],
                 list("abc"), "abc", None, 3, [[1], [2]], [None] * q, [(1, 2)] * q, np.arange(q), [{}] * q, iter(range(q)), np.zeros(q, "M8[s]")],
            )  # fmt: skip


def distribution(rng: np.random.Generator) -> Any:
    """A distribution of odd numbers, or from text; what it says of itself must be numbers."""
    if rng.random() < 0.4:
        text = pick(rng, [k.__name__ for k in KINDS] + ["half_normal", "x", "", "LKJ"]) + pick(
            rng, ["(1)", "(1, 2)", "", "()", "(a)", "(1,)", "(1, 2, 3)", "(1", "(nan)", "(1e400)", "(-1)", "(,)", "(1 2)", "(1_0)", "((1))", "\n(1)"]
        )  # fmt: skip
        made = priors.as_prior(text)
    else:
        kind = pick(rng, KINDS)
        made = kind(*[pick(rng, NUMBERS) for _ in range(int(rng.integers(0, 3)))])
    repr(made), hash(made), made.core()
    return made.quantile([0.1, 0.5, 0.9])
