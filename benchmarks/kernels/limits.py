"""How fast the machine does the least that a kernel must do."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache

import numpy as np

__all__ = ["copy_seconds", "exp_seconds", "flop_seconds"]

LEAST_SECONDS = 0.2
MATRIX = 700


def _best(work: Callable[[], object]) -> float:
    """Least time of one call, over a fifth of a second."""
    best, end = float("inf"), time.perf_counter() + LEAST_SECONDS
    while time.perf_counter() < end:
        began = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - began)
    return best


def copy_seconds(size: int) -> float:
    """To copy so many bytes from one array to another."""
    source, target = np.ones(size // 8 + 1), np.empty(size // 8 + 1)
    return _best(lambda: np.copyto(target, source))


@cache
def _flop_rate() -> float:
    a = np.random.default_rng(0).standard_normal((MATRIX, MATRIX))
    b, out = a.copy(), np.empty_like(a)
    return 2.0 * MATRIX**3 / _best(lambda: np.matmul(a, b, out=out))


def flop_seconds(operations: float) -> float:
    """For so many floating-point operations at the rate of a product of matrices by BLAS, on one thread."""
    return operations / _flop_rate()


def exp_seconds(count: int) -> float:
    """For so many exponential functions by numpy, in blocks that stay in the cache."""
    block = np.random.default_rng(0).standard_normal(2048)
    out = np.empty_like(block)
    return count / len(block) * _best(lambda: np.exp(block, out=out))
