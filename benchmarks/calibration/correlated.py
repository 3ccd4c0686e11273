"""Designs with an intercept and a slope of each group that are correlated: the correlation is drawn from LKJ(1)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

import mixed_glm as mg
from benchmarks.calibration.designs import FE_P, MOST_COUNT, VCP_P, Design

__all__ = ["CorrelatedDesign"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class CorrelatedDesign(Design):
    """One factor, with intercepts and slopes of the covariate."""

    @property
    def description(self) -> str:
        """In words."""
        return f"{super().description}, correlated slopes"

    @property
    def ident(self) -> npt.NDArray[np.int64]:
        """Intercept (0) or slope (1)."""
        return np.repeat(np.arange(2), self.levels[0])

    @property
    def parameters(self) -> list[str]:
        """Names of all parameters, in their order."""
        return ["beta0", "beta1", "psi1", "psi2", "rho", *(f"u{k + 1}" for k in self.ident)]

    @property
    def methods(self) -> tuple[str, ...]:
        """Those that there are for correlated effects."""
        return ("fit", "laplace", "leaf", "ep")

    def draw(self, rng: np.random.Generator) -> tuple[mg.MixedGLM, Floats]:
        """A model with responses, and the parameters (beta, psi, rho, u) that they were drawn from."""
        exog, intercepts = self._columns(rng)
        slopes = sparse.csr_array(intercepts * exog[:, 1:])
        exog_vc = sparse.csr_array(sparse.hstack([intercepts, slopes]))
        groups = self.levels[0]
        while True:
            beta = FE_P * rng.standard_normal(2)
            psi = VCP_P * rng.standard_normal(2)
            rho = rng.uniform(-1.0, 1.0)
            first, second = rng.standard_normal((2, groups))
            second = rho * first + np.sqrt(1.0 - rho**2) * second
            u = np.exp(psi)[self.ident] * np.concatenate([first, second])
            endog = self._respond(rng, np.minimum(exog @ beta + exog_vc @ u, np.log(10.0 * MOST_COUNT)))
            if endog.max() < MOST_COUNT:
                break
        model = mg.MixedGLM(
            endog, exog, exog_vc, self.ident, self.family, vcp_p=VCP_P, fe_p=FE_P,
            levels=np.tile(np.arange(groups), 2), correlated=[(0, 1)],
        )  # fmt: skip
        return model, np.concatenate([beta, psi, [rho], u])
