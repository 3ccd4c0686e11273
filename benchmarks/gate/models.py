"""The models of the gate, by name: a grid of simulated ones, and real data."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from benchmarks.gate.terms import TERMS
from benchmarks.problem import Ints, Problem
from benchmarks.real import REAL
from benchmarks.responses import respond

__all__ = ["MODELS"]

# rows, and the levels of each factor
SHAPES: dict[str, tuple[int, tuple[int, ...]]] = {
    "60x6": (60, (6,)),
    "90x30": (90, (30,)),
    "400x20": (400, (20,)),
    "2000x50": (2000, (50,)),
    "2000x600": (2000, (600,)),
    "crossed-150x15x10": (150, (15, 10)),
    "crossed-1500x100x20": (1500, (100, 20)),
    "nested-900x300x30": (900, (300, 30)),
    "three-800x80x20x8": (800, (80, 20, 8)),
}
SDS = (0.0, 0.3, 1.0, 2.5)
FAMILIES = ("binomial", "poisson")
SEEDS = (1, 2, 3, 4)


def simulate(name: str, family: str, shape: str, sd: float, seed: int) -> Problem:
    """An intercept, a normal covariate and a group-level binary one; the k-th factor has sd / (k + 1)."""
    rows, levels = SHAPES[shape]
    rng = np.random.default_rng([seed, list(SHAPES).index(shape), int(10 * sd), FAMILIES.index(family)])
    groups = _nested(rng, rows, levels) if shape.startswith("nested") else _crossed(rng, rows, levels)
    by_group = rng.permutation(np.arange(levels[0]) % 2)[groups[0]].astype(float)
    exog = np.asfortranarray(np.column_stack([np.ones(rows), rng.standard_normal(rows), by_group]))
    eta = exog @ np.array([-0.5, 0.4, 0.6])
    for k, (codes, q) in enumerate(zip(groups, levels, strict=True)):
        eta += sd / (k + 1) * rng.standard_normal(q)[codes]
    endog = respond(rng, family, eta)
    return Problem(name, f"simulated, {family}, {shape}, sd {sd}", family, endog, exog, groups, levels)


def _crossed(rng: np.random.Generator, rows: int, levels: tuple[int, ...]) -> tuple[Ints, ...]:
    return tuple(rng.permutation(np.arange(rows) % q) for q in levels)


def _nested(rng: np.random.Generator, rows: int, levels: tuple[int, ...]) -> tuple[Ints, ...]:
    leaf = rng.permutation(np.arange(rows) % levels[0])
    return leaf, leaf % levels[1]


SIMPLE: dict[str, Callable[[], Problem]] = {
    name: partial(simulate, name, family, shape, sd, seed)
    for family in FAMILIES
    for shape in SHAPES
    for sd in SDS
    for seed in SEEDS
    for name in [f"{family}-{shape}-sd{sd}-{seed}"]
}

MODELS: dict[str, Callable[[], Problem]] = REAL | SIMPLE | TERMS
