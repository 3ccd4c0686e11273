"""What a fit says about the parameters: means, standard deviations, quantiles, covariance.

`MixedGLMResults` asks only for what `Posterior` promises, so a fit that is a mixture over a grid, or skew,
brings a subclass of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

from mixed_glm import _core
from mixed_glm._fit.optimize import joint_covariance
from mixed_glm._posterior.contrast import FixedEffects
from mixed_glm._posterior.draws import Drawn, in_batches, independent
from mixed_glm._spec.standardization import Standardization

if TYPE_CHECKING:
    from mixed_glm.model import MixedGLM

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Posterior:
    """A Gaussian posterior of (beta, psi, u), d = p + K + q parameters.

    Attributes
    ----------
    mean, sd : float array, shape (d,)
        Fixed effects, log standard deviations, random effects.
    """

    mean: Floats
    sd: Floats

    def quantile(self, level: float) -> Floats:
        """Marginal quantiles of all parameters, shape (d,)."""
        return np.asarray(self.mean + self.sd * ndtri(level))

    def cdf(self, values: Floats) -> Floats:
        """Marginal probabilities, shape (d,), that each parameter is below `values`, shape (d,)."""
        return np.asarray(ndtr((values - self.mean) / self.sd))

    def covariance(self) -> Floats:
        """Dense covariance, shape (d, d); the variances alone, shape (d,), of independent parameters."""
        return np.asarray(self.sd**2)

    def fixed_effects(self, p: int) -> FixedEffects:
        """Joint posterior of the fixed effects, p of them."""
        return FixedEffects(np.ones(1), self.mean[None, :p], np.diag(self.sd[:p] ** 2))

    def draw(self, n: int, rng: np.random.Generator, k_fixed: int) -> Drawn:
        """Joint draws of all parameters, of which the first `k_fixed` are not random effects."""
        return independent(self.mean, self.sd, k_fixed, n, rng)


@dataclass(frozen=True)
class StandardizedPosterior(Posterior):
    """Independent normal distributions of the parameters with standardized columns.

    Attributes
    ----------
    standardized_fe_sd : float array, shape (p,)
        Standard deviations of the fixed effects on the standardized scale.
    standardization : Standardization
    """

    standardized_fe_sd: Floats
    standardization: Standardization

    def fixed_effects(self, p: int) -> FixedEffects:
        """Joint posterior of the fixed effects, p of them."""
        covariance = self.standardization.covariance_back(np.diag(self.standardized_fe_sd**2))
        return FixedEffects(np.ones(1), self.mean[None, :p], covariance)

    def draw(self, n: int, rng: np.random.Generator, k_fixed: int) -> Drawn:
        """Joint draws of all parameters."""
        change = self.standardization
        sd = np.r_[self.standardized_fe_sd, self.sd[len(self.standardized_fe_sd) :]]
        drawn = independent(change.params_to(self.mean), sd, k_fixed, n, rng)
        return draws_back(change, drawn)


@dataclass(frozen=True)
class JointModePosterior(Posterior):
    """The Gaussian at the joint mode, with the inverse Hessian as covariance.

    Attributes
    ----------
    model : MixedGLM
    mode : float array, shape (d,)
        The mode on the scale that it was found on.
    standardization : Standardization or None
        How that scale differs from the columns as given.
    """

    model: MixedGLM
    mode: Floats
    standardization: Standardization | None

    def covariance(self) -> Floats:
        """Dense inverse Hessian, computed on demand."""
        covariance = joint_covariance(self.model.core(self.standardization), self.mode)
        return (
            covariance if self.standardization is None else self.standardization.covariance_back(covariance)
        )

    def fixed_effects(self, p: int) -> FixedEffects:
        """Joint posterior of the fixed effects, p of them."""
        change = self.standardization
        covariance = self.model.core(change).joint_covariance(self.mode).fe_cov
        if change is not None:
            covariance = change.covariance_back(covariance)
        return FixedEffects(np.ones(1), self.mean[None, :p], covariance)

    def draw(self, n: int, rng: np.random.Generator, k_fixed: int) -> Drawn:
        """Joint draws of all parameters.

        Raises
        ------
        ValueError
            If the fit did not end at a maximum.
        """
        core, change = self.model.core(self.standardization), self.standardization
        drawn = in_batches(n, len(self.mode), rng, lambda _, z: _core.draw_joint_mode(core, self.mode, z))
        return drawn if change is None else draws_back(change, drawn)


def draws_back(change: Standardization, drawn: Drawn) -> Drawn:
    """Draws of the parameters with standardized columns -> with columns as given."""
    return Drawn(change.params_back(drawn.params), drawn.log_q, drawn.log_q_fixed).plus(
        -change.log_determinant
    )
