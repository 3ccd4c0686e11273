"""The curvature of the joint log density, and the covariance of the Gaussian with that curvature."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import scipy.linalg
import scipy.sparse

from mixed_glm import _core

Floats = npt.NDArray[np.float64]


def hessian(core: _core.Model, params: Floats) -> scipy.sparse.csc_array:
    """Hessian of the joint log density, shape (d, d), both triangles, sparse."""
    size = params.size
    return scipy.sparse.csc_array(core.logposterior_hess(params), shape=(size, size))


def joint_covariance(core: _core.Model, params: Floats) -> Floats:
    """Inverse of minus the Hessian of the joint log density, dense, shape (d, d).

    Raises
    ------
    ValueError
        If `params` is not a strict maximum.
    """
    precision = -hessian(core, params).toarray()
    scale = np.sqrt(np.abs(precision.diagonal()))  # a collapsed component has precisions of 1e260
    scale[scale == 0.0] = 1.0
    try:
        factor = scipy.linalg.cho_factor(precision / np.outer(scale, scale), lower=True)
    except np.linalg.LinAlgError:
        raise ValueError("params: minus the Hessian is not positive definite there; not a maximum") from None
    inverse = scipy.linalg.cho_solve(factor, np.eye(params.size))
    return np.asarray(inverse / np.outer(scale, scale))
