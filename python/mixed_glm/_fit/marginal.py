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
from mixed_glm._fit.optimize import NO_GRADIENT, newton_options, scipy_minimize
from mixed_glm._input.arrays import as_n_jobs
from mixed_glm._posterior.mixture import MarginalPosterior
from mixed_glm.exceptions import ConvergenceWarning
from mixed_glm.results import MixedGLMResults

if TYPE_CHECKING:
    from mixed_glm.model import MixedGLM

Floats = npt.NDArray[np.float64]

ResponseStatus = _core.ResponseStatus
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
        return _core.log_marginal(core, self.core, vcp, n_jobs=n_jobs)

    @property
    def core(self) -> _core.Approximation:
        """The approximation in the compiled core."""
        return _core.Approximation(
            name=self.name, leaf=self.leaf, n_quad=self.n_quad, mean_correction=self.mean_correction
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
        fit = _core.fit_marginal(core, core_method(start=vcp, **options), n_jobs=jobs, report=report)
    if fit.status == ResponseStatus.FAILED:
        raise RuntimeError(f"the fit failed: {fit.reason}")
    status = fit.status if optim is None or optim.success else ResponseStatus.NOT_CONVERGED
    _warn(status, fit, optim)
    return MixedGLMResults(
        model,
        MarginalPosterior.of(model, approximation, fit),
        method=approximation.name,
        log_density=fit.mode_log_density,
        log_evidence=fit.log_evidence,
        status=status.label,
        converged=status.converged,
        n_iter=fit.iterations if optim is None else int(optim.nit),
        optim_retvals=optim,
    )


def core_options(
    approximation: Approximation, integrate: str, minim_opts: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Arguments of `core_method` beside the start."""
    if integrate not in INTEGRATE:
        raise ValueError(f"integrate must be one of {', '.join(map(repr, INTEGRATE))}, got {integrate!r}")
    return {
        "approximation": approximation,
        "integrate": integrate,
        **newton_options(minim_opts),
    }


def core_method(*, approximation: Approximation, **arguments: Any) -> _core.MarginalMethod:
    """The fit through the marginal posterior in the compiled core."""
    return _core.MarginalMethod(approximation=approximation.core, **arguments)


def _warn(status: _core.ResponseStatus, fit: _core.MarginalFit, optim: OptimizeResult | None) -> None:
    points = len(fit.weights)
    tried = points if points > 1 else fit.iterations
    reasons = {
        ResponseStatus.NOT_CONVERGED: fit.reason if optim is None or optim.success else str(optim.message),
        ResponseStatus.POINTS_LEFT_OUT: f"the density could not be evaluated at {fit.failed_points} of {points} "
        "points of the integration over the log standard deviations, which were left out",
        ResponseStatus.FELL_BACK: f"expectation propagation did not converge at {fit.fallbacks} of {tried} log "
        "standard deviations, where Laplace took its place",
    }
    if status in reasons:
        warn(f"the fit {status.label}: {reasons[status]}", ConvergenceWarning)


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
