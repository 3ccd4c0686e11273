"""Fixed effects that the responses bound on one side only, as that of a level of a factor with failures alone.

A direction d of the coefficients along which no row loses likelihood: x'd is zero in rows whose response is bounded on both sides, not
negative where it is the highest that there can be (all trials succeeded, the last category), not positive where it is the lowest. A
coefficient is unbounded if it has a part in such a direction, and where it ends is then what its prior says, however wide.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.linalg import null_space

from mixed_glm._spec.spec import ModelSpec

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

MOST_ROWS = 100_000  # beyond it columns are looked at one by one
MOST_DISTINCT = 5_000  # as beyond so many that differ: constraints of a linear programme
SMALL = 1e-7


def unbounded_effects(spec: ModelSpec) -> Mask:
    """Which fixed effects the responses do not bound, shape (p,), thresholds before them, which they do."""
    found = np.zeros(len(spec.layout.fixed_names), dtype=bool)
    exog = spec.design.exog
    if exog.shape[1] and exog.size:
        found[len(found) - exog.shape[1] :] = _unbounded_columns(exog, *_ends(spec))
    return found


def _ends(spec: ModelSpec) -> tuple[Floats, Mask]:
    """For each row 1 where the response is the highest possible, -1 where it is the lowest, else 0; and whether the row counts."""
    design, family = spec.design, spec.family
    y, trials = design.endog, design.trials()
    end = np.zeros(len(y))
    if not family.is_continuous:
        end[y == 0] = -1.0
    if family.has_trials:
        end[y == trials] = 1.0
    if family.is_ordinal:
        end[y == y.max()] = 1.0
    return end, (trials > 0) & (design.weights() > 0)


def _unbounded_columns(exog: Floats, end: Floats, counts: Mask) -> Mask:
    exog, end = exog[counts], end[counts]
    exog = exog / np.maximum(np.abs(exog).max(axis=0, initial=0.0), np.finfo(float).tiny)
    held = exog[end == 0.0]
    free = null_space(held.T @ held, rcond=SMALL) if len(held) else np.eye(exog.shape[1])
    if not free.shape[1]:
        return np.zeros(exog.shape[1], dtype=bool)
    at_ends = exog[end != 0.0] * end[end != 0.0, None]
    if len(at_ends) <= MOST_ROWS:
        at_ends = np.unique(at_ends, axis=0)
    if len(at_ends) > MOST_DISTINCT:
        alone = (np.abs(held) <= SMALL).all(axis=0)
        return np.asarray(alone & ((at_ends >= 0.0).all(axis=0) | (at_ends <= 0.0).all(axis=0)))
    return np.array([_has_part(at_ends @ free, row) for row in free])


def _has_part(rows: Floats, gain: Floats) -> bool:
    """Whether ``gain @ z`` can be other than zero where ``rows @ z`` is nowhere negative."""
    from scipy.optimize import linprog  # slow to import

    for sign in (1.0, -1.0):
        found = linprog(
            -sign * gain, A_ub=-rows, b_ub=np.zeros(len(rows)), bounds=(-1.0, 1.0), method="highs"
        )
        if found.success and abs(found.fun or 0.0) > SMALL * 10:
            return True
    return False
