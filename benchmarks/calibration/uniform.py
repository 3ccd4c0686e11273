"""Whether numbers are uniform on (0, 1): a chi-square test, and a simultaneous band for their distribution function."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt
from scipy import stats

__all__ = ["band", "chi_square", "ecdf_difference", "outside"]

Floats = npt.NDArray[np.float64]

BINS = 20
POINTS = np.linspace(0.01, 0.99, 99)  # at which distribution functions are looked at
SIMULATIONS = 4000


def chi_square(values: Floats) -> float:
    """p-value of equal frequencies in 20 bins."""
    return float(stats.chisquare(np.histogram(values, BINS, (0.0, 1.0))[0]).pvalue)


def ecdf_difference(values: Floats) -> Floats:
    """Empirical distribution function less that of the uniform distribution, at `POINTS`."""
    return np.searchsorted(np.sort(values), POINTS, side="right") / len(values) - POINTS


@cache
def _pointwise_level(size: int, level: float) -> float:
    """Level of pointwise intervals that all hold together with probability `level` (Säilynoja and others 2022).

    By simulation: the quantile of the smallest of the two-sided binomial tail probabilities along the line.
    """
    rng = np.random.default_rng(20_263)
    counts = np.array(
        [np.searchsorted(np.sort(rng.random(size)), POINTS, side="right") for _ in range(SIMULATIONS)]
    )
    below, above = stats.binom.cdf(counts, size, POINTS), stats.binom.sf(counts - 1, size, POINTS)
    return float(np.quantile(2 * np.minimum(below, above).min(axis=1), 1 - level))


def band(size: int, level: float = 0.95) -> tuple[Floats, Floats]:
    """Lower and upper end of the band for `ecdf_difference` of so many uniform numbers."""
    tail = _pointwise_level(size, level) / 2
    low, high = stats.binom.ppf(tail, size, POINTS), stats.binom.isf(tail, size, POINTS)
    return low / size - POINTS, high / size - POINTS


def outside(values: Floats, level: float = 0.95) -> bool:
    """Whether the empirical distribution function leaves the band."""
    difference, (low, high) = ecdf_difference(values), band(len(values), level)
    return bool(((difference < low) | (difference > high)).any())
