"""Independent normal variates, given that they are in order: the prior of thresholds."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

Floats = npt.NDArray[np.float64]

_REACH, _STEP = 9.0, 0.02  # standard deviations
_MOST_POINTS = 200_000


def ordered_normals(loc: Floats, scale: Floats, n: int, rng: np.random.Generator) -> Floats:
    """Draws, shape (n, m), of m independent normal variates given that each is below the next.

    From the last to the first: with H_j(x) the integral of the density of the first j, in order, the j-th being below x, the j-th has
    the distribution function H_j(x) / H_j(c), c being the one above it.
    """
    if (loc == loc[0]).all() and (scale == scale[0]).all():
        return np.sort(rng.normal(loc[0], scale[0], (n, len(loc))), axis=1)
    from scipy.integrate import cumulative_trapezoid  # slow to import

    low, high = (loc - _REACH * scale).min(), (loc + _REACH * scale).max()
    grid = np.linspace(low, high, min(int((high - low) / (_STEP * scale.min())) + 2, _MOST_POINTS))
    below = [ndtr((grid - loc[0]) / scale[0])]
    for mean, sd in zip(loc[1:], scale[1:], strict=True):
        density = np.exp(-0.5 * ((grid - mean) / sd) ** 2) / sd * below[-1]
        below.append(cumulative_trapezoid(density, grid, initial=0))
    draws = np.empty((n, len(loc)))
    above = np.full(n, high)
    for j in reversed(range(len(loc))):
        share = rng.random(n) * np.interp(above, grid, below[j])
        above = draws[:, j] = np.interp(share, below[j], grid)
    return draws
