"""A data set with its model and priors, on disk as NAME.npz."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]


@dataclass
class Term:
    """One variance component: an effect for each level, times a covariate.

    Attributes
    ----------
    codes : int array, shape (n,)
        Level of each row, 0, 1, ...
    covariate : float array, shape (n,), optional
        Default ones.
    """

    codes: Codes
    covariate: Floats | None = None

    @property
    def levels(self) -> int:
        return int(self.codes.max()) + 1

    @property
    def values(self) -> Floats:
        return np.ones(len(self.codes)) if self.covariate is None else self.covariate


@dataclass
class Problem:
    """Responses, design, family and the standard deviations of the priors."""

    y: Floats
    X: Floats
    terms: list[Term]
    family: str = "binomial"  # or "poisson"
    link: str = "logit"  # or "probit", "cloglog"; not used for Poisson
    n_trials: Floats | None = None
    offset: Floats | None = None
    vcp_p: float = 1.0
    fe_p: float = 2.0
    trials: Floats = field(init=False)
    shift: Floats = field(init=False)

    def __post_init__(self) -> None:
        self.trials = np.ones(len(self.y)) if self.n_trials is None else np.asarray(self.n_trials, float)
        self.shift = np.zeros(len(self.y)) if self.offset is None else np.asarray(self.offset, float)

    def ident(self) -> Codes:
        """Component of each random effect, shape (q,)."""
        return np.repeat(np.arange(len(self.terms)), [t.levels for t in self.terms])

    def Z(self) -> sp.csr_array:
        """Random-effects columns, terms one after the other."""
        starts = np.cumsum([0] + [t.levels for t in self.terms])
        n = len(self.y)
        columns = np.column_stack([t.codes + s for t, s in zip(self.terms, starts[:-1], strict=True)])
        values = np.column_stack([t.values for t in self.terms])
        k = len(self.terms)
        return sp.csr_array(
            (values.ravel(), columns.ravel(), np.arange(0, k * n + 1, k)), shape=(n, starts[-1])
        )

    def save(self, path: Path) -> None:
        z = self.Z()
        np.savez(
            path, y=self.y, X=self.X, Z_data=z.data, Z_indices=z.indices, Z_indptr=z.indptr, Z_shape=z.shape,
            ident=self.ident(), offset=self.shift, n_trials=self.trials, family=self.family, link=self.link,
        )  # fmt: skip
