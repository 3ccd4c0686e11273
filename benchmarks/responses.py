"""Simulated responses of every family."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from benchmarks.problem import Floats, Ints

__all__ = ["respond"]

CUTS = (-1.0, 0.2, 1.4)


def respond(rng: np.random.Generator, family: str, eta: Floats) -> Floats:
    """Responses with the linear predictor `eta`."""
    mean = np.exp(eta)
    size = eta.shape
    makers: dict[str, Callable[[], Floats | Ints]] = {
        "binomial": lambda: rng.random(size) < 1 / (1 + np.exp(-eta)),
        "poisson": lambda: rng.poisson(mean),
        "gaussian": lambda: eta + rng.standard_normal(size),
        "negative_binomial": lambda: rng.poisson(mean * rng.gamma(2.0, 0.5, size)),
        "gamma": lambda: mean * rng.gamma(3.0, 1 / 3, size),
        "cumulative": lambda: np.digitize(eta + rng.logistic(size=size), CUTS),
    }
    return np.asarray(makers[family](), dtype=float)
