"""A density that is known at the points of a lattice, on a finer one.

Its logarithm is interpolated by cubic splines along one axis of the lattice after the other. Points that the lattice lacks,
beyond where the density matters, are extrapolated quadratically. Within a fine cell the logarithm is linear. Quantiles,
densities and draws are all of this.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from mixed_glm import _core
from mixed_glm._posterior.psi_density import PsiDraws

Floats = npt.NDArray[np.float64]

_MOST_POINTS = {1: 2_000, 2: 16_000, 3: 60_000}  # of the fine lattice, about
_MOST_POINTS_BEYOND = 250_000
# Of a cell of one standard deviation along each axis, in which effects are evaluated for draws.
_NODES = {1: 4, 2: 3}
_NODES_BEYOND = 2


@dataclass(frozen=True, eq=False)
class FineLattice:
    """Density known at M points of a lattice in K dimensions.

    Attributes
    ----------
    points : float array, shape (M, K)
    log_density : float array, shape (M,)
        Up to a constant; -inf where it is not known.
    cell : float array, shape (K, K)
        Edges of a cell of the lattice, as columns.
    curvature : float
        Minus the second derivative along each axis, per cell squared, where the lattice does not tell.
    """

    points: Floats
    log_density: Floats
    cell: Floats
    curvature: float

    @property
    def sample(self) -> Floats:
        """Points of the fine lattice, shape (F, K)."""
        return self._places(np.arange(self._surface.size))

    @cached_property
    def weights(self) -> Floats:
        """Their probabilities, shape (F,)."""
        density = np.exp(self._surface.ravel() - self._surface.max())
        return np.asarray(density / density.sum())

    @cached_property
    def margins(self) -> list[tuple[Floats, Floats]]:
        """Marginal distribution functions, each piecewise linear: its knots, and its values there."""
        begin, parts, shape, surface = self._found
        return _core.lattice_margins(begin, parts, shape, surface, self.points[0], self.cell)

    def draw(self, n: int, rng: np.random.Generator) -> PsiDraws:
        """Choose a fine cell, then a place in it along each of its axes."""
        chosen = np.searchsorted(np.cumsum(self.weights)[:-1], rng.random(n), side="right")
        index = np.unravel_index(chosen, self._surface.shape)
        slopes = np.stack([slope[index] for slope in self._slopes], axis=1)
        inside, log_shape = _in_cell(slopes, rng.random(slopes.shape))
        steps = self._steps(chosen) + inside / self._parts
        parts = max(
            1, math.ceil(_NODES.get(len(self.cell), _NODES_BEYOND) * min(1.0, math.sqrt(self.curvature)))
        )
        log_volume = np.linalg.slogdet(self.cell / self._parts)[1]
        return PsiDraws(
            self.points[0] + steps @ self.cell.T,
            self.points[0] + np.rint(steps * parts) / parts @ self.cell.T,
            np.log(self.weights[chosen]) - log_volume + log_shape.sum(axis=1),
        )

    @cached_property
    def _found(self) -> tuple[list[int], int, list[int], Floats]:
        """Where the box begins, in steps of the lattice; parts of a cell along each axis; shape of the box; the logarithms."""
        most = _MOST_POINTS.get(self.points.shape[1], _MOST_POINTS_BEYOND)
        return _core.fine_lattice(self.points, self.log_density, self.cell, self.curvature, most)

    @property
    def _parts(self) -> int:
        return self._found[1]

    @property
    def _surface(self) -> Floats:
        """Logarithms of the density in the middle of the fine cells."""
        return self._found[3].reshape(self._found[2])

    @cached_property
    def _slopes(self) -> list[Floats]:
        """Along each axis, per fine cell."""
        return [
            np.gradient(self._surface, axis=axis) if count > 1 else np.zeros_like(self._surface)
            for axis, count in enumerate(self._surface.shape)
        ]

    def _steps(self, number: npt.NDArray[np.intp]) -> Floats:
        """Middles of fine cells, in steps of the lattice from its first point, shape (m, K)."""
        index = np.stack(np.unravel_index(number, self._surface.shape), axis=1)
        return np.asarray(np.array(self._found[0]) + (index + 0.5) / self._parts)

    def _places(self, number: npt.NDArray[np.intp]) -> Floats:
        return np.asarray(self.points[0] + self._steps(number) @ self.cell.T)


def _in_cell(slope: Floats, uniform: Floats) -> tuple[Floats, Floats]:
    """Draws between -1/2 and 1/2 of densities whose logarithms have these slopes, and their log densities."""
    flat = np.abs(slope) < 1e-6
    s = np.where(flat, 1.0, np.clip(slope, -500.0, 500.0))
    place = np.where(flat, uniform, np.log1p(uniform * np.expm1(s)) / s) - 0.5
    log_density = s * place - np.log(2.0 * np.sinh(s / 2.0) / s)
    return place, np.where(flat, 0.0, log_density)
