"""The density of the log standard deviations psi after an integration along ridges.

The integration knows the shape of the density around its mode, by profiles along axes, and its moments by weighted
points. A large sample with that shape costs no evaluation; it is moved so that it has the moments that were found.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from mixed_glm import _core
from mixed_glm._posterior.psi_density import PsiDraws

Floats = npt.NDArray[np.float64]

_SAMPLE = 4096  # points that stand for the density
_NODES = 256  # of them, at which the conditional posterior of the effects is evaluated for draws


@dataclass(frozen=True, eq=False)
class RidgeShape:
    """Shape of a density of K variables around its mode.

    Attributes
    ----------
    mode : float array, shape (K,)
    axes : float array, shape (K, K)
        In the columns.
    profiles : float array, shape (m, 4 + K)
        A row for each node of a profile: number of the axis, place on it, log density and its slope there, and where the
        other coordinates are on the ridge.

    Raises
    ------
    ValueError
        If they do not belong together.
    """

    mode: Floats
    axes: Floats
    profiles: Floats

    def __post_init__(self) -> None:
        self.core()

    @classmethod
    def of(cls, shape: _core.RidgeShape | None) -> RidgeShape | None:
        """Take over what the core found."""
        return None if shape is None else cls(shape.mode, shape.axes, shape.profiles)

    def core(self) -> _core.RidgeShape:
        """The shape in the compiled core."""
        return _core.RidgeShape(self.mode, self.axes, self.profiles)


@dataclass(frozen=True, eq=False)
class RidgeDensity:
    """Density with the shape of profiles on ridges, and given moments.

    Attributes
    ----------
    shape : RidgeShape
    mean : float array, shape (K,)
    covariance : float array, shape (K, K)
    """

    shape: RidgeShape
    mean: Floats
    covariance: Floats

    @classmethod
    def of(cls, shape: RidgeShape, weights: Floats, points: Floats) -> RidgeDensity:
        """With the moments of weighted points, shapes (M,) and (M, K)."""
        mean = weights @ points
        deviations = points - mean
        return cls(shape, mean, (weights[:, None] * deviations).T @ deviations)

    def draw(self, n: int, rng: np.random.Generator) -> PsiDraws:
        """Draw `n` times; nodes are of a fixed sample, so that few of them serve many draws."""
        tiny = np.finfo(float).tiny
        raw, log_density = self.shape.core().at(np.maximum(rng.random((n, len(self.mean))), tiny))
        psi = self._moved(raw)
        nodes = self.sample[:_NODES]
        white = np.linalg.inv(np.linalg.cholesky(self.covariance)).T
        at, places = psi @ white, nodes @ white
        nearest = ((places**2).sum(axis=1) - 2.0 * at @ places.T).argmin(axis=1)
        return PsiDraws(psi, nodes[nearest], log_density - np.linalg.slogdet(self._stretch)[1])

    @cached_property
    def sample(self) -> Floats:
        """Points that fill the density evenly, shape (m, K), the first of them too."""
        return self._moved(self._raw)

    @property
    def weights(self) -> Floats:
        """Probabilities of these points, shape (m,)."""
        return np.full(_SAMPLE, 1.0 / _SAMPLE)

    @cached_property
    def margins(self) -> list[tuple[Floats, Floats]]:
        """Marginal distribution functions, each piecewise linear: its knots, and its values there."""
        probability = (np.arange(_SAMPLE) + 0.5) / _SAMPLE
        return [(column, probability) for column in np.sort(self.sample, axis=0).T]

    @cached_property
    def _raw(self) -> Floats:
        return self.shape.core().spread(_SAMPLE)[0]

    @cached_property
    def _stretch(self) -> Floats:
        """The symmetric matrix that takes the covariance of the sample to that which was found: margins keep their shape."""
        root = _root(np.atleast_2d(np.cov(self._raw.T, bias=True)))
        inverse = np.linalg.inv(root)
        return inverse @ _root(root @ self.covariance @ root) @ inverse

    def _moved(self, raw: Floats) -> Floats:
        return np.asarray(self.mean + (raw - self._raw.mean(axis=0)) @ self._stretch)


def _root(matrix: Floats) -> Floats:
    """Symmetric square root."""
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)) @ vectors.T)
