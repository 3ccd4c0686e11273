"""The coordinates of the fixed effects that a fit works in, and the exact way back.

With x_j -> (x_j - m_j) / s_j for every column but the constant c, whose value is v, the linear predictor is
the same for

    beta_j = b_j / s_j,    beta_c = b_c - sum_j m_j / (s_j v) b_j,

that is beta = T b with a p x p matrix T. Means, covariances and cross-covariances all follow from T.
Without a constant column there is nothing that could take up the shift, and columns are only scaled (m =
0).

A prior with the means o is one about zero of b - o, beside an offset of X o: beta = T (b + o), b being what is fitted.

Thresholds of an ordinal response stand before the coefficients of the columns, and take up the shift as a constant would: p counts
them, and vectors of all parameters are put into the order that results have (`ParameterLayout.order`).
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from mixed_glm import _core

Floats = npt.NDArray[np.float64]

_NONE = np.empty(0)


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
        T: coefficients of the columns as given = T @ (coefficients of the standardized columns + `origin`).
    origin : float array, shape (p,), or None
        o; None for zeros.
    constant : int
        The column that takes up the shift of the others; -1 if there is none.
    in_units : bool
        Whether priors are meant for the coefficients of the columns as given; otherwise, as with ``scale_fe``, for those of
        the standardized columns.
    mixing : float array, shape (p, p), or None
        M of `ModelPriors`: X M has the columns that are centred and scaled, and T is M times the matrix above. None: X itself.
    order : int array, shape (d,), or None
        For each parameter its place in a vector of the core; None where that is the same.
    """

    center: Floats
    scale: Floats
    matrix: Floats
    origin: Floats | None = None
    constant: int = -1
    in_units: bool = False
    mixing: Floats | None = None
    order: npt.NDArray[np.intp] | None = None

    @classmethod
    def of(
        cls,
        exog: Floats,
        weights: Floats | None = None,
        mixing: Floats | None = None,
        thresholds: int = 0,
        order: npt.NDArray[np.intp] | None = None,
    ) -> Standardization:
        """Measure the columns of `exog`, or of ``exog @ mixing``; `weights` count observations, `thresholds` stand before."""
        columns = exog if mixing is None else np.asfortranarray(exog @ mixing)
        center, scale, matrix, constant = _core.standardization(
            columns, _NONE if weights is None else weights, thresholds
        )
        if mixing is not None:
            matrix = np.vstack([matrix[:thresholds], mixing @ matrix[thresholds:]])
        return cls(center, scale, matrix, constant=constant, mixing=mixing, order=order)

    @classmethod
    def identity(cls, origin: Floats, order: npt.NDArray[np.intp] | None = None) -> Standardization:
        """The columns as they stand, with another origin of their coefficients."""
        p = len(origin)
        return cls(np.zeros(p), np.ones(p), np.eye(p), origin, in_units=True, order=order)

    def apply(self, exog: Floats) -> Floats:
        """Standardized copy of `exog`, Fortran order."""
        scaled = np.array(exog, order="F") if self.mixing is None else np.asfortranarray(exog @ self.mixing)
        for column, center, scale in zip(scaled.T, *self._of_columns(scaled.shape[1]), strict=True):
            column -= center  # column by column: numpy 2 crashes where it finds no memory to broadcast
            column /= scale
        return scaled

    def _of_columns(self, p: int) -> tuple[Floats, Floats]:
        """Centres and scales without those of thresholds."""
        first = len(self.scale) - p
        return self.center[first:], self.scale[first:]

    @cached_property
    def inverse(self) -> Floats:
        """T^-1, shape (p, p)."""
        return np.asarray(np.linalg.inv(self.matrix))

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the inverse."""
        return {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}

    @property
    def log_determinant(self) -> float:
        """log |det T|."""
        return float(np.linalg.slogdet(self.matrix)[1])

    def params_back(self, params: Floats) -> Floats:
        """Parameters (b, psi, u) of the standardized model -> (beta, psi, u); a vector, or one in each row."""
        out = params.copy()
        out[..., : len(self.scale)] = self.fixed_back(params[..., : len(self.scale)])
        return out if self.order is None else out[..., self.order]

    def fixed_back(self, fixed: Floats) -> Floats:
        """b -> beta; a vector, or one in each row."""
        origin = _NONE if self.origin is None else self.origin
        return _core.coefficients_back(self.matrix, origin, np.atleast_2d(fixed)).reshape(fixed.shape)

    def fixed_to(self, fixed: Floats) -> Floats:
        """Beta -> b; a vector, or one in each row."""
        out = np.linalg.solve(self.matrix, fixed.T).T
        return np.asarray(out if self.origin is None else out - self.origin)

    def params_to(self, params: Floats) -> Floats:
        """Parameters (beta, psi, u) -> (b, psi, u) of the standardized model; a vector, or one in each row."""
        out = self._to_core(params).copy()
        out[..., : len(self.scale)] = self.fixed_to(out[..., : len(self.scale)])
        return out

    def _to_core(self, params: Floats) -> Floats:
        """Parameters in the order of the core."""
        return params if self.order is None else params[..., np.argsort(self.order)]

    def offset(self, offset: Floats | None, standardized: Floats) -> Floats | None:
        """Offset with the share of the origin, shape (n,), from the `standardized` columns."""
        if self.origin is None or not self.origin.any():
            return offset
        shift = standardized @ self.origin[len(self.origin) - standardized.shape[1] :]
        return shift if offset is None else offset + shift

    def gradient_back(self, gradient: Floats) -> Floats:
        """Gradient of a density in (b, psi, u) -> in (beta, psi, u)."""
        out = gradient.copy()
        p = len(self.scale)
        out[:p] = np.linalg.solve(self.matrix.T, gradient[:p])
        return out if self.order is None else out[self.order]

    def hessian_back(self, hessian: sparse.csc_array) -> sparse.csc_array:
        """Hessian of a density in (b, psi, u) -> in (beta, psi, u); sparse."""
        p = len(self.scale)
        rest = sparse.identity(hessian.shape[0] - p)
        way = sparse.csc_array(sparse.block_diag([self.inverse, rest], format="csc"))
        moved = sparse.csc_array(way.T @ hessian @ way)
        if self.order is not None:
            moved = moved[:, self.order][self.order]
        return sparse.csc_array(0.5 * (moved + moved.T))

    def covariance_back(self, covariance: Floats) -> Floats:
        """Joint covariance of (b, psi, u), shape (d, d), -> that of (beta, psi, u)."""
        p = len(self.scale)
        out = covariance.copy()
        out[:p] = self.matrix @ out[:p]
        out[:, :p] = out[:, :p] @ self.matrix.T
        return out if self.order is None else out[np.ix_(self.order, self.order)]

    def fixed_covariance_back(self, covariance: Floats) -> Floats:
        """Covariance of b, shape (p, p), -> that of beta."""
        return np.asarray(self.matrix @ covariance @ self.matrix.T)

    def sd_back(self, sd: Floats, fixed_covariance: Floats) -> Floats:
        """Standard deviations of (b, psi, u) -> (beta, psi, u), from the (p, p) covariance of b."""
        out = sd.copy()
        out[: len(self.scale)] = _core.coefficient_sds_back(self.matrix, fixed_covariance)
        return out if self.order is None else out[self.order]
