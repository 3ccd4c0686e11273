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
from scipy.interpolate import CubicSpline

from mixed_glm._posterior.psi_density import PsiDraws

Floats = npt.NDArray[np.float64]

_MOST_POINTS = {1: 2_000, 2: 16_000, 3: 60_000}  # of the fine lattice, about
_MOST_POINTS_BEYOND = 250_000
_KNOTS = 400  # of a marginal distribution function
_NEGLIGIBLE = 1e-10  # density over its highest
_NODES = {
    1: 4,
    2: 3,
}  # for a cell of one standard deviation along each axis, where effects are evaluated for draws
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
        kept = np.flatnonzero(self.weights > _NEGLIGIBLE * self.weights.max())
        weights = self.weights[kept]
        edges = self.cell / self._parts
        return [_margin(x, weights, edge) for x, edge in zip(self._places(kept).T, edges, strict=True)]

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
    def _known(self) -> tuple[npt.NDArray[np.intp], Floats]:
        """Where the box of the lattice begins, in steps from its first point, and the logarithms in it."""
        steps = np.rint(np.linalg.solve(self.cell, (self.points - self.points[0]).T).T).astype(np.intp)
        begin = steps.min(axis=0) - 1
        box = np.full(steps.max(axis=0) - begin + 2, np.nan)
        box[tuple((steps - begin).T)] = np.where(np.isfinite(self.log_density), self.log_density, np.nan)
        return begin, _extrapolated(box, self.curvature)

    @cached_property
    def _parts(self) -> int:
        """Of a cell along each axis."""
        k, box = len(self.cell), self._known[1]
        return max(1, int((_MOST_POINTS.get(k, _MOST_POINTS_BEYOND) / box.size) ** (1.0 / k)))

    @cached_property
    def _surface(self) -> Floats:
        """Logarithms of the density in the middle of the fine cells."""
        surface = self._known[1]
        for axis, count in enumerate(surface.shape):
            middle = (np.arange((count - 1) * self._parts) + 0.5) / self._parts
            surface = CubicSpline(np.arange(count), surface, axis=axis)(middle)
        return np.asarray(surface)

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
        return np.asarray(self._known[0] + (index + 0.5) / self._parts)

    def _places(self, number: npt.NDArray[np.intp]) -> Floats:
        return np.asarray(self.points[0] + self._steps(number) @ self.cell.T)


def _extrapolated(box: Floats, curvature: float) -> Floats:
    """Values in the place of those that are not known: of parabolas through the next three, or two, along each axis."""
    while True:
        gone = np.isnan(box)
        if not gone.any():
            return box
        total, count = np.zeros_like(box), np.zeros_like(box)
        for axis in range(box.ndim):
            for side in (slice(None), slice(None, None, -1)):
                along, into, counted = (a.swapaxes(axis, 0)[side] for a in (box, total, count))
                next_ones = [_moved(along, by) for by in (1, 2, 3)]
                bend = next_ones[0] - 2.0 * next_ones[1] + next_ones[2]
                bend = np.where(np.isnan(bend), -curvature, np.minimum(bend, 0.0))
                step = next_ones[0] - next_ones[1] + bend
                ahead = np.logical_or.accumulate(~np.isnan(along[::-1]), axis=0)[
                    ::-1
                ]  # it goes on behind a gap
                value = next_ones[0] + np.where(ahead, step, np.minimum(step, 0.0))
                told = ~np.isnan(value)
                into[told] += value[told]
                counted[told] += 1
        new = gone & (count > 0)
        if not new.any():  # no two neighbours are known
            return np.where(gone, np.nanmin(box) - curvature, box)
        box[new] = total[new] / count[new]


def _moved(values: Floats, by: int) -> Floats:
    """Along the first axis; NaN comes in."""
    out = np.full_like(values, np.nan)
    out[by:] = values[:-by]
    return out


def _in_cell(slope: Floats, uniform: Floats) -> tuple[Floats, Floats]:
    """Draws between -1/2 and 1/2 of densities whose logarithms have these slopes, and their log densities."""
    flat = np.abs(slope) < 1e-6
    s = np.where(flat, 1.0, np.clip(slope, -500.0, 500.0))
    place = np.where(flat, uniform, np.log1p(uniform * np.expm1(s)) / s) - 0.5
    log_density = s * place - np.log(2.0 * np.sinh(s / 2.0) / s)
    return place, np.where(flat, 0.0, log_density)


def _margin(values: Floats, weights: Floats, edges: Floats) -> tuple[Floats, Floats]:
    """Knots and values of the distribution function of weighted points, each spread evenly over a cell around it.

    Spread they must be: where the lattice is parallel to the axes, many points have the same value. What that adds to the
    variance is taken off by drawing all to the mean.

    Parameters
    ----------
    values, weights : float array, shape (F,)
    edges : float array, shape (K,)
        How long the edges of the cell are in this direction.
    """
    widths = np.abs(edges)
    low, high = values.min() - widths.sum(), values.max() + widths.sum()
    knots = np.linspace(low, high, _KNOTS)
    place = (values - low) * ((_KNOTS - 1) / (high - low))
    left = np.minimum(place.astype(np.intp), _KNOTS - 2)
    share = place - left
    mass = np.bincount(left, weights * (1.0 - share), _KNOTS) + np.bincount(left + 1, weights * share, _KNOTS)
    below = np.cumsum(mass) - 0.5 * mass
    for width in widths[widths > knots[1] - knots[0]]:
        below = _averaged(knots, below, width)
    total = weights.sum()
    centre = (weights * values).sum() / total  # a product would start threads
    variance = (weights * (values - centre) ** 2).sum() / total
    shrinkage = np.sqrt(variance / (variance + (widths**2).sum() / 12.0))
    return centre + shrinkage * (knots - centre), np.asarray(np.clip(below / total, 0.0, 1.0))


def _averaged(knots: Floats, below: Floats, width: float) -> Floats:
    """Means of a distribution function over intervals of a width around its knots."""
    integral = np.concatenate([[0.0], np.cumsum((below[1:] + below[:-1]) / 2.0)]) * (knots[1] - knots[0])
    x = np.concatenate([[knots[0] - width], knots, [knots[-1] + width]])
    whole = np.concatenate([[0.0], integral, [integral[-1] + below[-1] * width]])
    ends = (np.interp(knots + side * width / 2.0, x, whole) for side in (1.0, -1.0))
    return np.asarray((next(ends) - next(ends)) / width)
