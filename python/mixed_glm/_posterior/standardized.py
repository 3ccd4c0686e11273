"""Posteriors that were found with standardized columns, and are told on the scale of the columns as given."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mixed_glm._posterior.draws import Drawn, independent
from mixed_glm._posterior.fixed_effects import FixedEffects
from mixed_glm._posterior.posterior import Posterior
from mixed_glm._spec.standardization import Standardization

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
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

    @property
    def change(self) -> Standardization:
        """Coordinates that it was found in."""
        return self.standardization

    def fixed_effects(self) -> FixedEffects:
        """Joint posterior of the fixed effects."""
        return self._one_gaussian(
            self.standardization.fixed_covariance_back(np.diag(self.standardized_fe_sd**2))
        )

    def draw(self, n: int, rng: np.random.Generator) -> Drawn:
        """Joint draws of all parameters."""
        change = self.standardization
        sd = np.r_[self.standardized_fe_sd, self.sd[len(self.standardized_fe_sd) :]]
        drawn = independent(change.params_to(self.mean), sd, self.spec.layout.leading.stop, n, rng)
        return draws_back(change, drawn)


def draws_back(change: Standardization | None, drawn: Drawn) -> Drawn:
    """Draws of the parameters with standardized columns -> with columns as given."""
    if change is None:
        return drawn
    return Drawn(change.params_back(drawn.params), drawn.log_q, drawn.log_q_fixed).plus(
        -change.log_determinant
    )
