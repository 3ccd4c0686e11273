"""Tables of calibration and coverage, in markdown."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from benchmarks import tables
from benchmarks.calibration.catalogue import DESIGNS
from benchmarks.calibration.methods import LABELS
from benchmarks.calibration.run import Calibration
from benchmarks.calibration.uniform import chi_square, ecdf_difference, outside

__all__ = ["LEVELS", "calibration_table", "coverage", "coverage_table", "verdict"]

Floats = npt.NDArray[np.float64]

LEVELS = (0.5, 0.8, 0.95)
FAILS = 1e-3  # p-value, of all parameters of a design together (Bonferroni), below which a method fails

ABSURD = 100.0  # standard deviation of z beyond which there is nothing to be told


def blocks(design: str) -> dict[str, list[int]]:
    """Positions of fixed effects, log standard deviations, and all random effects."""
    names = DESIGNS[design].parameters
    return {b: [j for j, name in enumerate(names) if name.startswith(b)] for b in ("beta", "psi", "u")}


def coverage(probability: Floats, level: float) -> float:
    """Share of central intervals that hold the truth."""
    known = probability[np.isfinite(probability)]
    return float(np.mean(np.abs(known - 0.5) <= level / 2))


def _usable(result: Calibration) -> npt.NDArray[np.bool_]:
    return np.asarray(np.isfinite(result.probability).all(axis=1))


def p_values(result: Calibration) -> dict[str, float]:
    """Of uniformity, for the parameters that are looked at one by one."""
    usable = result.probability[_usable(result)]
    return {name: chi_square(usable[:, j]) for name, j in DESIGNS[result.design].first_of_each.items()}


def verdict(result: Calibration) -> bool:
    """Whether uniformity is not refuted."""
    found = p_values(result)
    return min(found.values()) * len(found) >= FAILS


def calibration_table(results: Sequence[Calibration]) -> str:
    """One row a design and method."""
    header = (
        "data", "method", "least p (times tests)", "of", "ECDFs outside", "largest ECDF error",
        "z of beta", "z of psi", "z of u", "flagged", "",
    )  # fmt: skip
    return tables.markdown(header, [_calibration_row(result) for result in results])


def _calibration_row(result: Calibration) -> tuple[str, ...]:
    usable = _usable(result)
    found = p_values(result)
    worst = min(found, key=found.__getitem__)
    first = DESIGNS[result.design].first_of_each
    values = [result.probability[usable, j] for j in first.values()]
    return (
        DESIGNS[result.design].description,
        f"`{LABELS[result.method]}`",
        f"{min(1.0, found[worst] * len(found)):.2g}",
        worst,
        f"{sum(map(outside, values))} of {len(values)}",
        f"{max(np.abs(ecdf_difference(v)).max() for v in values):.3f}",
        *(_moments(result.z[usable][:, block]) for block in blocks(result.design).values()),
        f"{result.flagged.mean():.1%}",
        "passes" if verdict(result) else "FAILS",
    )


def _moments(z: Floats) -> str:
    """Mean (of the parameter where it is largest) and standard deviation."""
    means = z.mean(axis=0) if z.shape[1] <= 3 else z.mean(keepdims=True)[0]
    return f"{means[np.abs(means).argmax()]:+.2f}, {z.std():.2f}" if z.std() < ABSURD else "-"


def coverage_table(results: Sequence[Calibration]) -> str:
    """Coverage of central intervals in per cent, pooled over the parameters of each block."""
    names = [f"{block} {level:.0%}" for block in ("beta", "psi", "u") for level in LEVELS]
    rows = [
        (
            DESIGNS[r.design].description,
            f"`{LABELS[r.method]}`",
            *(
                f"{100 * coverage(r.probability[:, block], level):.1f}"
                for block in blocks(r.design).values()
                for level in LEVELS
            ),
        )
        for r in results
    ]
    return tables.markdown(("data", "method", *names), rows)
