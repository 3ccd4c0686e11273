"""The search for the joint mode: the core's Newton method and scipy's optimizers behind one function."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import scipy.sparse

from mixed_glm import _core
from mixed_glm._console.progress import Report, counting
from mixed_glm._fit.optimize import (
    DENSE_HESSIAN,
    HESSIAN_PRODUCT,
    NO_GRADIENT,
    SPARSE_HESSIAN,
    is_newton,
    normal_noise,
    scipy_minimize,
)
from mixed_glm._posterior.curvature import hessian
from mixed_glm._spec.approximation import newton_options

if TYPE_CHECKING:  # slow to import
    from scipy.optimize import OptimizeResult

Floats = npt.NDArray[np.float64]

START_NOISE = 0.1  # standard deviation of the perturbation of the start, where rng is given


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

    params: Floats
    sd: Floats
    fe_cov: Floats
    log_density: float
    gradient_norm: float
    status: _core.ResponseStatus
    converged: bool
    valid: bool
    message: str
    n_iter: int
    collapsed: tuple[int, ...]
    optim: OptimizeResult


def find_joint_mode(
    core: _core.Model,
    method: str = "newton",
    minim_opts: Mapping[str, Any] | None = None,
    start: Floats | None = None,
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
    if is_newton(method):
        begin = None if start is None and rng is None else start_params(core, start, rng)
        options = newton_options(minim_opts, tolerance="gtol")
        fit = _core.fit_map(core, _core.MapMethod(**options), start=begin, report=report)
        if fit.status == _core.ResponseStatus.FAILED:
            raise RuntimeError("fit_map failed: the conditional mode was not found")
        optim = _as_optim(fit)
    else:
        optim = _by_scipy(core, start_params(core, start, rng), method, minim_opts, report)
        fit = _core.map_fit_at(core, np.asarray(optim.x, dtype=float), converged=bool(optim.success))
    unknown = np.full(fit.params.size, np.nan)
    return JointMode(
        params=fit.params,
        sd=fit.sd if fit.valid else unknown,
        fe_cov=fit.fe_cov if fit.valid else np.full((core.k_fep, core.k_fep), np.nan),
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


def start_params(core: _core.Model, start: Floats | None, rng: object) -> Floats:
    """Start of the search, shape (d,): the core's own unless it is given.

    With `rng` every entry is perturbed by a normal variate with standard deviation 0.1.
    """
    params = _core.joint_start(core) if start is None else start
    if rng is None:
        return params
    return np.asarray(params + START_NOISE * normal_noise(rng, params.size))


def _as_optim(fit: _core.MapFit) -> OptimizeResult:
    """As `scipy.optimize.minimize` would tell it."""
    from scipy.optimize import OptimizeResult

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


def _by_scipy(
    core: _core.Model, x0: Floats, method: str, minim_opts: Mapping[str, Any] | None, report: Report | None
) -> OptimizeResult:
    objective = _Objective(core)
    name = method.lower()
    arguments: dict[str, Any] = {}
    if name not in NO_GRADIENT:
        arguments["jac"] = objective.gradient
    if name in DENSE_HESSIAN:
        arguments["hess"] = objective.dense_hessian
    elif name in SPARSE_HESSIAN:
        arguments["hess"] = objective.hessian
    elif name in HESSIAN_PRODUCT:
        arguments["hessp"] = objective.hessian_product
    value = counting(report, objective.value)
    return scipy_minimize(value, x0, method=method, options=dict(minim_opts or {}), **arguments)


class _Objective:
    """Minus the joint log density for scipy's minimizers; the Hessian of the last point is kept."""

    def __init__(self, core: _core.Model) -> None:
        self.core = core
        self._point: Floats | None = None
        self._hessian: scipy.sparse.csc_array | None = None

    def value(self, x: Floats) -> float:
        return -self.core.logposterior(x)

    def gradient(self, x: Floats) -> Floats:
        return -self.core.logposterior_grad(x)

    def hessian(self, x: Floats) -> scipy.sparse.csc_array:
        if self._hessian is None or self._point is None or not np.array_equal(x, self._point):
            self._hessian, self._point = -hessian(self.core, x), x.copy()
        return self._hessian

    def dense_hessian(self, x: Floats) -> Floats:
        return np.asarray(self.hessian(x).toarray())

    def hessian_product(self, x: Floats, direction: Floats) -> Floats:
        return np.asarray(self.hessian(x) @ direction)
