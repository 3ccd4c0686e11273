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
    """A model with n rows, p fixed effects and random intercepts of K factors.

    Attributes
    ----------
    name, description : str
    family : str
        ``"binomial"`` (binary responses) or ``"poisson"``, with the canonical link.
    method : str
        ``"laplace"``: standard deviations from the Laplace approximation of the marginal likelihood;
        ``"map"``: mode of the joint density of all parameters.
    endog : float array, shape (n,)
    exog : float array, shape (n, p), Fortran order
        The first column is constant.
    groups : tuple of int array, shape (n,)
        Level of each row, 0..levels-1, for each of the K factors.
    levels : tuple of int
    fe_p, vcp_p : float
        Prior standard deviations of fixed effects and log standard deviations, for the Bayesian packages.
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

    @property
    def nobs(self) -> int:
        return len(self.endog)

    @property
    def ident(self) -> Ints:
        """Factor of each random effect, shape (q,)."""
        return np.repeat(np.arange(len(self.levels)), self.levels)

    def exog_vc(self) -> sparse.csr_array:
        """Indicator columns of all factors, shape (n, q), made anew from the codes."""
        shifts = np.concatenate([[0], np.cumsum(self.levels)])
        columns = np.stack([codes + shift for codes, shift in zip(self.groups, shifts, strict=False)], axis=1)
        starts = np.arange(0, columns.size + 1, len(self.levels))
        return sparse.csr_array(
            (np.ones(columns.size), columns.ravel(), starts), shape=(self.nobs, int(shifts[-1]))
        )
