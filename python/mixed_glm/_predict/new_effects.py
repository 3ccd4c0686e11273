"""Random effects of groups that a model does not know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class NewEffects:
    """Effects of new groups that m rows have, r of them; given the log standard deviations they are independent.

    Attributes
    ----------
    columns : csr_array, shape (m, r)
        What multiplies them: rows of one new group share its effects.
    ident : int array, shape (r,)
        Component of each.
    """

    columns: sparse.csr_array
    ident: npt.NDArray[np.integer]

    @classmethod
    def none(cls, rows: int) -> NewEffects:
        """Of rows that have none."""
        return cls(sparse.csr_array((rows, 0), dtype=np.float64), np.empty(0, dtype=np.intp))

    @classmethod
    def by_component(cls, rows: int, parts: Sequence[sparse.csr_array]) -> NewEffects:
        """From the columns of each component."""
        ident = np.repeat(np.arange(len(parts)), [part.shape[1] for part in parts])
        if not len(ident):
            return cls.none(rows)
        return cls(sparse.csr_array(sparse.hstack(parts, format="csr")), ident)

    @classmethod
    def of_each_row(cls, unknown: npt.NDArray[np.bool_]) -> NewEffects:
        """In every component an effect for each row that is marked, shape (m, K)."""
        rows, ident = np.nonzero(unknown)
        places = (np.ones(len(rows)), (rows, np.arange(len(rows))))
        return cls(sparse.csr_array(places, shape=(len(unknown), len(rows))), ident)

    def beside(self, other: NewEffects) -> NewEffects:
        """Those of both, of the same rows."""
        columns = sparse.csr_array(sparse.hstack([self.columns, other.columns], format="csr"))
        return NewEffects(columns, np.concatenate([self.ident, other.ident]))

    def __bool__(self) -> bool:
        """Whether a row has one."""
        return bool(self.columns.nnz)

    def of_rows(self, rows: slice) -> NewEffects:
        """Those of some rows, without effects that these do not have."""
        columns = self.columns[rows]
        used, places = np.unique(columns.indices, return_inverse=True)
        kept = (columns.data, places, columns.indptr)
        return NewEffects(sparse.csr_array(kept, shape=(columns.shape[0], len(used))), self.ident[used])

    def variance(self, psi: Floats, weights: Floats | None = None) -> Floats:
        """Of their sum in each row at draws of the log standard deviations, shape (n, K): shape (m, n).

        With `weights`, shape (m,), its weighted mean over the rows, shape (n,).
        """
        squares = np.asarray(self.columns.power(2) @ np.eye(psi.shape[1])[self.ident])
        return np.asarray(
            (squares if weights is None else weights @ squares / weights.sum()) @ np.exp(2.0 * psi.T)
        )

    def draw(self, psi: Floats, rng: np.random.Generator) -> Floats:
        """Draw each of them once at every draw of the log standard deviations, shape (n, K): shape (r, n)."""
        return np.asarray(np.exp(psi.T)[self.ident] * rng.standard_normal((len(self.ident), len(psi))))
