"""Fits through the marginal posterior of the log standard deviations, as results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import OptimizeResult

from mixed_glm import _core
from mixed_glm._caller import warn
from mixed_glm._mixture import MarginalPosterior
from mixed_glm.exceptions import ConvergenceWarning
from mixed_glm.optimize import scipy_minimize
from mixed_glm.results import MixedGLMResults

if TYPE_CHECKING:
    from mixed_glm.model import MixedGLM

Floats = npt.NDArray[np.float64]

INTEGRATE = ("auto", "grid", "ccd", "mode")
MOST_GRID_COMPONENTS = 3  # "auto" takes a grid up to here, a central composite design beyond
# Step in units of standard deviations, and nats below the mode at which the grid ends, by number of components:
# a lattice sum over a smooth density converges so fast that 1.4 costs less than 0.002 sd in any moment.
GRID = {1: (1.0, 10.0), 2: (1.2, 8.0), 3: (1.4, 7.0)}
GRID_BEYOND = (1.6, 6.0)


def fit_laplace(
    model: MixedGLM,
    n_quad: int,
    leaf: str | int,
    integrate: str,
    mean_correction: bool,
    method: str,
    minim_opts: Mapping[str, Any] | None,
    start: Floats | None,
) -> MixedGLMResults:
    """Fit by Laplace or leaf quadrature; see `MixedGLM.fit_laplace` for the arguments."""
    core = model.core()
    component = find_leaf(model, leaf) if n_quad > 1 else -1
    optim = None
    vcp = np.zeros(model.k_vcp) if start is None else start
    if method.lower() != "newton":
        optim = maximize_marginal(core, vcp, method, minim_opts, component, n_quad)
        vcp = optim.x
    step, drop = GRID.get(model.k_vcp, GRID_BEYOND)
    options = _newton_options(minim_opts) if optim is None else {}
    fit = _core.fit_marginal(
        core, vcp, leaf=component, n_quad=n_quad, mean_correction=mean_correction,
        integrate=choose_integration(integrate, model.k_vcp), step=step, drop=drop, **options,
    )  # fmt: skip
    if not fit.has_posterior:
        raise RuntimeError(f"fit_laplace failed: {fit.status}")
    converged = fit.converged and (optim is None or bool(optim.success)) and not fit.failed_points
    _warn(fit, optim)
    return MixedGLMResults(
        model,
        MarginalPosterior.of(model, fit),
        method="laplace" if component < 0 else "leaf",
        log_density=fit.mode_log_density,
        log_evidence=fit.log_evidence,
        status="converged" if converged else fit.status if not fit.converged else "not converged",
        converged=converged,
        n_iter=fit.iterations if optim is None else int(optim.nit),
        optim_retvals=optim,
    )


def find_leaf(model: MixedGLM, leaf: str | int) -> int:
    """Number of the component to integrate by quadrature.

    Raises
    ------
    ValueError
        If there is no such component, or a row touches more than one of its effects.
    """
    candidates = np.flatnonzero(_core.leaf_candidates(model.core()))
    names = model.vcp_names
    possible = ", ".join(repr(names[k]) for k in candidates) or "none here"
    rule = f"a component of which each row touches at most one effect ({possible})"
    if isinstance(leaf, str) and leaf == "auto":
        if not len(candidates):
            raise ValueError(f"n_quad > 1 needs {rule}; use n_quad=1")
        return _core.default_leaf(model.core())
    k = names.index(leaf) if leaf in names else leaf
    if not isinstance(k, (int, np.integer)) or k not in candidates:
        raise ValueError(f"leaf must be 'auto' or {rule}, got {leaf!r}")
    return int(k)


def choose_integration(integrate: str, components: int) -> str:
    """Resolve "auto": a grid for few components, a central composite design for many."""
    if integrate not in INTEGRATE:
        raise ValueError(f"integrate must be one of {', '.join(map(repr, INTEGRATE))}, got {integrate!r}")
    if components == 0:
        return "mode"
    if integrate != "auto":
        return integrate
    return "grid" if components <= MOST_GRID_COMPONENTS else "ccd"


def maximize_marginal(
    core: _core.Model,
    start: Floats,
    method: str,
    minim_opts: Mapping[str, Any] | None,
    leaf: int,
    n_quad: int,
) -> OptimizeResult:
    """Mode of log p(y, psi) by a method of `scipy.optimize.minimize`, with the exact gradient."""

    def objective(vcp: Floats) -> tuple[float, Floats]:
        value, gradient = _core.log_marginal(core, vcp, leaf=leaf, n_quad=n_quad)
        return -value, -gradient

    return scipy_minimize(objective, start, jac=True, method=method, options=dict(minim_opts or {}))


def _newton_options(minim_opts: Mapping[str, Any] | None) -> dict[str, Any]:
    names = {"tol": "tolerance", "maxiter": "max_iterations"}
    options = dict(minim_opts or {})
    unknown = ", ".join(sorted(set(options) - set(names)))
    if unknown:
        raise ValueError(f"minim_opts for method 'newton' may have 'tol' and 'maxiter', got {unknown}")
    return {names[name]: value for name, value in options.items()}


def _warn(fit: _core.MarginalFit, optim: OptimizeResult | None) -> None:
    if optim is not None and not optim.success:
        warn(f"the mode of the marginal posterior was not found: {optim.message}", ConvergenceWarning)
    elif fit.status != "converged":
        warn(f"fit_laplace: {fit.status}", ConvergenceWarning)
    if fit.failed_points:
        warn(f"fit_laplace: {fit.failed_points} points of the integration were left out", ConvergenceWarning)
