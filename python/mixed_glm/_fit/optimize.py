"""The mode of the joint posterior: the core's Newton method and scipy's optimizers behind one function."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import scipy.linalg
import scipy.sparse
from numpy.typing import NDArray
from scipy.optimize import OptimizeResult, OptimizeWarning, minimize

from mixed_glm import _core
from mixed_glm._console.progress import Report, counting
from mixed_glm._input.arrays import as_generator

__all__ = ["JointMode", "find_joint_mode", "joint_covariance", "trust_region_newton"]

Vector = NDArray[np.float64]

START_VCP = 1.0  # log standard deviation at which the search begins, as in statsmodels
START_NOISE = 0.1  # standard deviation of the perturbation of the start, where rng is given

DENSE_HESSIAN = {"dogleg", "trust-exact"}
SPARSE_HESSIAN = {"trust-constr"}
HESSIAN_PRODUCT = {"newton-cg", "trust-ncg", "trust-krylov"}
NO_GRADIENT = {"nelder-mead", "powell", "cobyla", "cobyqa"}


@dataclass(frozen=True)
class JointMode:
    """A mode of the joint density of (beta, psi, u).

    Attributes
    ----------
    params : ndarray, shape (d,)
        Fixed effects, log standard deviations, random effects.
    sd : ndarray, shape (d,)
        Posterior standard deviations from the inverse of minus the Hessian; NaN where `valid` is False.
    fe_cov : ndarray, shape (p, p)
        The block of that inverse that belongs to the fixed effects.
    log_density : float
        Log joint density at the mode, fully normalized.
    gradient_norm : float
        Largest absolute entry of its gradient there.
    converged, valid : bool
        Whether the optimizer succeeded, and whether the point is a strict maximum.
    message : str
        What the optimizer said.
    n_iter : int
        Iterations of the optimizer.
    collapsed : tuple of int
        Variance components that have gone to the mode at zero.
    optim : scipy.optimize.OptimizeResult
    """

    params: Vector
    sd: Vector
    fe_cov: NDArray[np.float64]
    log_density: float
    gradient_norm: float
    converged: bool
    valid: bool
    message: str
    n_iter: int
    collapsed: tuple[int, ...]
    optim: OptimizeResult


def trust_region_newton(
    fun: Callable[..., float],
    x0: Vector,
    args: tuple[Any, ...] = (),
    *,
    core: _core.Model,
    report: Report | None = None,
    gtol: float = 1e-7,
    maxiter: int = 500,
    callback: Callable[[OptimizeResult], object] | None = None,
    jac: object = None,
    hess: object = None,
    hessp: object = None,
    bounds: object = None,
    constraints: object = (),
    **unknown: object,
) -> OptimizeResult:
    """Trust-region Newton for the joint mode, as a custom method of `scipy.optimize.minimize`.

    The core runs the whole search: `fun`, `jac` and `hess` are not called. What counts of `x0` are the log standard
    deviations: given them the coefficients have one mode.

    Parameters
    ----------
    fun, x0, args, jac, hess, hessp, bounds, constraints, callback
        As `scipy.optimize.minimize` passes them; bounds and constraints are not supported.
    core : _core.Model
    report : callable, optional
        Called with stage, number of steps and log density while the search goes on.
    gtol : float
        Largest absolute entry of the gradient at the solution.
    maxiter : int
        Largest number of trust-region steps.

    Raises
    ------
    ValueError
        If bounds or constraints are given.
    """
    if bounds is not None or constraints not in ((), None, []):
        raise ValueError("method 'newton' supports neither bounds nor constraints")
    unknown.pop("disp", None)
    if unknown:
        warnings.warn(f"Unknown solver options: {', '.join(unknown)}", OptimizeWarning, stacklevel=3)
    mode = core.joint_mode(
        np.asarray(x0, dtype=float),
        gradient_tolerance=float(gtol),
        max_iterations=int(maxiter),
        report=report,
    )
    message = "converged" if mode.converged else f"stopped at a gradient of {mode.gradient_norm:.3g}"
    result = OptimizeResult()
    result.update(
        x=mode.params,
        fun=-mode.log_density,
        success=mode.converged,
        status=0 if mode.converged else 1,
        message=message,
        nit=mode.iterations,
        nfev=mode.passes,
        njev=mode.passes,
        nhev=mode.passes,
    )
    if callback is not None:
        callback(result)
    return result


def scipy_minimize(fun: Callable[[Vector], Any], x0: Vector, **options: Any) -> OptimizeResult:
    """`scipy.optimize.minimize`, whose typed overloads leave out much of what it takes."""
    try:
        result: OptimizeResult = cast(Any, minimize)(fun, x0, **options)
    except ValueError as error:
        if not str(error).startswith("Unknown solver"):
            raise
        raise ValueError(
            f"method must be 'newton' or one of scipy.optimize.minimize, such as 'BFGS', got {options['method']!r}"
        ) from None
    return result


class _Objective:
    """Minus the joint log density for scipy's minimizers; the Hessian of the last point is kept."""

    def __init__(self, core: _core.Model) -> None:
        self.core = core
        self._point: Vector | None = None
        self._hessian: scipy.sparse.csc_array | None = None

    def value(self, x: Vector) -> float:
        return -self.core.logposterior(x)

    def gradient(self, x: Vector) -> Vector:
        return -self.core.logposterior_grad(x)

    def hessian(self, x: Vector) -> scipy.sparse.csc_array:
        if self._hessian is None or self._point is None or not np.array_equal(x, self._point):
            self._hessian, self._point = -hessian(self.core, x), x.copy()
        return self._hessian

    def dense_hessian(self, x: Vector) -> NDArray[np.float64]:
        return np.asarray(self.hessian(x).toarray())

    def hessian_product(self, x: Vector, direction: Vector) -> Vector:
        return np.asarray(self.hessian(x) @ direction)


