"""Random effects of groups that a model does not know."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from mixed_glm import _core
from mixed_glm._spec.terms import CorrelatedTerm

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.integer]


@dataclass(frozen=True)
class Hyper:
    """Draws of what random effects are distributed by.

    Attributes
    ----------
    psi, cor : float array, shape (n, K) and (n, C)
        Log standard deviations and correlations.
    """

    psi: Floats
    cor: Floats


@dataclass(frozen=True)
class Levels:
    """Effects of new groups that are correlated with each other.

    Attributes
    ----------
    components : tuple of int
        Numbers of the components, one for each coordinate.
    columns : int array, shape (L, coordinates)
        Numbers of the effects of each group; -1 where it has none.
    """

    components: tuple[int, ...]
    columns: Places

    @property
    def order(self) -> int:
        """Number of coordinates."""
        return len(self.components)

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """Coordinates of each correlation, of the lower triangle row by row."""
        return [(r, c) for r in range(self.order) for c in range(r)]

    def renumbered(self, numbers: Places) -> Levels:
        """The same with other numbers of effects, -1 for those that are gone."""
        return Levels(self.components, np.append(numbers, -1)[self.columns])


@dataclass(frozen=True)
class NewEffects:
    """Effects of new groups that m rows have, r of them.

    Attributes
    ----------
    columns : csr_array, shape (m, r)
        What multiplies them: rows of one new group share its effects.
    ident : int array, shape (r,)
        Component of each.
    correlated : tuple of Levels
        For each term of correlated effects of the model; all others are independent given their standard deviations.
    """

    columns: sparse.csr_array
    ident: Places
    correlated: tuple[Levels, ...]

    @classmethod
    def none(cls, rows: int) -> NewEffects:
        """Of rows that have none."""
        return cls(sparse.csr_array((rows, 0), dtype=np.float64), np.empty(0, dtype=np.intp), ())

    @classmethod
    def as_known(
        cls, columns: sparse.csr_array, ident: Places, terms: Sequence[CorrelatedTerm]
    ) -> NewEffects:
        """New groups in the place of those of the model, with its columns."""
        return cls(columns, ident, tuple(Levels(t.components, t.columns) for t in terms))

    @classmethod
    def by_component(
        cls, rows: int, parts: Sequence[sparse.csr_array], terms: Sequence[CorrelatedTerm]
    ) -> NewEffects:
        """From the columns of each component; those of a correlated term have one for each of the same groups, or none."""
        widths = np.array([part.shape[1] for part in parts], dtype=np.intp)
        if not widths.sum():
            return cls.none(rows)
        starts = np.cumsum(widths) - widths
        correlated = []
        for term in terms:
            group = np.arange(max(widths[list(term.components)]))[:, None]
            own = [np.where(group < widths[k], starts[k] + group, -1) for k in term.components]
            correlated.append(Levels(term.components, np.hstack(own)))
        columns = sparse.csr_array(sparse.hstack(parts, format="csr"))
        return cls(columns, np.repeat(np.arange(len(parts)), widths), tuple(correlated))

    @classmethod
    def of_each_row(cls, unknown: npt.NDArray[np.bool_], terms: Sequence[CorrelatedTerm]) -> NewEffects:
        """In every component an effect for each row that is marked, shape (m, K)."""
        rows, ident = np.nonzero(unknown)
        numbers = np.where(unknown, np.cumsum(unknown).reshape(unknown.shape) - 1, -1)
        places = (np.ones(len(rows)), (rows, np.arange(len(rows))))
        columns = sparse.csr_array(places, shape=(len(unknown), len(rows)))
        return cls(columns, ident, tuple(Levels(t.components, numbers[:, t.components]) for t in terms))

    def beside(self, other: NewEffects) -> NewEffects:
        """Those of both, of the same rows and the same model."""
        columns = sparse.csr_array(sparse.hstack([self.columns, other.columns], format="csr"))
        moved = np.arange(len(other.ident)) + len(self.ident)
        correlated = [
            Levels(own.components, np.vstack([own.columns, others.renumbered(moved).columns]))
            for own, others in zip(self.correlated, other.correlated, strict=True)
        ]
        return NewEffects(columns, np.concatenate([self.ident, other.ident]), tuple(correlated))

    def __bool__(self) -> bool:
        """Whether a row has one."""
        return bool(self.columns.nnz)

    def of_rows(self, rows: slice) -> NewEffects:
        """Those of some rows, without effects that these do not have."""
        columns = self.columns[rows]
        used, places = np.unique(columns.indices, return_inverse=True)
        kept = sparse.csr_array((columns.data, places, columns.indptr), shape=(columns.shape[0], len(used)))
        numbers = np.full(len(self.ident), -1)
        numbers[used] = np.arange(len(used))
        return NewEffects(
            kept, self.ident[used], tuple(levels.renumbered(numbers) for levels in self.correlated)
        )

    def variance(self, hyper: Hyper, weights: Floats | None = None) -> Floats:
        """Of their sum in each row at each of n draws, shape (m, n).

        With `weights`, shape (m,), its weighted mean over the rows, shape (n,).
        """
        squares = np.asarray(self.columns.power(2) @ np.eye(hyper.psi.shape[1])[self.ident])
        total = _mean(squares, weights) @ np.exp(2.0 * hyper.psi.T)
        for levels, part in self._correlations(hyper):
            for j, (r, c) in enumerate(levels.pairs):
                psi = hyper.psi[:, levels.components[r]] + hyper.psi[:, levels.components[c]]
                products = self._products(levels.columns[:, [r, c]])
                total = total + 2.0 * _mean(products, weights) @ (np.exp(psi) * part[:, j])[None]
        return np.maximum(total, 0.0)

    def draw(self, hyper: Hyper, rng: np.random.Generator) -> Floats:
        """Draw each of them once at each of n draws, shape (r, n)."""
        scale, n = np.exp(hyper.psi.T), len(hyper.psi)
        out: Floats = scale[self.ident] * rng.standard_normal((len(self.ident), n))
        for levels, part in self._correlations(hyper):
            z = _core.partial_correlations(np.ascontiguousarray(part), levels.order)
            roots = _core.correlation_roots(z, levels.order).reshape(n, levels.order, levels.order)
            independent = rng.standard_normal((len(levels.columns), levels.order, n))
            for r, component in enumerate(levels.components):
                known = levels.columns[:, r] >= 0
                drawn = np.einsum("nc,lcn->ln", roots[:, r], independent[known])
                out[levels.columns[known, r]] = scale[component] * drawn
        return out

    def _correlations(self, hyper: Hyper) -> Iterator[tuple[Levels, Floats]]:
        """Each term with draws of its correlations, of the lower triangle row by row."""
        first = 0
        for levels in self.correlated:
            last = first + len(levels.pairs)
            yield levels, hyper.cor[:, first:last]
            first = last

    def _products(self, pairs: Places) -> Floats:
        """Sums over groups of the products of what multiplies two effects of each, shape (m, 1)."""
        both = pairs[(pairs >= 0).all(axis=1)]
        by_column = sparse.csc_array(self.columns)
        product = by_column[:, both[:, 0]].multiply(by_column[:, both[:, 1]])
        return np.asarray(product.sum(axis=1)).reshape(-1, 1)


def _mean(values: Floats, weights: Floats | None) -> Floats:
    """Over rows, or of each row."""
    return values if weights is None else np.asarray(weights @ values / weights.sum())
