"""The mode of the joint posterior: the core's Newton method and scipy's optimizers behind one function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import scipy.linalg
import scipy.sparse
from numpy.typing import NDArray
from scipy.optimize import OptimizeResult, OptimizeWarning, minimize

from mixed_glm import _core
from mixed_glm._console.caller import warn
from mixed_glm._console.progress import Report, counting
from mixed_glm._input.arrays import as_generator

__all__ = ["JointMode", "find_joint_mode", "joint_covariance", "newton_options"]

Vector = NDArray[np.float64]

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
    status : ResponseStatus
        How the search ended.
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
    status: _core.ResponseStatus
    converged: bool
    valid: bool
    message: str
    n_iter: int
    collapsed: tuple[int, ...]
    optim: OptimizeResult


def newton_options(
    minim_opts: Mapping[str, Any] | None, what: str = "method 'newton'", tolerance: str = "tol"
) -> dict[str, Any]:
    """Settings of the core's own searches, by the names that the core has for them.

    Parameters
    ----------
    minim_opts : mapping, optional
    what : str
        Whose options they are, for the message.
    tolerance : str
        Name of the option that is the tolerance; the other one is ``maxiter``.
    """
    names = {tolerance: "tolerance", "maxiter": "max_iterations"}
    options = dict(minim_opts or {})
    unknown = ", ".join(sorted(set(options) - set(names)))
    if unknown:
        raise ValueError(f"minim_opts for {what} may have {tolerance!r} and 'maxiter', got {unknown}")
    return {names[name]: value for name, value in options.items()}


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
    """Start of the search, shape (d,): the core's own unless it is given.

    With `rng` every entry is perturbed by a normal variate with standard deviation 0.1.
    """
    params = _core.joint_start(core) if start is None else start
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
    if not isinstance(method, str):
        raise TypeError(f"method: expected a string, got {type(method).__name__}")
    if method.lower() == "newton":
        begin = None if start is None and rng is None else start_params(core, start, rng)
        fit = _core.fit_map(core, _newton_method(minim_opts), start=begin, report=report)
        if fit.status == _core.ResponseStatus.FAILED:
            raise RuntimeError("fit_map failed: the conditional mode was not found")
        optim = _as_optim(fit)
    else:
        optim = _minimize(core, method, minim_opts, start_params(core, start, rng), report)
        fit = _core.map_fit_at(core, np.asarray(optim.x, dtype=float), converged=bool(optim.success))
    p, size = core.k_fep, fit.params.size
    return JointMode(
        params=fit.params,
        sd=fit.sd if fit.valid else np.full(size, np.nan),
        fe_cov=fit.fe_cov if fit.valid else np.full((p, p), np.nan),
        log_density=fit.log_density,
        gradient_norm=fit.gradient_norm,
        status=fit.status,
        converged=fit.converged,
        valid=fit.valid,
        message=str(optim.message),
        n_iter=int(optim.get("nit", 0)),
        collapsed=tuple(fit.collapsed),
        optim=optim,
    )


def _newton_method(minim_opts: Mapping[str, Any] | None) -> _core.MapMethod:
    """As scipy's methods do, it warns of options that it does not know."""
    options = dict(minim_opts or {})
    known: dict[str, Callable[[Any], Any]] = {"gtol": float, "maxiter": int}
    unknown = set(options) - {*known, "disp"}
    if unknown:
        warn(f"Unknown solver options: {', '.join(sorted(unknown))}", OptimizeWarning)
    given = {name: convert(options[name]) for name, convert in known.items() if name in options}
    return _core.MapMethod(**newton_options(given, tolerance="gtol"))


def _as_optim(fit: _core.MapFit) -> OptimizeResult:
    """As `scipy.optimize.minimize` would tell it."""
    optim = OptimizeResult()
    optim.update(
        x=fit.params,
        fun=-fit.log_density,
        success=fit.converged,
        status=0 if fit.converged else 1,
        message="converged" if fit.converged else f"stopped at a gradient of {fit.gradient_norm:.3g}",
        nit=fit.iterations,
        nfev=fit.passes,
        njev=fit.passes,
        nhev=fit.passes,
    )
    return optim


def _minimize(
    core: _core.Model, method: str, minim_opts: Mapping[str, Any] | None, start: Vector, report: Report | None
) -> OptimizeResult:
    """By a method of `scipy.optimize.minimize`, with the derivatives that it uses."""
    objective, name = _Objective(core), method.lower()
    arguments: dict[str, Any] = {"method": method, "options": dict(minim_opts or {})}
    if name not in NO_GRADIENT:
        arguments["jac"] = objective.gradient
    if name in DENSE_HESSIAN:
        arguments["hess"] = objective.dense_hessian
    elif name in SPARSE_HESSIAN:
        arguments["hess"] = objective.hessian
    elif name in HESSIAN_PRODUCT:
        arguments["hessp"] = objective.hessian_product
    return scipy_minimize(counting(report, objective.value), start, **arguments)


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
