"""Products in random responses that are too large for a number."""

from __future__ import annotations

import math

import numpy as np

from mixed_glm.families._support import Floats

_LARGEST = math.exp(709.0)  # as the mean, whose predictor counts up to 709


def bounded_product(scale: Floats, variates: Floats) -> Floats:
    """Their product, or the largest that there is."""
    with np.errstate(over="ignore"):
        product = scale * variates
    return np.asarray(np.clip(product, -_LARGEST, _LARGEST))
