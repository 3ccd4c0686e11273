"""The joint posterior of the fixed effects."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class FixedEffects:
    """Posterior of the fixed effects: a mixture of M normal distributions with one covariance.

    Attributes
    ----------
    weights : float array, shape (M,)
    means : float array, shape (M, p)
    covariance : float array, shape (p, p)
        Of the mixture as a whole.
    """

    weights: Floats
    means: Floats
    covariance: Floats
