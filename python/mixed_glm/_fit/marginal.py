"""Fits through the marginal posterior of the log standard deviations, as results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import OptimizeResult

from mixed_glm import _core
from mixed_glm._console.caller import warn
from mixed_glm._console.progress import Report, counting, shown_progress
from mixed_glm._fit.optimize import NO_GRADIENT, scipy_minimize
from mixed_glm._input.arrays import as_n_jobs
from mixed_glm._posterior.mixture import MarginalPosterior
from mixed_glm.exceptions import ConvergenceWarning
from mixed_glm.results import MixedGLMResults

if TYPE_CHECKING:
    from mixed_glm.model import MixedGLM

Floats = npt.NDArray[np.float64]

EP_N_QUAD = _core.EP_N_QUAD
INTEGRATE = ("auto", "grid", "ccd", "mode")


@dataclass(frozen=True)
class Approximation:
    """How fixed and random effects are integrated out given psi.

    Attributes
    ----------
    name : {"laplace", "leaf", "ep", "vb"}
    leaf : int
        Component that "leaf" integrates by quadrature.
    n_quad : int
        Nodes for each effect of the leaf; nodes for each tilted density of "ep"; nodes of "vb". 0: the core's
        default, 15, 11 and as many as each row needs.
    mean_correction : bool
        Whether the means of "laplace" and "leaf" are corrected to second order.
    """

    name: str
    leaf: int = -1
    n_quad: int = 0
    mean_correction: bool = True

    @classmethod
    def laplace(
        cls, model: MixedGLM, n_quad: int, leaf: str | int, mean_correction: bool = True
    ) -> Approximation:
        """Laplace for all effects with ``n_quad == 1``, otherwise quadrature over the leaf."""
        if n_quad == 1:
            return cls("laplace", mean_correction=mean_correction)
        return cls("leaf", find_leaf(model, leaf), n_quad, mean_correction)

    @classmethod
    def named(cls, model: MixedGLM, name: str, n_quad: int | None, leaf: str | int) -> Approximation:
        """By the name that `MixedGLM.log_marginal` takes."""
        if name == "leaf":
            return cls(name, find_leaf(model, leaf), n_quad or 0)
        if name in ("laplace", "ep", "vb"):
            return cls(name, n_quad=n_quad or 0)
        raise ValueError(f"approx must be 'laplace', 'leaf', 'ep' or 'vb', got {name!r}")

    def log_marginal(self, core: _core.Model, vcp: Floats, n_jobs: int = 1) -> tuple[float, Floats]:
        """log p(y, psi) and its gradient, shape (K,)."""
        return _core.log_marginal(
            core, vcp, approx=self.name, leaf=self.leaf, n_quad=self.n_quad, n_jobs=n_jobs
        )


def fit_marginal(
    model: MixedGLM,
    approximation: Approximation,
    integrate: str,
    method: str,
    minim_opts: Mapping[str, Any] | None,
    start: Floats | None,
    progress: bool = False,
    n_jobs: int = 1,
) -> MixedGLMResults:
    """Find the mode of psi and integrate over psi; see `MixedGLM.fit_laplace` for the arguments."""
    jobs = as_n_jobs(n_jobs)
    core = model.core()
    optim = None
    vcp = np.zeros(model.k_vcp) if start is None else start
    newton = method.lower() == "newton"
    options = core_options(approximation, integrate, minim_opts if newton else None)
    with shown_progress(progress, approximation.name, "log density") as report:
        if not newton:
            optim = maximize_marginal(core, vcp, method, minim_opts, approximation, jobs, report)
            vcp = optim.x
        fit = _core.fit_marginal(core, vcp, n_jobs=jobs, report=report, **options)
    if not fit.has_posterior:
        raise RuntimeError(f"the fit failed: {fit.status}")
    status = _status(fit, optim)
    _warn(status, fit, optim)
    return MixedGLMResults(
        model,
        MarginalPosterior.of(model, approximation, fit),
        method=approximation.name,
        log_density=fit.mode_log_density,
        log_evidence=fit.log_evidence,
        status=status,
        converged=status in ("converged", "fell back"),
        n_iter=fit.iterations if optim is None else int(optim.nit),
        optim_retvals=optim,
    )


def core_options(
    approximation: Approximation, integrate: str, minim_opts: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Arguments of the core's fit beside model and start."""
    if integrate not in INTEGRATE:
        raise ValueError(f"integrate must be one of {', '.join(map(repr, INTEGRATE))}, got {integrate!r}")
    return {
        "approx": approximation.name,
        "leaf": approximation.leaf,
        "n_quad": approximation.n_quad,
        "mean_correction": approximation.mean_correction,
        "integrate": integrate,
        **_newton_options(minim_opts),
    }


def _status(fit: _core.MarginalFit, optim: OptimizeResult | None) -> str:
    return fit.verdict if optim is None or optim.success else "not converged"


def _has_spread(fit: _core.MarginalFit) -> bool:
    return bool(np.isfinite(fit.sd).all() and (fit.sd > 0).all())


def _warn(status: str, fit: _core.MarginalFit, optim: OptimizeResult | None) -> None:
    points = len(fit.weights)
    reasons = {
        "not converged": _why_not_converged(fit, optim),
        "points left out": f"the density could not be evaluated at {fit.failed_points} of {points} points of the "
        "integration over the log standard deviations, which were left out",
        "fell back": f"expectation propagation did not converge at {fit.fallbacks} of {points if points > 1 else fit.iterations} log "
        "standard deviations, where Laplace took its place",
    }
    if status in reasons:
        warn(f"the fit {status}: {reasons[status]}", ConvergenceWarning)


def _why_not_converged(fit: _core.MarginalFit, optim: OptimizeResult | None) -> str:
    if optim is not None and not optim.success:
        return str(optim.message)
    if fit.converged and not _has_spread(fit):
        return "numbers are so large that rounding hides how the density falls off around its mode"
    return fit.status


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


def maximize_marginal(
    core: _core.Model,
    start: Floats,
    method: str,
    minim_opts: Mapping[str, Any] | None,
    approximation: Approximation,
    n_jobs: int = 1,
    report: Report | None = None,
) -> OptimizeResult:
    """Mode of log p(y, psi) by a method of `scipy.optimize.minimize`, with the exact gradient."""

    note = counting(report, float)

    def objective(vcp: Floats) -> tuple[float, Floats]:
        value, gradient = approximation.log_marginal(core, vcp, n_jobs)
        note(-value)
        return -value, -gradient

    if method.lower() in NO_GRADIENT:
        return scipy_minimize(
            lambda vcp: objective(vcp)[0], start, method=method, options=dict(minim_opts or {})
        )
    return scipy_minimize(objective, start, jac=True, method=method, options=dict(minim_opts or {}))


def _newton_options(minim_opts: Mapping[str, Any] | None) -> dict[str, Any]:
    names = {"tol": "tolerance", "maxiter": "max_iterations"}
    options = dict(minim_opts or {})
    unknown = ", ".join(sorted(set(options) - set(names)))
    if unknown:
        raise ValueError(f"minim_opts for method 'newton' may have 'tol' and 'maxiter', got {unknown}")
    return {names[name]: value for name, value in options.items()}
