"""Means of draws that hang on a few of them: their expectation may not even exist."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mixed_glm._console.caller import warn
from mixed_glm._posterior.psis import GOOD_K, LEAST_DRAWS, smooth_rows
from mixed_glm.exceptions import PredictionWarning

Floats = npt.NDArray[np.float64]

_SMALL_SHARE = 0.02  # of a sum, which its largest draw must have for the tail to be looked at


def tail_shapes(values: Floats) -> Floats:
    """Pareto k-hat of the largest of positive draws in each row, shape (m,); 0 where none of them has a large share.

    Parameters
    ----------
    values : float array, shape (m, n)
    """
    shapes = np.zeros(len(values))
    if values.shape[1] < LEAST_DRAWS:
        return shapes
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        largest = values.max(axis=1)
        suspects = ~np.isfinite(largest) & ~np.isnan(largest)
        shapes[suspects] = np.inf
        share = largest / values.sum(axis=1)
        rows = np.flatnonzero((share > _SMALL_SHARE) & ~suspects)
        shapes[rows] = smooth_rows(np.log(values[rows]))[1]
    return shapes


_MEDIAN = "Use the median, which interval=0.95 shows beside the mean"


def warn_of_tails(k: Floats, draws: int, remedy: str = _MEDIAN) -> None:
    """Warn where means cannot be relied on.

    Warns
    -----
    PredictionWarning
    """
    bad = k > GOOD_K
    if not bad.any():
        return
    row = int(np.argmax(k))
    warn(
        f"the mean is not to be relied on in {bad.sum()} of {len(k)} rows: it hangs on the largest few of {draws} draws "
        f"(Pareto k {k[row]:.2f} at row {row}, above {GOOD_K:g}), and other draws would give another one. Under a log link "
        "the posterior of a standard deviation that few groups tell of reaches so far that the mean over groups, or of a "
        f"new group, need not exist. {remedy}, or a tighter prior of the standard deviations",
        PredictionWarning,
    )
