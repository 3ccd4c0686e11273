"""The prior of the fixed effects: independent normal in the coordinates of a fit.

With beta = T (b + o) and b_a ~ N(0, s_a^2), the density of beta is that of b, divided by |T|.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mixed_glm._spec.design import prior_scale
from mixed_glm._spec.spec import ModelSpec
from mixed_glm._spec.standardization import Standardization

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class FixedPrior:
    """Prior of p fixed effects.

    Attributes
    ----------
    scale : float array, shape (p,)
        Standard deviations of b.
    change : Standardization or None
        From b to beta; None where they are the same.
    """

    scale: Floats
    change: Standardization | None

    @classmethod
    def of(cls, spec: ModelSpec, change: Standardization | None) -> FixedPrior:
        """That of a fit in the coordinates of `change`."""
        return cls(prior_scale(spec.design.priors, change), change)

    def log_density(self, beta: Floats) -> Floats:
        """Log density at each row of `beta`, shape (n, p)."""
        return self._constant - 0.5 * np.asarray(((self._own(beta) / self.scale) ** 2).sum(axis=-1))

    def standard(self, mean: Floats, covariance: Floats) -> tuple[Floats, Floats]:
        """Mean and covariance, shapes (p,) and (p, p), of a posterior of beta where the prior is standard normal."""
        if self.change is None:
            return mean / self.scale, covariance / np.multiply.outer(self.scale, self.scale)
        there = self.change.inverse / self.scale[:, None]
        off, origin = there @ mean, self.change.origin
        return off if origin is None else off - origin / self.scale, there @ covariance @ there.T

    def from_standard(self, root: Floats) -> Floats:
        """Rows that stand for coefficients where the prior is standard normal -> for those of beta, up to a factor for each."""
        return root if self.change is None else (self.change.matrix * self.scale) @ root

    def expectation(self, mean: Floats, sd: Floats) -> float:
        """Mean of the log density under independent normal distributions of beta, shape (p,) each."""
        spread = self._way**2 @ sd**2
        return float(self.log_density(mean) - 0.5 * (spread / self.scale**2).sum())

    def expectation_gradient(self, mean: Floats, sd: Floats) -> tuple[Floats, Floats]:
        """Gradient of `expectation` in `mean` and in `sd`."""
        way, precision = self._way, self.scale**-2.0
        of_mean: Floats = way.T @ (self._own(mean) * precision)
        of_sd: Floats = (way**2).T @ precision
        return -of_mean, -sd * of_sd

    def _own(self, beta: Floats) -> Floats:
        return beta if self.change is None else self.change.params_to(beta)

    @property
    def _way(self) -> Floats:
        p = len(self.scale)
        return np.eye(p) if self.change is None else self.change.inverse

    @property
    def _constant(self) -> float:
        change = 0.0 if self.change is None else self.change.log_determinant
        return float(-np.log(self.scale).sum() - 0.5 * len(self.scale) * np.log(2.0 * np.pi) - change)
