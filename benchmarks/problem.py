"""What a benchmark problem is made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

__all__ = ["Floats", "Ints", "Problem"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

FLAT = 100.0  # prior standard deviation, so wide that the prior changes no digit that is compared


@dataclass(frozen=True)
class Problem:
    """A model with n rows, p fixed effects, and random intercepts and slopes of K factors.

    Attributes
    ----------
    name, description : str
    family : str
        ``"binomial"`` (binary responses), ``"poisson"`` and ``"gaussian"``, with the canonical link; ``"negative_binomial"`` and
        ``"gamma"``, with the logarithm; ``"cumulative"``: categories 0, 1, ..., with the logit link.
    method : str
        ``"laplace"``: standard deviations from the Laplace approximation of the marginal likelihood;
        ``"map"``: mode of the joint density of all parameters.
    endog : float array, shape (n,)
    exog : float array, shape (n, p), Fortran order
        The first column is constant. An ordinal response has thresholds in the place of its coefficient.
    groups : tuple of int array, shape (n,)
        Level of each row, 0..levels-1, for each of the K factors.
    levels : tuple of int
    fe_p, vcp_p : float
        Prior standard deviations of fixed effects and log standard deviations, for the Bayesian packages.
    coordinates : tuple of tuple of int
        Of each factor the columns of `exog` whose coefficients differ between its levels; they are correlated. Empty: the
        constant column for all, random intercepts.
    """

    name: str
    description: str
    family: str
    endog: Floats
    exog: Floats
    groups: tuple[Ints, ...]
    levels: tuple[int, ...]
    method: str = "laplace"
    fe_p: float = FLAT
    vcp_p: float = FLAT
    coordinates: tuple[tuple[int, ...], ...] = ()

    @property
    def nobs(self) -> int:
        return len(self.endog)

    @property
    def effects(self) -> tuple[tuple[int, ...], ...]:
        """`coordinates`, written out where they are intercepts."""
        return self.coordinates or ((0,),) * len(self.levels)

    @property
    def components(self) -> list[tuple[int, int]]:
        """Factor and column of `exog` of each component of variance: factor by factor."""
        return [(k, column) for k, columns in enumerate(self.effects) for column in columns]

    @property
    def ident(self) -> Ints:
        """Component of each random effect, shape (q,)."""
        sizes = [self.levels[k] for k, _ in self.components]
        return np.repeat(np.arange(len(sizes)), sizes)

    @property
    def labels(self) -> Ints:
        """Level of each random effect, shape (q,)."""
        return np.concatenate([np.arange(self.levels[k]) for k, _ in self.components])

    @property
    def correlated(self) -> list[tuple[str, ...]]:
        """Names of the components of each factor that has several; they are called as their numbers."""
        names = iter(self.names)
        terms = [tuple(next(names) for _ in columns) for columns in self.effects]
        return [term for term in terms if len(term) > 1]

    @property
    def has_slopes(self) -> bool:
        """Whether there are other random effects than intercepts."""
        return any(columns != (0,) for columns in self.effects)

    @property
    def names(self) -> list[str]:
        """A name for each component."""
        return [f"{k}:{column}" for k, column in self.components]

    def exog_vc(self) -> sparse.csr_array:
        """Columns of all components, shape (n, q), made anew from the codes."""
        components = self.components
        sizes = [self.levels[k] for k, _ in components]
        shifts = np.concatenate([[0], np.cumsum(sizes)])
        columns = np.stack(
            [self.groups[k] + shift for (k, _), shift in zip(components, shifts, strict=False)], axis=1
        )
        values = np.ones(columns.shape)
        for place, (_, column) in enumerate(components):
            if column > 0:
                values[:, place] = self.exog[:, column]
        starts = np.arange(0, columns.size + 1, len(components))
        return sparse.csr_array((values.ravel(), columns.ravel(), starts), shape=(self.nobs, int(shifts[-1])))
