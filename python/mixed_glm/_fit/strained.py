"""Fixed effects so skewed that corrections to second order say nothing of them.

What one factor level or one covariate separates from all other responses is bounded on one side by its prior alone. Its
density is nearly flat over a prior standard deviation and falls off within a unit on the other side, so that derivatives
at its mode tell little of where its mean is: the first correction is then many standard deviations long.
"""

from __future__ import annotations

import numpy as np

from mixed_glm import _core
from mixed_glm._input.listed import listed
from mixed_glm._spec.approximation import Approximation
from mixed_glm._spec.spec import ModelSpec

_TITLES = {"laplace": "Laplace", "leaf": "leaf quadrature"}


def strained_effects(spec: ModelSpec, fit: _core.MarginalFit) -> list[str]:
    """Names of the fixed effects whose corrections by Laplace or leaf quadrature are out of their domain."""
    if not fit.strained or fit.status == _core.ResponseStatus.FAILED:
        return []
    layout = spec.layout
    place = np.arange(layout.size) if layout.order is None else layout.order
    strained = np.isin(place[layout.fixed], fit.strained)
    return [name for name, is_so in zip(layout.fixed_names, strained, strict=True) if is_so]


def told_of_strain(names: list[str], approximation: Approximation, substitute: Approximation) -> str:
    """What is told of it, and of what stands in the place of that approximation."""
    place = (
        "expectation propagation took its place"
        if substitute.name == "ep"
        else "the mode of the coefficients stands in the place of their mean"
    )
    return (
        f"the responses bound the fixed effects {listed(names)} on one side only, and corrections by {_TITLES[approximation.name]} do "
        f"not reach where their prior lets them be; {place}. A narrower prior (priors=), or levels put together, would help"
    )
