"""Models whose parameters and responses are drawn from the prior."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.special import expit

import mixed_glm as mg

__all__ = ["DESIGNS", "Design"]

Floats = npt.NDArray[np.float64]

FE_P, VCP_P = (
    1.0,
    0.5,
)  # so narrow that the data of most draws say something, and counts stay below a few thousand
MOST_COUNT = 1e6


@dataclass(frozen=True)
class Design:
    """An intercept, a standard normal covariate, and factors, each crossed with the others at random.

    Attributes
    ----------
    name, family : str
    rows : int
    levels : tuple of int
        Of each factor; every level has the same number of rows, up to rounding.
    """

    name: str
    family: str
    rows: int
    levels: tuple[int, ...]

    @property
    def description(self) -> str:
        """In words."""
        factors = " x ".join(map(str, self.levels))
        return f"{self.family}, {self.rows} rows, {factors} groups"

    @property
    def ident(self) -> npt.NDArray[np.int64]:
        """Factor of each random effect."""
        return np.repeat(np.arange(len(self.levels)), self.levels)

    @property
    def parameters(self) -> list[str]:
        """Names of all parameters, in their order."""
        effects = [f"u{k + 1}" for k in self.ident]
        return ["beta0", "beta1", *(f"psi{k + 1}" for k in range(len(self.levels))), *effects]

    @property
    def first_of_each(self) -> dict[str, int]:
        """Parameters that are looked at one by one: of exchangeable effects, the first."""
        return {name: self.parameters.index(name) for name in dict.fromkeys(self.parameters)}

    def draw(self, rng: np.random.Generator) -> tuple[mg.MixedGLM, Floats]:
        """A model with responses, and the parameters (beta, psi, u) that they were drawn from."""
        exog = np.column_stack([np.ones(self.rows), rng.standard_normal(self.rows)])
        columns = [rng.permutation(np.arange(self.rows) % q) for q in self.levels]
        exog_vc = _indicators(columns, self.levels)
        while True:
            beta = FE_P * rng.standard_normal(2)
            psi = VCP_P * rng.standard_normal(len(self.levels))
            u = np.exp(psi)[self.ident] * rng.standard_normal(len(self.ident))
            endog = self._respond(rng, exog @ beta + exog_vc @ u)
            if endog.max() < MOST_COUNT:  # never in practice
                break
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", mg.RankDeficiencyWarning)
            model = mg.MixedGLM(endog, exog, exog_vc, self.ident, self.family, vcp_p=VCP_P, fe_p=FE_P)
        return model, np.concatenate([beta, psi, u])

    def _respond(self, rng: np.random.Generator, eta: Floats) -> Floats:
        if self.family == "poisson":
            return rng.poisson(np.exp(eta)).astype(float)
        return (rng.random(self.rows) < expit(eta)).astype(float)


def _indicators(columns: list[npt.NDArray[np.int64]], levels: tuple[int, ...]) -> sparse.csr_array:
    blocks = [
        sparse.csr_array((np.ones(len(c)), (np.arange(len(c)), c)), shape=(len(c), q))
        for c, q in zip(columns, levels, strict=True)
    ]
    return sparse.csr_array(sparse.hstack(blocks))


DESIGNS = {
    design.name: design
    for design in (
        Design("binomial", "binomial", 200, (20,)),
        Design("binomial-thin", "binomial", 180, (60,)),
        Design("binomial-crossed", "binomial", 200, (20, 10)),
        Design("poisson", "poisson", 100, (20,)),
        Design("poisson-crossed", "poisson", 100, (20, 10)),
    )
}
