"""The Gaussian at the joint mode."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mixed_glm import _core
from mixed_glm._posterior.curvature import joint_covariance
from mixed_glm._posterior.draws import Drawn, in_batches
from mixed_glm._posterior.fixed_effects import FixedEffects
from mixed_glm._posterior.posterior import Posterior
from mixed_glm._posterior.standardized import draws_back
from mixed_glm._spec.standardization import Standardization

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class JointModePosterior(Posterior):
    """The Gaussian at the joint mode, with the inverse Hessian as covariance.

    Attributes
    ----------
    mode : float array, shape (d,)
        The mode on the scale that it was found on.
    standardization : Standardization or None
        How that scale differs from the columns as given.
    """

    mode: Floats
    standardization: Standardization | None

    @property
    def change(self) -> Standardization | None:
        """Coordinates that it was found in."""
        return self.standardization

    def covariance(self) -> Floats:
        """Dense inverse Hessian, computed on demand."""
        covariance = joint_covariance(self.spec.core(self.change), self.mode)
        return covariance if self.change is None else self.change.covariance_back(covariance)

    def fixed_effects(self) -> FixedEffects:
        """Joint posterior of the fixed effects; covariances are NaN where the fit did not end at a maximum."""
        found, p = self.spec.core(self.change).joint_covariance(self.mode), len(self.spec.layout.fixed)
        covariance = found.fe_cov if found.valid else np.full((p, p), np.nan)
        return self._one_gaussian(
            covariance if self.change is None else self.change.fixed_covariance_back(covariance)
        )

    def draw(self, n: int, rng: np.random.Generator) -> Drawn:
        """Joint draws of all parameters.

        Raises
        ------
        ValueError
            If the fit did not end at a maximum.
        """
        core = self.spec.core(self.change)
        drawn = in_batches(n, len(self.mode), rng, lambda _, z: _core.draw_joint_mode(core, self.mode, z))
        return draws_back(self.change, drawn)
