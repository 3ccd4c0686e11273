"""Standardized fixed-effects columns, and the exact way back.

With x_j -> (x_j - m_j) / s_j for every column but the constant c, whose value is v, the linear predictor is
the same for

    beta_j = b_j / s_j,    beta_c = b_c - sum_j m_j / (s_j v) b_j,

that is beta = T b with a p x p matrix T. Means, covariances and cross-covariances all follow from T.
Without a constant column there is nothing that could take up the shift, and columns are only scaled (m =
0).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mixed_glm._input.arrays import LARGEST

Floats = npt.NDArray[np.float64]

_CONSTANT = 1e-8  # a column whose sd is below this share of its size counts as constant


@dataclass(frozen=True)
class Standardization:
    """Centres and scales of the columns of X.

    Attributes
    ----------
    center : float array, shape (p,)
        Subtracted from each column; 0 for the constant, and everywhere if there is none.
    scale : float array, shape (p,)
        Each column is divided by it; 1 for constant columns.
    matrix : float array, shape (p, p)
        T: coefficients of the columns as given = T @ coefficients of the standardized columns.
    """

    center: Floats
    scale: Floats
    matrix: Floats

    @classmethod
    def of(cls, exog: Floats, weights: Floats | None = None) -> Standardization:
        """Measure the columns of `exog`, shape (n, p); `weights` count observations."""
        if weights is not None and not weights.any():  # no observation counts: standardize as if all did
            weights = None
        mean = np.average(exog, axis=0, weights=weights) if exog.size else np.zeros(exog.shape[1])
        sd = np.array([_sd(x, m, weights) for x, m in zip(exog.T, mean, strict=True)])
        size = np.array([np.abs(x).max(initial=0.0) for x in exog.T])
        constant = sd <= np.maximum(_CONSTANT * size, 1 / LARGEST)
        scale = np.where(constant, 1.0, sd)
        # in rows that do not count, too
        same = (
            np.array([np.abs(x - m).max(initial=0.0) for x, m in zip(exog.T, mean, strict=True)])
            <= 1e-6 * size
        )
        intercepts = np.flatnonzero(constant & same & (size > 1 / LARGEST))
        matrix = np.diag(1.0 / scale)
        center = np.zeros_like(mean)
        if len(intercepts):
            c = intercepts[0]
            center = np.where(constant, 0.0, mean)
            matrix[c] -= center / (scale * mean[c])
        return cls(center, scale, matrix)

    def apply(self, exog: Floats) -> Floats:
        """Standardized copy of `exog`, Fortran order."""
        scaled = np.array(exog, order="F")
        scaled -= self.center
        scaled /= self.scale
        return scaled

    @property
    def log_determinant(self) -> float:
        """log |det T|."""
        return float(np.linalg.slogdet(self.matrix)[1])

    def params_back(self, params: Floats) -> Floats:
        """Parameters (b, psi, u) of the standardized model -> (beta, psi, u); a vector, or one in each row."""
        out = params.copy()
        p = len(self.scale)
        out[..., :p] = params[..., :p] @ self.matrix.T
        return out

    def params_to(self, params: Floats) -> Floats:
        """Parameters (beta, psi, u) -> (b, psi, u) of the standardized model; a vector, or one in each row."""
        out = params.copy()
        p = len(self.scale)
        out[..., :p] = np.linalg.solve(self.matrix, params[..., :p].T).T
        return out

    def covariance_back(self, covariance: Floats) -> Floats:
        """Joint covariance of (b, psi, u), shape (d, d), -> that of (beta, psi, u)."""
        p = len(self.scale)
        out = covariance.copy()
        out[:p] = self.matrix @ out[:p]
        out[:, :p] = out[:, :p] @ self.matrix.T
        return out

    def sd_back(self, sd: Floats, fixed_covariance: Floats) -> Floats:
        """Standard deviations of (b, psi, u) -> (beta, psi, u), from the (p, p) covariance of b."""
        out = sd.copy()
        p = len(self.scale)
        out[:p] = np.sqrt(np.einsum("ij,jk,ik->i", self.matrix, fixed_covariance, self.matrix))
        return out


def _sd(column: Floats, mean: float, weights: Floats | None) -> float:
    deviation = column - mean
    deviation *= deviation
    return float(np.sqrt(np.average(deviation, weights=weights)))
