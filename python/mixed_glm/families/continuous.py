"""Real and positive responses."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import numpy as np

from mixed_glm.families._bounded import bounded_product
from mixed_glm.families._support import Floats, require
from mixed_glm.families.base import Family


@dataclasses.dataclass(frozen=True)
class Gaussian(Family):
    """Normal responses with mean eta and a standard deviation sigma that the data estimate."""

    name: ClassVar[str] = "gaussian"
    is_continuous: ClassVar[bool] = True
    links: ClassVar[tuple[str, ...]] = ("identity",)

    def _validate_support(self, y: Floats) -> None:
        """Every finite number will do."""

    def _sample(
        self, mean: Floats, rng: np.random.Generator, trials: Floats | None, shape: Floats | None
    ) -> Floats:
        assert shape is not None
        return mean + bounded_product(shape, rng.standard_normal(mean.shape))


@dataclasses.dataclass(frozen=True)
class Gamma(Family):
    """Positive responses with mean mu = exp(eta) and variance d mu^2, with a dispersion d that the data estimate.

    1 / d is what is called the shape of a gamma distribution.
    """

    name: ClassVar[str] = "gamma"
    is_continuous: ClassVar[bool] = True
    placeholder: ClassVar[float] = 1.0

    def _validate_support(self, y: Floats) -> None:
        require(y > 0, y, "endog must be positive for the gamma family")

    def _sample(
        self, mean: Floats, rng: np.random.Generator, trials: Floats | None, shape: Floats | None
    ) -> Floats:
        assert shape is not None
        return bounded_product(mean, rng.gamma(1.0 / shape, shape, mean.shape))


@dataclasses.dataclass(frozen=True)
class Exponential(Family):
    """Waiting times with mean exp(eta): the gamma family with shape 1."""

    name: ClassVar[str] = "exponential"
    is_continuous: ClassVar[bool] = True

    def _validate_support(self, y: Floats) -> None:
        require(y >= 0, y, "endog must not be negative for the exponential family")

    def _sample(
        self, mean: Floats, rng: np.random.Generator, trials: Floats | None, shape: Floats | None
    ) -> Floats:
        return bounded_product(mean, rng.standard_exponential(mean.shape))
