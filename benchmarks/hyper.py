"""Covariances of random effects and the parameter of the family, as matrices and as a vector without bounds.

The vector theta = (psi, z, log shape) is mixed_glm's: logarithms of standard deviations, component by component; arctanh of the
canonical partial correlations, row by row below the diagonal, factor by factor; the logarithm of sigma, of alpha (negative
binomial: Var = mu + alpha mu^2) or of d (gamma: Var = d mu^2).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln

from benchmarks.problem import Floats, Problem

__all__ = ["LEAST_SD", "MOST_Z", "SHAPED", "Hyper", "log_lkj"]

SHAPED = ("gaussian", "negative_binomial", "gamma")  # families with a parameter of their own
LEAST_SD = 1e-5  # stands for zero
MOST_Z = 8.0  # arctanh of a correlation that stands for one


@dataclass(frozen=True)
class Hyper:
    """What is estimated beside the fixed effects.

    Attributes
    ----------
    covariances : tuple of float array, shape (m, m)
        One for each factor, m its number of effects a level.
    shape : float or None
    """

    covariances: tuple[Floats, ...]
    shape: float | None = None

    @property
    def sd(self) -> Floats:
        """Standard deviations, component by component."""
        return np.concatenate([np.sqrt(np.diag(matrix)) for matrix in self.covariances])

    def correlations(self) -> list[Floats]:
        """Of each factor the matrix; zeros where an effect does not vary."""
        sds = [np.sqrt(np.maximum(np.diag(matrix), LEAST_SD**2)) for matrix in self.covariances]
        return [matrix / np.outer(sd, sd) for matrix, sd in zip(self.covariances, sds, strict=True)]

    def roots(self) -> list[Floats]:
        """Of each covariance a factor L, L L' = covariance; of singular ones too."""
        return [_root(matrix) for matrix in self.covariances]

    def free(self) -> Floats:
        """As a vector theta; standard deviations of zero and correlations of one as numbers near them."""
        psi = np.log(np.maximum(self.sd, LEAST_SD))
        parts = [psi, *(_partials(matrix) for matrix in self.covariances)]
        return np.concatenate([*parts, [] if self.shape is None else [np.log(self.shape)]])

    @classmethod
    def of(cls, problem: Problem, theta: Floats) -> Hyper:
        """From the vector."""
        place, covariances = len(problem.components), []
        sds = iter(np.exp(theta[:place]))
        for columns in problem.effects:
            m = len(columns)
            count = m * (m - 1) // 2
            sd = np.array([next(sds) for _ in columns])
            factor = sd[:, None] * _factor(theta[place : place + count], m)
            covariances.append(factor @ factor.T)
            place += count
        return cls(tuple(covariances), float(np.exp(theta[place])) if problem.family in SHAPED else None)


def log_lkj(problem: Problem, theta: Floats) -> tuple[float, Floats]:
    """Log density in theta of LKJ(1) for all correlations, and its gradient."""
    value, gradient = 0.0, np.zeros(len(theta))
    place = len(problem.components)
    for columns in problem.effects:
        m = len(columns)
        for r in range(1, m):
            for c in range(r):
                b = 1.0 + (m - 2 - c) / 2
                value += _log_sech_power(theta[place], b)
                gradient[place] = -2 * b * np.tanh(theta[place])
                place += 1
    return value, gradient


def _log_sech_power(z: float, b: float) -> float:
    """Log density of z, tanh(z) = 2 B - 1, B of the distribution Beta(b, b)."""
    return float(
        2 * b * (np.log(2.0) - np.logaddexp(z, -z)) + gammaln(b + 0.5) - gammaln(b) - np.log(np.pi) / 2
    )


def _root(matrix: Floats) -> Floats:
    values, vectors = np.linalg.eigh(matrix)
    return vectors * np.sqrt(np.maximum(values, 0.0))


def _partials(matrix: Floats) -> Floats:
    """Arctanh of the canonical partial correlations of a covariance."""
    m = len(matrix)
    if m == 1:
        return np.empty(0)
    rows = _root(Hyper((matrix,)).correlations()[0])
    lower = np.linalg.qr(rows.T, mode="r").T  # R = lower lower'
    lower = lower * np.where(np.diag(lower) < 0, -1.0, 1.0)
    out = []
    for r in range(1, m):
        rest = np.sum(lower[r] ** 2)
        for c in range(r):
            partial = lower[r, c] / np.sqrt(rest) if rest > 1e-14 else 0.0
            most = np.tanh(MOST_Z)
            out.append(np.arctanh(np.clip(partial, -most, most)))
            rest -= lower[r, c] ** 2
    return np.array(out)


def _factor(z: Floats, m: int) -> Floats:
    """Lower triangular C with C C' = R."""
    out, partials = np.zeros((m, m)), iter(np.tanh(z))
    out[0, 0] = 1.0
    for r in range(1, m):
        rest = 1.0
        for c in range(r):
            out[r, c] = next(partials) * np.sqrt(rest)
            rest -= out[r, c] ** 2
        out[r, r] = np.sqrt(max(rest, 0.0))
    return out
