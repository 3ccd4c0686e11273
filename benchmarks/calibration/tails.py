"""Table of the ends of posteriors: how often the truth is below their 1, 5, 95 and 99 % quantiles."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import stats

from benchmarks import tables
from benchmarks.calibration.catalogue import DESIGNS
from benchmarks.calibration.methods import LABELS
from benchmarks.calibration.run import Calibration
from benchmarks.calibration.tables import blocks

__all__ = ["ENDS", "least_p", "tails_table"]

Floats = npt.NDArray[np.float64]

ENDS = (0.01, 0.05, 0.95, 0.99)


def least_p(result: Calibration) -> tuple[float, str]:
    """Smallest p-value that the true shares are `ENDS`, times the number of tests, and what it belongs to.

    Exact binomial tests of the parameters that are looked at one by one.
    """
    usable = np.isfinite(result.probability).all(axis=1)
    found = {
        f"{name} {end:.0%}": _p_value(result.probability[usable, j], end)
        for name, j in DESIGNS[result.design].first_of_each.items()
        for end in ENDS
    }
    worst = min(found, key=found.__getitem__)
    return min(1.0, found[worst] * len(found)), worst


def _p_value(values: Floats, end: float) -> float:
    return float(stats.binomtest(int((values < end).sum()), len(values), end).pvalue)


def tails_table(results: Sequence[Calibration]) -> str:
    """Shares in per cent, pooled over the parameters of each block."""
    names = [f"{block} {end:.0%}" for block in ("beta", "psi", "u") for end in ENDS]
    return tables.markdown(
        ("data", "method", "least p (times tests)", "of", *names), [_row(r) for r in results]
    )


def _row(result: Calibration) -> tuple[str, ...]:
    p, worst = least_p(result)
    shares = [
        f"{100 * _share(result.probability[:, block], end):.1f}"
        for block in blocks(result.design).values()
        for end in ENDS
    ]
    return (DESIGNS[result.design].description, f"`{LABELS[result.method]}`", f"{p:.2g}", worst, *shares)


def _share(probability: Floats, end: float) -> float:
    return float((probability[np.isfinite(probability)] < end).mean())
