"""Counts without a bound."""

from __future__ import annotations

import dataclasses
import math
from typing import ClassVar

import numpy as np

from mixed_glm.families._bounded import bounded_product
from mixed_glm.families._support import Floats
from mixed_glm.families.base import Family

_MOST_POISSON = 1e15
_LEAST_ALPHA = 1e-100  # of a draw: below, there is no difference


@dataclasses.dataclass(frozen=True)
class Poisson(Family):
    """Counts with mean and variance exp(eta)."""

    name: ClassVar[str] = "poisson"

    def _validate_support(self, y: Floats) -> None:
        self._validate_counts(y)

    def _sample(
        self, mean: Floats, rng: np.random.Generator, trials: Floats | None, shape: Floats | None
    ) -> Floats:
        return _poisson(mean, rng)


@dataclasses.dataclass(frozen=True)
class NegativeBinomial(Family):
    """Counts with mean mu = exp(eta) and variance mu + alpha mu^2.

    Parameters
    ----------
    alpha : float, optional
        Dispersion, from 1e-100 to 1e100, where it is known; the Poisson family is the limit at 0. Default: estimated from
        the data.
    """

    alpha: float | None = None

    name: ClassVar[str] = "negative_binomial"

    def __post_init__(self) -> None:
        """Check alpha and make it a float."""
        if self.alpha is None:
            return
        try:
            alpha = float(self.alpha)
        except (TypeError, ValueError):
            raise TypeError(f"alpha must be a positive number, got {self.alpha!r}") from None
        if not (math.isfinite(alpha) and 1e-100 <= alpha <= 1e100):
            raise ValueError(f"alpha must be a positive number (1e-100 to 1e100), got {alpha!r}")
        object.__setattr__(self, "alpha", alpha)

    def _validate_support(self, y: Floats) -> None:
        self._validate_counts(y)

    def _sample(
        self, mean: Floats, rng: np.random.Generator, trials: Floats | None, shape: Floats | None
    ) -> Floats:
        alpha = np.asarray(self.alpha if shape is None else np.maximum(shape, _LEAST_ALPHA), dtype=np.float64)
        return _poisson(bounded_product(mean, rng.gamma(1.0 / alpha, alpha, mean.shape)), rng)


def _poisson(mean: Floats, rng: np.random.Generator) -> Floats:
    """Poisson variates; beyond what numpy can draw, rounded normal ones, which then differ by less than rounding."""
    small = np.minimum(mean, _MOST_POISSON)
    drawn = rng.poisson(small).astype(np.float64)
    large = mean > _MOST_POISSON
    if large.any():
        drawn[large] = np.round(rng.normal(mean[large], np.sqrt(mean[large])))
    return drawn
