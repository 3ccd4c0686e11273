"""Designs of families with parameters of their own: these are drawn from their priors, too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

import mixed_glm as mg
from benchmarks.calibration.designs import FE_P, MOST_COUNT, VCP_P, Design
from mixed_glm.families import Cumulative, as_family
from mixed_glm.priors import LogNormal

__all__ = ["CumulativeDesign", "ShapeDesign"]

Floats = npt.NDArray[np.float64]

SHAPE = LogNormal(-0.5, 0.5)  # sigma, alpha or dispersion
CATEGORIES = 4


@dataclass(frozen=True)
class ShapeDesign(Design):
    """A family with sigma, alpha or a dispersion that is estimated."""

    @property
    def parameters(self) -> list[str]:
        """Names of all parameters, in their order."""
        names, first = super().parameters, 2 + len(self.levels)
        return [*names[:first], "phi", *names[first:]]

    @property
    def methods(self) -> tuple[str, ...]:
        """Those that integrate the parameter out."""
        return ("fit", "laplace", "leaf", "ep")

    def draw(self, rng: np.random.Generator) -> tuple[mg.MixedGLM, Floats]:
        """A model with responses, and the parameters (beta, psi, phi, u) that they were drawn from."""
        exog, exog_vc = self._columns(rng)
        family: Any = as_family(self.family)
        while True:
            beta = FE_P * rng.standard_normal(2)
            psi = VCP_P * rng.standard_normal(len(self.levels))
            phi = SHAPE.mu + SHAPE.sigma * rng.standard_normal()
            u = np.exp(psi)[self.ident] * rng.standard_normal(len(self.ident))
            endog = family.sample(exog @ beta + exog_vc @ u, rng, shape=np.exp(phi))
            if endog.max() < MOST_COUNT:
                break
        priors = {family.shape_names[0]: SHAPE}
        model = mg.MixedGLM(endog, exog, exog_vc, self.ident, family, vcp_p=VCP_P, fe_p=FE_P, priors=priors)
        return model, np.concatenate([beta, psi, [phi], u])


@dataclass(frozen=True)
class CumulativeDesign(Design):
    """Ordered categories, without a constant.

    Draws without an observation of a category between others are left out. Since that looks at the responses alone, the posterior
    given those that are kept is what it was.
    """

    link: str = "logit"

    @property
    def description(self) -> str:
        """In words."""
        return f"{super().description}, {self.link} link"

    @property
    def parameters(self) -> list[str]:
        """Names of all parameters, in their order."""
        cuts = [f"c{j + 1}" for j in range(CATEGORIES - 1)]
        return [
            "beta1",
            *(f"psi{k + 1}" for k in range(len(self.levels))),
            *cuts,
            *(f"u{k + 1}" for k in self.ident),
        ]

    @property
    def methods(self) -> tuple[str, ...]:
        """Those that there are for the link."""
        return ("fit", "laplace", "leaf", *(("ep",) if self.link == "logit" else ()))

    def draw(self, rng: np.random.Generator) -> tuple[mg.MixedGLM, Floats]:
        """A model with responses, and the parameters (beta, psi, thresholds, u) that they were drawn from."""
        exog, exog_vc = self._columns(rng)
        family = Cumulative(self.link, CATEGORIES)
        while True:
            beta = FE_P * rng.standard_normal(1)
            psi = VCP_P * rng.standard_normal(len(self.levels))
            cuts = np.sort(FE_P * rng.standard_normal(CATEGORIES - 1))
            u = np.exp(psi)[self.ident] * rng.standard_normal(len(self.ident))
            endog = family.draw(exog[:, 1:] @ beta + exog_vc @ u, cuts, rng)
            if len(np.unique(endog)) == CATEGORIES:
                break
        model = mg.MixedGLM(
            endog, np.asfortranarray(exog[:, 1:]), exog_vc, self.ident, family, vcp_p=VCP_P, fe_p=FE_P
        )
        return model, np.concatenate([beta, psi, cuts, u])