def hessian(core: _core.Model, params: Vector) -> scipy.sparse.csc_array:
    """Hessian of the joint log density, shape (d, d), both triangles, sparse."""
    size = params.size
    return scipy.sparse.csc_array(core.logposterior_hess(params), shape=(size, size))


def start_params(core: _core.Model, start: Vector | None, rng: object) -> Vector:
    """Start of the search, shape (d,): log standard deviations of one, the coefficients at their mode given them.

    With `rng` every entry is perturbed by a normal variate with standard deviation 0.1.
    """
    params = core.conditional_mode(np.full(core.k_vcp, START_VCP)) if start is None else start
    if rng is None:
        return params
    noise = _normal(rng, params.size)
    return np.asarray(params + START_NOISE * noise)


def _normal(rng: object, size: int) -> Vector:
    if isinstance(rng, np.random.RandomState):  # as statsmodels accepts it; default_rng does not
        return rng.normal(size=size)
    return as_generator(rng).normal(size=size)


def find_joint_mode(
    core: _core.Model,
    method: str = "newton",
    minim_opts: Mapping[str, Any] | None = None,
    start: Vector | None = None,
    rng: object = None,
    report: Report | None = None,
) -> JointMode:
    """Find a mode of the joint density of (beta, psi, u) and the Gaussian there.

    Parameters
    ----------
    core : _core.Model
    method : str
        "newton" (the core's own) or a method of `scipy.optimize.minimize`.
    minim_opts : mapping, optional
        Options of the method; for "newton" `gtol` and `maxiter`.
    start : ndarray, shape (d,), optional
        "newton" uses its log standard deviations only, since the coefficients have one mode given them.
    rng : optional
        Perturbs the start where given; anything that `numpy.random.default_rng` takes, or a RandomState.
    report : callable, optional
        Called with stage, number of steps and log density while the search goes on.
    """
    objective = _Objective(core)
    optim = scipy_minimize(
        counting(report, objective.value),
        start_params(core, start, rng),
        options=dict(minim_opts or {}),
        **_method_arguments(objective, method, report),
    )
    params = np.asarray(optim.x, dtype=float)
    covariance = core.joint_covariance(params)
    unknown = np.full(params.size, np.nan)
    return JointMode(
        params=params,
        sd=covariance.sd if covariance.valid else unknown,
        fe_cov=covariance.fe_cov if covariance.valid else np.full((core.k_fep, core.k_fep), np.nan),
        log_density=-float(optim.fun),
        gradient_norm=float(np.abs(objective.gradient(params)).max(initial=0.0)),
        converged=bool(optim.success),
        valid=covariance.valid,
        message=str(optim.message),
        n_iter=int(optim.get("nit", 0)),
        collapsed=tuple(core.collapsed_components(params)),
        optim=optim,
    )


def _method_arguments(objective: _Objective, method: str, report: Report | None) -> dict[str, Any]:
    if not isinstance(method, str):
        raise TypeError(f"method: expected a string, got {type(method).__name__}")
    name = method.lower()
    if name == "newton":
        return {"method": functools.partial(trust_region_newton, core=objective.core, report=report)}
    arguments: dict[str, Any] = {"method": method}
    if name not in NO_GRADIENT:
        arguments["jac"] = objective.gradient
    if name in DENSE_HESSIAN:
        arguments["hess"] = objective.dense_hessian
    elif name in SPARSE_HESSIAN:
        arguments["hess"] = objective.hessian
    elif name in HESSIAN_PRODUCT:
        arguments["hessp"] = objective.hessian_product
    return arguments


def joint_covariance(core: _core.Model, params: Vector) -> NDArray[np.float64]:
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
