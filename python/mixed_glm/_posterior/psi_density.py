"""Continuous densities of the log standard deviations psi, to draw from.

A fit knows the density of psi at points only. Where they are a lattice, its logarithm is taken in each cell as a
quadratic function along each of the lattice's axes, through the values at the neighbouring points. Where they are
not, psi is a transformed Gaussian with the moments that the fit reports.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_BINS = 24  # of a cell along each axis; within one the density is constant
_PARTS = {1: 4, 2: 3}  # of a cell along each axis, for each of which the conditional posterior is evaluated
_PARTS_BEYOND = 2


@dataclass(frozen=True)
class PsiDraws:
    """Draws of psi.

    Attributes
    ----------
    psi : float array, shape (m, K)
    nodes : float array, shape (m, K)
        Near each draw, the point at which to evaluate the conditional posterior of the effects.
    log_density : float array, shape (m,)
        Normalized.
    """

    psi: Floats
    nodes: Floats
    log_density: Floats


class PsiDensity(Protocol):
    """What can be drawn from."""

    def draw(self, n: int, rng: np.random.Generator) -> PsiDraws:
        """Draw `n` times."""


@dataclass(frozen=True)
class LatticeDensity:
    """Density known at the points of a lattice.

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

    def draw(self, n: int, rng: np.random.Generator) -> PsiDraws:
        """Choose a cell, then a place in it along each of its axes."""
        k = self.points.shape[1]
        steps = np.rint(np.linalg.solve(self.cell, (self.points - self.points[0]).T).T).astype(np.intp)
        places = (np.arange(_BINS) + 0.5) / _BINS - 0.5
        slope, curvature = self._expand(steps)
        density = np.exp(slope[..., None] * places - 0.5 * curvature[..., None] * places**2)
        mass = np.exp(self.log_density - self.log_density.max()) * density.mean(axis=2).prod(axis=1)
        mass /= mass.sum()
        cells = np.searchsorted(np.cumsum(mass)[:-1], rng.random(n), side="right")
        offset = np.empty((n, k))
        log_density = np.log(mass[cells]) - np.linalg.slogdet(self.cell)[1]
        for axis in range(k):
            share = density[cells, axis] / density[cells, axis].sum(axis=1, keepdims=True)
            bins = _choose(share, rng.random(n))
            offset[:, axis] = places[bins] + (rng.random(n) - 0.5) / _BINS
            log_density += np.log(share[np.arange(n), bins] * _BINS)
        # Cells of less than a standard deviation need fewer.
        parts = max(1, math.ceil(_PARTS.get(k, _PARTS_BEYOND) * min(1.0, math.sqrt(self.curvature))))
        nodes = np.rint((steps[cells] + offset) * parts) / parts
        return PsiDraws(
            self.points[cells] + offset @ self.cell.T, self.points[0] + nodes @ self.cell.T, log_density
        )

    def _expand(self, steps: npt.NDArray[np.intp]) -> tuple[Floats, Floats]:
        """Slope and minus the curvature at each point along each axis, per cell, shape (M, K) each."""
        place = {tuple(step): i for i, step in enumerate(steps.tolist())}
        up, down = (
            np.array(
                [[self._at(place, step, axis, side) for axis in range(steps.shape[1])] for step in steps]
            )
            for side in (1, -1)
        )
        here = np.where(np.isfinite(self.log_density), self.log_density, 0.0)[:, None]
        above, below = np.isfinite(up), np.isfinite(down)
        both = above & below
        curvature = np.where(both, 2.0 * here - up - down, self.curvature)
        slope = np.where(
            both,
            0.5 * (up - down),
            np.where(
                above,
                up - here + 0.5 * self.curvature,
                np.where(below, here - down - 0.5 * self.curvature, 0.0),
            ),
        )
        return slope, curvature

    def _at(self, place: dict[tuple[int, ...], int], step: Floats, axis: int, side: int) -> float:
        neighbour = [int(s) for s in step]
        neighbour[axis] += side
        found = place.get(tuple(neighbour))
        return np.nan if found is None else float(self.log_density[found])


@dataclass(frozen=True)
class MomentDensity:
    """Correlated shifted log-normal distributions, or normal ones where there is no skewness.

    Attributes
    ----------
    mean, sd, skewness : float array, shape (K,)
    correlation : float array, shape (K, K)
        Of the Gaussians before their transformation.
    node : float array, shape (K,), or None
        Where to evaluate the conditional posterior; None: at each draw itself.
    """

    mean: Floats
    sd: Floats
    skewness: Floats
    correlation: Floats
    node: Floats | None

    def draw(self, n: int, rng: np.random.Generator) -> PsiDraws:
        """Draw the Gaussians and transform them."""
        k = len(self.mean)
        factor = np.linalg.cholesky(self.correlation) if k else np.empty((0, 0))
        normals = rng.standard_normal((n, k))
        value, log_slope = _skew(normals @ factor.T, self.skewness)
        psi = self.mean + self.sd * value
        log_density = -0.5 * (normals**2).sum(axis=1) - 0.5 * k * np.log(2.0 * np.pi)
        log_density -= np.log(factor.diagonal()).sum() + np.log(self.sd).sum() + log_slope.sum(axis=1)
        nodes = psi if self.node is None else np.broadcast_to(self.node, psi.shape).copy()
        return PsiDraws(psi, nodes, log_density)


def _skew(z: Floats, skewness: Floats) -> tuple[Floats, Floats]:
    """Standardized log-normal variates of a given skewness from normal ones, and the log of their derivative.

    With w = exp(s^2) the skewness of exp(s z) is (w + 2) sqrt(w - 1), a cubic equation in sqrt(w - 1).
    """
    root = 2.0 * np.sinh(np.arcsinh(np.abs(skewness) / 2.0) / 3.0)
    s = np.sqrt(np.log1p(root**2))
    plain = s < 1e-6
    s, root = np.where(plain, 1.0, s), np.where(plain, 1.0, root)
    exponent = np.sign(skewness) * s * z - s**2 / 2.0
    value = np.sign(skewness) * np.expm1(exponent) / root
    log_slope = exponent + np.log(s / root)
    return np.where(plain, z, value), np.where(plain, 0.0, log_slope)


def _choose(probability: Floats, uniform: Floats) -> npt.NDArray[np.intp]:
    """For each row of probabilities the entry that a uniform number falls on."""
    below = np.cumsum(probability[:, :-1], axis=1) <= uniform[:, None]
    return np.asarray(below.sum(axis=1))
