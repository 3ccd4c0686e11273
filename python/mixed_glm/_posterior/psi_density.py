"""Continuous densities of the log standard deviations psi, to draw from.

A fit knows the density of psi at points only: on a lattice (`fine_lattice`) or along ridges (`ridge_density`). Where it
knows no more than moments, psi is a transformed Gaussian that has them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


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


class KnownDensity(PsiDensity, Protocol):
    """What is known beyond its moments.

    Attributes
    ----------
    sample : float array, shape (F, K)
        Points that stand for it.
    weights : float array, shape (F,)
        Their probabilities.
    margins : list of (float array, float array)
        Marginal distribution functions, each piecewise linear: its knots, and its values there.
    """

    @property
    def sample(self) -> Floats: ...
    @property
    def weights(self) -> Floats: ...
    @property
    def margins(self) -> list[tuple[Floats, Floats]]: ...


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
