"""The full-covariance Gaussian of variational Bayes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from mixed_glm import _core
from mixed_glm._posterior.draws import Drawn, in_batches
from mixed_glm._posterior.fixed_effects import FixedEffects
from mixed_glm._posterior.posterior import Posterior
from mixed_glm._posterior.standardized import draws_back
from mixed_glm._spec.design import prior_scale
from mixed_glm._spec.standardization import Standardization

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class FullVariationalPosterior(Posterior):
    """A Gaussian with full covariance of fixed and random effects, independent of the log standard deviations.

    Attributes
    ----------
    fe_cov : float array, shape (p, p)
    weight : float array, shape (n,)
        Weights w of the precision ``A' diag(w) A + P`` of fixed and random effects.
    effect_precision : float array, shape (K,)
        Prior precisions of the random effects in P.
    standardization : Standardization or None
    """

    fe_cov: Floats
    weight: Floats
    effect_precision: Floats
    standardization: Standardization | None

    @property
    def change(self) -> Standardization | None:
        """Coordinates that it was found in."""
        return self.standardization

    def covariance(self) -> Floats:
        """Dense covariance of all parameters, shape (d, d), computed on demand."""
        design, layout, change = self.spec.design, self.spec.layout, self.change
        exog = design.exog if change is None else change.apply(design.exog)
        columns = sparse.hstack([sparse.csr_array(exog), sparse.csr_array(design.exog_vc)], format="csr")
        prior = np.concatenate(
            [prior_scale(design.priors, change) ** -2.0, self.effect_precision[design.ident]]
        )
        precision = (columns.T @ (columns * self.weight[:, None])).toarray() + np.diag(prior)
        covariance = np.diag(self.sd**2)
        covariance[np.ix_(layout.coefficients, layout.coefficients)] = np.linalg.inv(precision)
        return covariance if change is None else change.covariance_back(covariance)

    def fixed_effects(self) -> FixedEffects:
        """Joint posterior of the fixed effects."""
        change = self.change
        return self._one_gaussian(self.fe_cov if change is None else change.covariance_back(self.fe_cov))

    def draw(self, n: int, rng: np.random.Generator) -> Drawn:
        """Joint draws of all parameters."""
        change = self.change
        core = self.spec.core(change)
        mean = self.mean if change is None else change.params_to(self.mean)
        psi_sd = self.sd[self.spec.layout.hyper]
        drawn = in_batches(
            n,
            len(mean),
            rng,
            lambda _, z: _core.draw_weighted(core, mean, psi_sd, self.weight, self.effect_precision, z),
        )
        return draws_back(change, drawn)
