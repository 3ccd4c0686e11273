"""The joint posterior of the fixed effects."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from mixed_glm import _core

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class FixedEffects:
    """Posterior of the fixed effects: a mixture of M distributions, normal but for their skewness.

    Attributes
    ----------
    weights : float array, shape (M,)
        They sum to one.
    means : float array, shape (M, p)
    covariances : float array, shape (M, p, p)
    third : float array, shape (p, p, p), or None
        Third cumulants of each component in its coordinates whitened by its root; None: zero.
    way : float array, shape (p, p), or None
        From the coefficients that were fitted to these. They are drawn in the coordinates of the fit, so that the same seed
        gives the same draws in any units and origins of the columns. None: they are the same.
    third_root : float array, shape (p, p), or None
        Root of the covariance whose whitened coordinates `third` is in; None: that of the heaviest component.
    """

    weights: Floats
    means: Floats
    covariances: Floats
    third: Floats | None = None
    way: Floats | None = None
    third_root: Floats | None = None

    @cached_property
    def roots(self) -> Floats:
        """Matrices R with R R' = covariance, shape (M, p, p)."""
        return _roots(self.covariances)

    def combinations(self, matrix: Floats) -> tuple[Floats, Floats]:
        """Means and standard deviations of ``matrix @ beta`` in each component, shape (M, c) each."""
        sds = np.empty((len(self.weights), len(matrix)))
        for sd, root in zip(sds, self.roots, strict=True):
            sd[:] = np.sqrt(((matrix @ root) ** 2).sum(axis=1))
        return self.means @ matrix.T, sds

    def skewness(self, matrix: Floats) -> Floats:
        """Skewness of ``matrix @ beta``, shape (c,): that of the heaviest component, as the others' hardly differs."""
        if self.third is None:
            return np.zeros(len(matrix))
        whitened = matrix @ self._turned_root()
        p = whitened.shape[1]
        squares = (whitened[:, :, None] * whitened[:, None, :]).reshape(-1, p * p)
        cubes = ((squares @ self.third.reshape(p * p, p)) * whitened).sum(axis=1)
        variance = (whitened**2).sum(axis=1)
        return np.asarray(cubes / np.where(variance > 0.0, variance, np.inf) ** 1.5)

    def _turned_root(self) -> Floats:
        """Root of the heaviest component's covariance, turned as `third` is: the symmetric one in its coordinates."""
        top = heaviest(self.weights)
        if self.third_root is None:
            return np.asarray(self.roots[top])
        inverse = np.linalg.pinv(self.third_root)
        values, vectors = np.linalg.eigh(inverse @ self.covariances[top] @ inverse.T)
        return np.asarray(self.third_root @ (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T)

    def sample(self, n: int, rng: np.random.Generator) -> Floats:
        """Draws, shape (n, p)."""
        component = rng.choice(len(self.weights), size=n, p=self.weights / self.weights.sum())
        return self.means[component] + self.deviations(component, rng)

    def deviations(self, component: npt.NDArray[np.intp], rng: np.random.Generator) -> Floats:
        """Draws, shape (n, p), from the components that are named, less their means."""
        if self.way is not None:
            return self.turned(np.asarray(np.linalg.inv(self.way))).deviations(component, rng) @ self.way.T
        draws = rng.standard_normal((len(component), self.means.shape[1]))
        if self.third is not None:
            draws, _ = _core.skew_fixed_effects(self.third.reshape(len(self.third), -1), draws)
        for m in np.unique(component):
            rows = component == m
            draws[rows] = draws[rows] @ self.roots[m].T
        return draws

    def turned(self, change: Floats) -> FixedEffects:
        """Posterior of ``change @ beta``, for a regular matrix."""
        covariances = change @ self.covariances @ change.T
        third, top = self.third, heaviest(self.weights)
        if third is not None:
            third = _turned_cubes(third, self._turned_root(), _root(covariances[top]), change)
        return FixedEffects(self.weights, self.means @ change.T, covariances, third)

    def merged(self, most: int) -> FixedEffects:
        """Like components merged, until at most so many are left; mean and covariance of all are kept.

        The set of components that differ most is split in two along the direction in which they do, again and again:
        by their means and the sizes of their covariances, measured by the covariance of all, so that units and origins of
        the columns have no part in it.
        """
        if len(self.weights) <= most or not self.means.size:
            return self
        place = self._places()
        sets = [np.arange(len(self.weights))]
        while len(sets) < most:
            spread = [self._spread(place[s], self.weights[s]) for s in sets]
            widest = int(np.argmax([size for size, _ in spread]))
            size, side = spread[widest]
            if size == 0.0:
                break
            chosen = sets.pop(widest)
            sets += [chosen[side], chosen[~side]]
        return self._of_sets(sets)

    def _places(self) -> Floats:
        """Whitened means, and roots of the traces of whitened covariances, of all components, shape (M, p + 1)."""
        total = self._of_sets([np.arange(len(self.weights))]).covariances[0]
        if not np.isfinite(total).all():
            return np.zeros((len(self.weights), 1))
        scale = np.sqrt(total.diagonal())
        scale = np.where(scale > 0.0, scale, 1.0)
        values, vectors = np.linalg.eigh(total / np.outer(scale, scale))
        known = values > len(values) * np.finfo(np.float64).eps * values.max(initial=0.0)
        white = vectors[:, known] / np.sqrt(values[known]) / scale[:, None]
        sizes = np.tensordot(self.covariances, white @ white.T, 2)
        return np.column_stack([self.means @ white, np.sqrt(np.maximum(sizes, 0.0))])

    @staticmethod
    def _spread(place: Floats, weights: Floats) -> tuple[float, npt.NDArray[np.bool_]]:
        """Sum of squares around the mean, and which are on one side of it in the direction of the largest."""
        deviations = place - weights @ place / weights.sum()
        weighted = np.sqrt(weights)[:, None] * deviations
        along = deviations @ np.linalg.svd(weighted, full_matrices=False)[2][0]
        # Neither the sign of the direction nor rounding at the mean decides: the longer tail is one side.
        if (weights * along**3).sum() < 0.0:
            along = -along
        side = along > 1e-9 * np.abs(along).max()
        return (float((weighted**2).sum()) if side.any() and not side.all() else 0.0), side

    def _of_sets(self, sets: list[npt.NDArray[np.intp]]) -> FixedEffects:
        weights = np.array([self.weights[s].sum() for s in sets])
        shares = [self.weights[s] / w for s, w in zip(sets, weights, strict=True)]
        means = np.array([share @ self.means[s] for s, share in zip(sets, shares, strict=True)])
        covariances = []
        for s, share, mean in zip(sets, shares, means, strict=True):
            off = self.means[s] - mean
            covariances.append(np.tensordot(share, self.covariances[s], 1) + (share[:, None] * off).T @ off)
        root = self._turned_root() if self.third is not None else None
        return FixedEffects(weights, means, np.array(covariances), self.third, self.way, root)


def heaviest(weights: Floats) -> int:
    """Number of the heaviest component: the first of those that differ by rounding alone, as points on ridges do."""
    return int(np.argmax(weights >= (1.0 - 1e-9) * weights.max()))


def turned_cubes(third: Floats, before: Floats, after: Floats, change: Floats) -> Floats:
    """Third cumulants of coordinates whitened by roots, shape (p, p, p), after a linear change of the fixed effects.

    Parameters
    ----------
    third : float array, shape (p, p, p)
        Of coordinates whitened by the root of the covariance `before`.
    before, after : float array, shape (p, p)
        Covariances of the fixed effects before and after the change.
    change : float array, shape (p, p)
        From the one to the other.
    """
    root, turned = _roots(np.array([before, after]))
    return _turned_cubes(third, root, turned, change)


def _turned_cubes(third: Floats, before: Floats, after: Floats, change: Floats) -> Floats:
    """The same, from the roots of the two covariances."""
    turn = np.linalg.solve(after, change @ before)
    p = len(third)
    once = turn @ third.reshape(p, p * p)  # one index after the other
    twice = turn @ once.reshape(p, p, p).transpose(1, 0, 2).reshape(p, p * p)
    thrice = turn @ twice.reshape(p, p, p).transpose(2, 0, 1).reshape(p, p * p)
    return np.asarray(thrice.reshape(p, p, p).transpose(2, 1, 0))


def point_covariances(weights: Floats, means: Floats, sds: Floats, total: Floats) -> Floats:
    """Covariances given each of M points, shape (M, p, p), where only that of their mixture is known.

    The correlations are those of the covariance within the points, on average over them; the standard deviations are
    each point's own.

    Parameters
    ----------
    weights : float array, shape (M,)
    means, sds : float array, shape (M, p)
    total : float array, shape (p, p)
        Covariance of the mixture.
    """
    deviations = means - weights @ means
    within = total - (weights[:, None] * deviations).T @ deviations
    scale = (weights[:, None] * sds).T @ sds
    correlation = np.divide(within, scale, out=np.zeros_like(within), where=scale > 0.0)
    np.fill_diagonal(correlation, 1.0)
    return np.asarray(sds[:, :, None] * np.clip(correlation, -1.0, 1.0) * sds[:, None, :])


def _roots(covariances: Floats) -> Floats:
    """`_root` of each of M covariances, shape (M, p, p): together, where all are known and regular."""
    if np.isfinite(covariances).all():
        scale = np.sqrt(np.diagonal(covariances, axis1=1, axis2=2))
        if (scale > 0.0).all():
            try:
                correlations = covariances / (scale[:, :, None] * scale[:, None, :])
                return np.asarray(scale[:, :, None] * np.linalg.cholesky(correlations))
            except np.linalg.LinAlgError:
                pass
    return np.array([_root(c) for c in covariances]).reshape(covariances.shape)


def _root(covariance: Floats) -> Floats:
    """A matrix R with R R' = covariance, also where rounding has left it singular; NaN where it is not known."""
    if not np.isfinite(covariance).all():
        return np.full_like(covariance, np.nan)
    scale = np.sqrt(covariance.diagonal())
    safe = np.where(scale > 0.0, scale, 1.0)
    correlation = covariance / np.outer(safe, safe)
    try:
        return np.asarray(scale[:, None] * np.linalg.cholesky(correlation))
    except np.linalg.LinAlgError:
        values, vectors = np.linalg.eigh(correlation)
        root = vectors * np.sqrt(np.maximum(values, 0.0))
        size = np.sqrt((root**2).sum(axis=1, keepdims=True))  # as clipping has changed it
        return np.asarray(scale[:, None] * np.divide(root, size, out=np.zeros_like(root), where=size > 0.0))
