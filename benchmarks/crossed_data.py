"""Binary responses in crossed factors: of equally many levels, of some other kinds, and of InstEval."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

__all__ = ["PROBLEMS", "Crossed", "Problem", "ladder"]


class Crossed(NamedTuple):
    """Columns of a model with an intercept; groups are crossed factors."""

    y: Any
    covariate: Any
    groups: tuple[Any, ...]

    @property
    def formula(self) -> str:
        """In the columns of `columns`."""
        return "y ~ x + " + " + ".join(f"(1 | g{k})" for k in range(len(self.groups)))

    @property
    def columns(self) -> dict[str, Any]:
        """By name."""
        return {"y": self.y, "x": self.covariate} | {f"g{k}": g for k, g in enumerate(self.groups)}


class Problem(NamedTuple):
    """What is fitted by whom."""

    name: str
    description: str
    make: Callable[[], Crossed]
    with_exact: bool  # the exact factor takes no more than some seconds
    with_gpboost: bool


def at_random(rows: int, levels: tuple[int, ...], sds: tuple[float, ...], seed: int) -> Crossed:
    """Each row belongs to any level of each factor."""
    rng = np.random.default_rng(seed)
    groups = tuple(rng.integers(q, size=rows) for q in levels)
    return _respond(rng, groups, levels, sds)


def in_communities(rows: int, levels: int, sds: tuple[float, float], leaving: float, seed: int) -> Crossed:
    """Ten by ten levels meet one another; few rows leave their community."""
    rng = np.random.default_rng(seed)
    g = rng.integers(levels, size=rows)
    near = g // 10 * 10 + rng.integers(10, size=rows)
    h = np.where(rng.random(rows) < leaving, rng.integers(levels, size=rows), near)
    return _respond(rng, (g, h), (levels, levels), sds)


def _respond(rng: Any, groups: tuple[Any, ...], levels: tuple[int, ...], sds: tuple[float, ...]) -> Crossed:
    x = rng.normal(size=len(groups[0]))
    eta = -0.5 + 0.5 * x
    for g, q, sd in zip(groups, levels, sds, strict=True):
        eta = eta + sd * rng.normal(size=q)[g]
    return Crossed(1.0 * (rng.random(len(x)) < 1 / (1 + np.exp(-eta))), x, groups)


def insteval(factors: tuple[str, ...]) -> Crossed:
    """Whether students of ETH rated a lecture 4 or 5, in lme4's data, by R."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "data.csv"
        script = f"data(InstEval, package = 'lme4'); write.csv(InstEval, '{file}', row.names = FALSE)"
        subprocess.run(["Rscript", "-e", script], check=True, capture_output=True)
        data = pd.read_csv(file)
    codes = tuple(pd.factorize(data[name], sort=True)[0] for name in factors)
    return Crossed(1.0 * (data["y"] >= 4).to_numpy(), data["service"].to_numpy(float), codes)


ROWS_PER_LEVEL = 30


def ladder(levels: int) -> Problem:
    """Two factors of so many levels, sds 1 and 0.5."""
    data = partial(at_random, ROWS_PER_LEVEL * levels, (levels, levels), (1.0, 0.5), levels)
    return Problem(f"ladder-{levels}", f"{levels:,} x {levels:,}", data, levels <= 2000, False)


PROBLEMS = [
    Problem(
        "2000", "2,000 x 2,000; sds 1, 0.5", partial(at_random, 60_000, (2000, 2000), (1, 0.5), 1), True, True
    ),
    Problem(
        "10000",
        "10,000 x 10,000; sds 1, 0.5",
        partial(at_random, 300_000, (10_000, 10_000), (1, 0.5), 1),
        False,
        True,
    ),
    Problem(
        "10000-large",
        "10,000 x 10,000; sds 3, 3",
        partial(at_random, 300_000, (10_000, 10_000), (3, 3), 1),
        False,
        True,
    ),
    Problem(
        "communities",
        "10,000 x 10,000 in communities of 10 x 10, which 1 % of the rows leave; sds 3, 3",
        partial(in_communities, 300_000, 10_000, (3, 3), 0.01, 1),
        True,
        True,
    ),
    Problem(
        "100000",
        "100,000 x 20,000; sds 1, 0.5",
        partial(at_random, 2_000_000, (100_000, 20_000), (1, 0.5), 1),
        False,
        False,
    ),
    Problem(
        "insteval",
        "InstEval: 2,972 students x 1,128 lecturers",
        partial(insteval, ("s", "d")),
        True,
        True,
    ),
    Problem(
        "insteval-dept",
        "InstEval: 2,972 students x 1,128 lecturers x 14 departments",
        partial(insteval, ("s", "d", "dept")),
        True,
        True,
    ),
]
