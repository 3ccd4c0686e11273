"""Simulated models with correlated effects, and with families that have a parameter of their own or thresholds."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from benchmarks.problem import Floats, Problem
from benchmarks.responses import respond

__all__ = ["TERMS"]

# rows; levels of each factor, and the columns whose coefficients differ between them. "same": the factors have the same levels
SHAPES: dict[str, tuple[int, tuple[int, ...], tuple[tuple[int, ...], ...]]] = {
    "intercepts-400x20": (400, (20,), ((0,),)),
    "slope-300x20": (300, (20,), ((0, 1),)),
    "slope-2000x100": (2000, (100,), ((0, 1),)),
    "slopes-900x30": (900, (30,), ((0, 1, 2),)),
    "same-600x30": (600, (30, 30), ((0,), (1,))),
    "crossed-900x30x12": (900, (30, 12), ((0, 1), (0,))),
    "maximal-800x25x16": (800, (25, 16), ((0, 1), (0, 1))),
    "slope-150x15": (150, (15,), ((0, 1),)),
}
SDS = (0.3, 1.0)
FAMILIES = ("binomial", "poisson", "gaussian", "negative_binomial", "gamma", "cumulative")
OLD = ("binomial", "poisson")  # with intercepts they are in models.py
SEEDS = (1, 2)
CORRELATION = 0.4


def simulate(name: str, family: str, shape: str, sd: float, seed: int) -> Problem:
    """Two covariates, normal and binary; effects of the k-th factor have sd / (k + 1), slopes half of it."""
    rows, levels, coordinates = SHAPES[shape]
    rng = np.random.default_rng([seed, list(SHAPES).index(shape), int(10 * sd), FAMILIES.index(family), 22])
    groups = tuple(rng.permutation(np.arange(rows) % q) for q in levels)
    if shape.startswith("same"):
        groups = (groups[0],) * len(groups)
    exog = np.column_stack([np.ones(rows), rng.standard_normal(rows), np.arange(rows) % 2])
    eta = exog @ np.array([0.3, 0.4, -0.5])
    for k, (codes, q, columns) in enumerate(zip(groups, levels, coordinates, strict=True)):
        eta += np.sum(_effects(rng, q, columns, sd / (k + 1))[codes] * exog[:, columns], axis=1)
    description = f"simulated, {family}, {shape}, sd {sd}"
    endog = respond(rng, family, eta)
    return Problem(
        name, description, family, endog, np.asfortranarray(exog), groups, levels, coordinates=coordinates
    )


def _effects(rng: np.random.Generator, levels: int, columns: tuple[int, ...], sd: float) -> Floats:
    m = len(columns)
    scale = sd * np.where(np.array(columns) == 0, 1.0, 0.5)
    correlation = CORRELATION + (1 - CORRELATION) * np.eye(m)
    return rng.standard_normal((levels, m)) @ np.linalg.cholesky(correlation * np.outer(scale, scale)).T


def _names() -> dict[str, tuple[str, str, float, int]]:
    return {
        f"{family}-{shape}-sd{sd}-{seed}": (family, shape, sd, seed)
        for family in FAMILIES
        for shape in SHAPES
        for sd in SDS
        for seed in SEEDS
        if not (family in OLD and shape.startswith("intercepts"))
        and not (family == "cumulative" and seed > 1)  # thresholds that are held take long
    }


TERMS: dict[str, Callable[[], Problem]] = {
    name: partial(simulate, name, *what) for name, what in _names().items()
}
