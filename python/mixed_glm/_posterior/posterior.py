"""What a fit says about the parameters: means, standard deviations, quantiles, covariance, draws.

`MixedGLMResults` asks only for what `Posterior` promises, so a fit that is a mixture over a grid, or skew,
brings a subclass of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

from mixed_glm._input.arrays import as_count, as_generator
from mixed_glm._input.intervals import as_alpha
from mixed_glm._posterior.draws import Drawn, PosteriorDraws, independent
from mixed_glm._posterior.fixed_effects import FixedEffects, heaviest
from mixed_glm._posterior.sd_density import expansion_density
from mixed_glm._posterior.some_draws import EVERY, Effects, Places, SomeDraws, cut_from_all
from mixed_glm._spec.spec import ModelSpec
from mixed_glm._spec.standardization import Standardization

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Posterior:
    """A Gaussian posterior of d independent parameters.

    Attributes
    ----------
    mean, sd : float array, shape (d,)
        In the order of `ParameterLayout`.
    spec : ModelSpec
        The model whose posterior it is.
    """

    mean: Floats
    sd: Floats
    spec: ModelSpec

    @property
    def change(self) -> Standardization | None:
        """Coordinates that it was found in, None for the columns as given."""
        return self.spec.coordinates

    def quantile(self, level: float, effects: Effects = EVERY) -> Floats:
        """Marginal quantiles of all parameters, shape (d,); of random effects only those with these numbers."""
        mean, sd = self._moments_with(effects)
        return np.asarray(mean + sd * ndtri(level))

    def interval(self, alpha: float, effects: Effects = EVERY) -> tuple[Floats, Floats]:
        """Ends of the central intervals of all parameters that have probability ``1 - alpha``, shape (d,) each.

        Of random effects only those with the numbers `effects`, all by default.

        Raises
        ------
        ValueError
            If `alpha` is not a probability.
        """
        tail = as_alpha(alpha) / 2
        return self.quantile(tail, effects), self.quantile(1 - tail, effects)

    def cdf(self, values: Floats, effects: Effects = EVERY) -> Floats:
        """Marginal probabilities that each parameter is below `values`, shape (d,); of random effects only of these."""
        mean, sd = self._moments_with(effects)
        return np.asarray(ndtr((values - mean) / sd))

    def with_effects(self, values: Floats, effects: Effects) -> Floats:
        """Of what all parameters have, shape (d,), what all but the random effects have, and these random effects."""
        layout = self.spec.layout
        return np.concatenate([values[layout.leading], values[layout.vc][effects]])

    def _moments_with(self, effects: Effects) -> tuple[Floats, Floats]:
        return self.with_effects(self.mean, effects), self.with_effects(self.sd, effects)

    def covariance(self) -> Floats:
        """Dense covariance, shape (d, d); the variances alone, shape (d,), of independent parameters."""
        return np.asarray(self.sd**2)

    def fixed_effects(self) -> FixedEffects:
        """Joint posterior of the fixed effects, and of thresholds before them."""
        return self._one_gaussian(np.diag(self.sd[self.spec.layout.fixed] ** 2))

    def fixed_at_mode(self) -> tuple[Floats, Floats]:
        """Mean and covariance of the likeliest component of `fixed_effects`, shapes (p,) and (p, p)."""
        fixed = self.fixed_effects()
        at = heaviest(fixed.weights)
        return fixed.means[at], fixed.covariances[at]

    def draw(self, n: int, rng: np.random.Generator) -> Drawn:
        """Joint draws of all parameters."""
        return independent(self.mean, self.sd, self.spec.layout.leading.stop, n, rng)

    def sample(self, n: int, rng: Any) -> PosteriorDraws:
        """Joint draws with their log densities; `rng` as `numpy.random.default_rng` takes it."""
        drawn = self.draw(as_count(n, "n"), as_generator(rng))
        return PosteriorDraws(
            drawn.params, self.spec, log_q=drawn.log_q, log_q_fixed=drawn.log_q_fixed, change=self.change
        )

    def draw_some(self, effects: Places, n: int, rng: np.random.Generator) -> SomeDraws:
        """Joint draws of fixed effects, log standard deviations and the random effects of these numbers, increasing."""
        return cut_from_all(self.spec.layout, effects, n, lambda m: self.draw(m, rng).params)

    def psi_density(self, component: int) -> tuple[Floats, Floats]:
        """Density of the log standard deviation psi of a component.

        Returns
        -------
        psi, density : float arrays, shape (m,)
            Increasing values of psi, and its density there, normalized.
        """
        place = self.spec.layout.vcp.start + component
        return expansion_density(self.mean[place], self.sd[place], 0.0)

    def cor_density(self, number: int) -> tuple[Floats, Floats]:
        """Density of a correlation.

        Returns
        -------
        rho, density : float arrays, shape (m,)
            Increasing values between -1 and 1, and the density there, normalized.
        """
        place = self.spec.layout.cor.start + number
        return expansion_density(self.mean[place], self.sd[place], 0.0)

    def _one_gaussian(self, covariance: Floats) -> FixedEffects:
        return FixedEffects(np.ones(1), self.mean[None, self.spec.layout.fixed], covariance[None])
