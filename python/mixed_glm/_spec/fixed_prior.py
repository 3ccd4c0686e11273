"""The prior of the fixed effects: independent normal in the coordinates of a fit.

With beta = T (b + o) and b_a ~ N(0, s_a^2), the density of beta is that of b, divided by |T|. Thresholds of an ordinal response are
the first of them, restricted to be ordered, so that it is divided by the probability that they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mixed_glm import _core
from mixed_glm._spec.design import prior_scale
from mixed_glm._spec.ordered_normals import ordered_normals
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
    thresholds : int
    """

    scale: Floats
    change: Standardization | None
    thresholds: int = 0

    @classmethod
    def of(cls, spec: ModelSpec, change: Standardization | None) -> FixedPrior:
        """That of a fit in the coordinates of `change`."""
        return cls(prior_scale(spec.design.priors, change), change, spec.design.priors.thresholds)

    def log_density(self, beta: Floats) -> Floats:
        """Log density at each row of `beta`, shape (n, p)."""
        inside = (np.diff(beta[..., : self.thresholds], axis=-1) > 0.0).all(axis=-1)
        density = self._constant - 0.5 * np.asarray(((self._own(beta) / self.scale) ** 2).sum(axis=-1))
        return np.asarray(np.where(inside, density, -np.inf)) if self.thresholds else density

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
        return beta if self.change is None else self.change.fixed_to(beta)

    @property
    def _way(self) -> Floats:
        p = len(self.scale)
        return np.eye(p) if self.change is None else self.change.inverse

    @property
    def _constant(self) -> float:
        change = 0.0 if self.change is None else self.change.log_determinant
        normal = -np.log(self.scale).sum() - 0.5 * len(self.scale) * np.log(2.0 * np.pi) - change
        return float(normal - self._log_ordered)

    @property
    def _log_ordered(self) -> float:
        if not self.thresholds:
            return 0.0
        loc, scale = self._of_thresholds
        return _core.log_ordered_probability(loc, scale)

    @property
    def _of_thresholds(self) -> tuple[Floats, Floats]:
        """Means and standard deviations of the thresholds with the columns at their centres, not restricted."""
        origin = (
            np.zeros_like(self.scale)
            if self.change is None or self.change.origin is None
            else self.change.origin
        )
        return origin[: self.thresholds], self.scale[: self.thresholds]

    def sample(self, n: int, rng: np.random.Generator) -> Floats:
        """Draws of b, shape (n, p): independent, thresholds (with their means) in order."""
        draws = rng.standard_normal((n, len(self.scale))) * self.scale
        if self.thresholds > 1:
            loc, scale = self._of_thresholds
            draws[:, : self.thresholds] = ordered_normals(loc, scale, n, rng) - loc
        return draws
