"""Models whose parameters and responses are drawn from the prior."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.special import expit

import mixed_glm as mg
from benchmarks.calibration.methods import FORCED, METHODS
from mixed_glm.priors import Normal, Prior

__all__ = ["Design", "UnitsDesign"]

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

    @property
    def methods(self) -> tuple[str, ...]:
        """The fits that these priors allow."""
        return tuple(method for method in METHODS if method not in FORCED)

    def draw(self, rng: np.random.Generator) -> tuple[mg.MixedGLM, Floats]:
        """A model with responses, and the parameters (beta, psi, u) that they were drawn from."""
        exog, exog_vc = self._columns(rng)
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

    def _columns(self, rng: np.random.Generator) -> tuple[Floats, sparse.csr_array]:
        exog = np.column_stack([np.ones(self.rows), rng.standard_normal(self.rows)])
        columns = [rng.permutation(np.arange(self.rows) % q) for q in self.levels]
        return exog, _indicators(columns, self.levels)

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


@dataclass(frozen=True)
class UnitsDesign(Design):
    """Default priors of the fixed effects, in units of the columns; the covariate is neither centred nor scaled.

    The default location of the intercept is that of the responses, so nothing can be drawn from it before there are some.
    Parameters are drawn with the location 0, and the fits are told so: the prior is otherwise the default one, of the
    linear predictor at the means of the columns. With `own_location` the fits take the default as it is.

    Attributes
    ----------
    sd_prior : Prior or None
        Of the standard deviations; None: the default one.
    own_location : bool
    """

    sd_prior: Prior | None = None
    own_location: bool = False

    @property
    def description(self) -> str:
        """In words."""
        sd = "default priors" if self.sd_prior is None else f"sd ~ {self.sd_prior!r}"
        return f"{super().description}, {sd}" + (" as they are" if self.own_location else "")

    @property
    def methods(self) -> tuple[str, ...]:
        """`fit` alone: it is the priors that are in question here, and some of them rule out other methods."""
        return ("fit",)

    def draw(self, rng: np.random.Generator) -> tuple[mg.MixedGLM, Floats]:
        """A model with responses, and the parameters (beta, psi, u) that they were drawn from.

        Draws with a response above `MOST_COUNT` are left out. Since that looks at the responses alone, the posterior given
        those that are kept is what it was.
        """
        exog, exog_vc = self._columns(rng)
        exog[:, 1] = 5.0 + 10.0 * exog[:, 1]

        def model(endog: Floats, priors: Any) -> mg.MixedGLM:
            return mg.MixedGLM(endog, exog, exog_vc, self.ident, self.family, priors=priors)

        named = None if self.sd_prior is None else {"sd": self.sd_prior}
        prior = model(np.zeros(self.rows), named)
        priors = prior.spec.design.priors
        priors = replace(priors, fe=(Normal(0.0, priors.fe[0].scale), *priors.fe[1:]))
        prior = model(prior.endog, priors)
        while True:
            truth = np.asarray(prior.prior_sample(1, rng))[0]
            eta = exog @ truth[:2] + exog_vc @ truth[2 + len(self.levels) :]
            endog = self._respond(rng, np.minimum(eta, np.log(10.0 * MOST_COUNT)))
            if endog.max() < MOST_COUNT:
                return model(endog, named if self.own_location else priors), truth
