"""Fits that integrate fixed and random effects out: Laplace, leaf quadrature, expectation propagation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from mixed_glm import _core
from mixed_glm._console.caller import warn
from mixed_glm._console.progress import Report, counting, shown_progress
from mixed_glm._fit.fit import Fit
from mixed_glm._fit.integration import Integration
from mixed_glm._fit.optimize import NO_GRADIENT, is_newton, scipy_minimize
from mixed_glm._fit.ordinal import has_joint_rows, refuse_joint_rows
from mixed_glm._fit.strained import strained_effects, told_of_strain
from mixed_glm._input.arrays import as_count, as_n_jobs
from mixed_glm._posterior.mixture import MarginalPosterior
from mixed_glm._spec.approximation import EP_N_QUAD, Approximation, Leaf, core_method, core_options
from mixed_glm._spec.layout import as_hyper
from mixed_glm._spec.spec import ModelSpec
from mixed_glm.exceptions import ConvergenceWarning, FactorizationWarning, PriorPullWarning

if TYPE_CHECKING:  # slow to import
    from scipy.optimize import OptimizeResult

Floats = npt.NDArray[np.float64]

ResponseStatus = _core.ResponseStatus
_NOTHING_LEFT = -12.0  # of log sigma in units of the response
_MONTE_CARLO = 0.1  # error of probes that is told; as in inference/probe_rule.hpp


def fit_laplace(
    spec: ModelSpec,
    n_quad: int = 1,
    leaf: Leaf = "auto",
    integrate: str = "auto",
    mean_correction: bool = True,
    *,
    method: str = "newton",
    minim_opts: Mapping[str, Any] | None = None,
    start: npt.ArrayLike | None = None,
    progress: bool = False,
    n_jobs: int = 1,
) -> Fit:
    """Marginal posterior of the log standard deviations, with all effects integrated out.

    Given the log standard deviations psi, fixed and random effects are integrated by the Laplace approximation
    with the second-order correction of their mean, or, with ``n_quad > 1``, those of one factor (the leaf) by
    adaptive Gauss-Hermite quadrature and all others by Laplace. psi itself is integrated numerically.

    Parameters
    ----------
    n_quad : int, default 1
        Nodes of the quadrature over the leaf, for each of its components. 1: Laplace for all. 15 to 25 are right
        for binary data with a handful of rows a group, where Laplace is not; for a leaf of two or three
        components, of which all combinations are evaluated, 9 and 7 (more are taken where the standard
        deviations are large).
    leaf : str, int or a list of them, default "auto"
        Name or number of a component to integrate by quadrature, with up to two others whose effects belong to
        the same groups: random intercepts and slopes of the same persons are integrated together. Each row must
        touch at most one effect of each. A list names all that are wanted: ``["person"]`` takes the intercepts
        alone. Default: the component with the most effects.
    integrate : {"auto", "line", "grid", "ridge", "ccd", "mode"}
        How psi is integrated: between a handful of points on the line of a single component (default for one); over a
        grid (default for two; its number of points grows fast with that of components, and for one it is three times the
        work of the line); by importance sampling with the profiles of the density along curved ridges (default beyond);
        over a central composite design, which is coarse; or not at all, by plugging in its mode.
    mean_correction : bool, default True
        Whether means are corrected to second order; without, they are conditional modes.
    method : str, default "newton"
        Search for the mode of psi: the core's own, or any method of `scipy.optimize.minimize`.
    minim_opts : mapping, optional
        Options of the method; for ``"newton"`` ``tol`` (1e-6, of the squared distance to the mode in posterior
        standard deviations; 0.01 or more for the line, which interpolates the rest) and ``maxiter`` (200).
    start : array_like, shape (K,), optional
        Log standard deviations at which the search begins; default: in the middle of their priors.
    progress : bool, default False
        Show a bar with the evaluations of the density so far; needs tqdm.
    n_jobs : int, default 1
        Threads for the passes over the rows and for large factorizations; -1: as many as there are processors
        for this process, -2: one less. Results are the same to the last bit for any number. Below some ten
        thousand rows, and for the quadrature over the leaf itself, one thread does all the work. For many
        models at a time, give each one thread.

    Raises
    ------
    ValueError
        If an argument does not fit; if there is no component that could be the leaf.
    RuntimeError
        If the density could not be evaluated at all.

    Warns
    -----
    ConvergenceWarning
        If the mode of psi was not found, points of the integration had to be left out, or importance weights say that
        it may be inaccurate (status ``"rough integration"``).
    FactorizationWarning
        If conjugate gradients for crossed factors with many levels did not converge, and the exact factor took their place.
    PriorPullWarning
        If the responses bound a fixed effect on one side only and its prior is so wide that the correction of its mean is out of
        its domain: expectation propagation takes the place of the fit (status ``"fell back"``), or, where there is none, the fit
        without corrections (``"rough integration"``).

    References
    ----------
    Tierney and Kadane (1986), JASA 81, 82-86; Rue, Martino and Chopin (2009), JRSS B 71, 319-392.
    """
    approximation = Approximation.laplace(spec, as_count(n_quad, "n_quad"), leaf, mean_correction)
    return fit_marginal(spec, approximation, integrate, method, minim_opts, start, progress, n_jobs)


def fit_ep(
    spec: ModelSpec,
    integrate: str = "auto",
    *,
    n_quad: int = EP_N_QUAD,
    method: str = "newton",
    minim_opts: Mapping[str, Any] | None = None,
    start: npt.ArrayLike | None = None,
    progress: bool = False,
    n_jobs: int = 1,
) -> Fit:
    """Marginal posterior of the log standard deviations by expectation propagation.

    Given the log standard deviations psi, the Gaussian of fixed and random effects matches the moments of every
    row's tilted density; psi itself is integrated as in `fit_laplace`. The most accurate method where several
    components have few rows an effect, as crossed factors with binary data. Where many rows are equal in covariates,
    groups and offset, they are merged before and share one site, which is more accurate than one for each.

    Parameters
    ----------
    integrate : {"auto", "line", "grid", "ridge", "ccd", "mode"}
        As for `fit_laplace`.
    n_quad : int, default 11
        Nodes for each tilted density, placed at its mode.
    method, minim_opts, start, progress, n_jobs
        As for `fit_laplace`.

    Warns
    -----
    ConvergenceWarning
        If the mode of psi was not found, or expectation propagation did not converge at some psi, where the
        Laplace approximation then took its place (status ``"fell back"``).

    References
    ----------
    Minka (2001), UAI 17, 362-369; Rasmussen and Williams (2006), Gaussian Processes for Machine Learning, 3.6.
    """
    refuse_joint_rows(spec, "fit_ep")
    approximation = Approximation("ep", n_quad=as_count(n_quad, "n_quad"))
    return fit_marginal(spec, approximation, integrate, method, minim_opts, start, progress, n_jobs)


def fit_marginal(
    spec: ModelSpec,
    approximation: Approximation,
    integrate: str = "auto",
    method: str = "newton",
    minim_opts: Mapping[str, Any] | None = None,
    start: npt.ArrayLike | None = None,
    progress: bool = False,
    n_jobs: int = 1,
) -> Fit:
    """Find the mode of psi and integrate over psi; see `fit_laplace` for the arguments."""
    jobs = as_n_jobs(n_jobs)
    vcp = marginal_start(spec, start)
    core = spec.core()
    optim = None
    newton = is_newton(method)
    options = core_options(spec, approximation, integrate, minim_opts if newton else None)
    with shown_progress(progress, approximation.name, "log density") as report:
        if not newton:
            if not len(vcp):
                vcp = np.concatenate([spec.design.priors.of_log_sds[0], core.start[spec.layout.k_vcp :]])
            optim = maximize_marginal(core, vcp, method, minim_opts, approximation, jobs, report)
            vcp = optim.x
        fit = _core.fit_marginal(core, core_method(start=vcp, **options), n_jobs=jobs, report=report)
    return sound_fit(spec, approximation, fit, integrate, jobs, optim)


def sound_fit(
    spec: ModelSpec,
    approximation: Approximation,
    fit: _core.MarginalFit,
    integrate: str,
    jobs: int,
    optim: OptimizeResult | None = None,
) -> Fit:
    """What the core found; where its corrections of fixed effects are out of their domain, what is sound in its place."""
    names = strained_effects(spec, fit)
    if not names:
        return checked_fit(spec, approximation, fit, optim)
    substitute, found = _sound_approximation(spec, approximation, fit.mode, integrate, jobs)
    status = found.status
    if status == ResponseStatus.FAILED:
        return checked_fit(spec, approximation, fit, optim)
    if status != ResponseStatus.CONVERGED:
        _warn(status, found, None)
    elif substitute.name == "ep":
        status = ResponseStatus.FELL_BACK
    else:
        status = ResponseStatus.ROUGH_INTEGRATION
    warn(told_of_strain(names, approximation, substitute), PriorPullWarning)
    return replace(as_fit(spec, substitute, found, status, optim), strained=tuple(names))


def _sound_approximation(
    spec: ModelSpec, approximation: Approximation, start: Floats, integrate: str, jobs: int
) -> tuple[Approximation, _core.MarginalFit]:
    """Expectation propagation, or without corrections where there is none or it does not converge."""
    candidates = [] if has_joint_rows(spec) else [Approximation("ep")]
    for candidate in (*candidates, replace(approximation, mean_correction=False)):
        method = core_method(start=start, **core_options(spec, candidate, integrate, None))
        fit = _core.fit_marginal(spec.core(), method, n_jobs=jobs)
        if fit.status in (ResponseStatus.CONVERGED, ResponseStatus.ROUGH_INTEGRATION):
            break
    return candidate, fit


def checked_fit(
    spec: ModelSpec, approximation: Approximation, fit: _core.MarginalFit, optim: OptimizeResult | None = None
) -> Fit:
    """What the core found, as a fit, with a warning where something went wrong."""
    if fit.status == ResponseStatus.FAILED:
        raise RuntimeError(f"the fit failed: {fit.reason}")
    status = fit.status if optim is None or optim.success else ResponseStatus.NOT_CONVERGED
    if status != ResponseStatus.CONVERGED:
        _warn(status, fit, optim, _doubt_of_sigma(spec, fit))
    if fit.integration.fell_back:
        warn(
            "conjugate gradients for the crossed random effects did not converge, since parts of the data hardly meet "
            "one another; the exact factor took their place, which is slower, not less exact",
            FactorizationWarning,
        )
    return as_fit(spec, approximation, fit, status, optim)


def as_fit(
    spec: ModelSpec,
    approximation: Approximation,
    fit: _core.MarginalFit,
    status: _core.ResponseStatus,
    optim: OptimizeResult | None = None,
) -> Fit:
    """What the core found, as a fit."""
    return Fit(
        spec,
        MarginalPosterior.of(spec, approximation, fit),
        method=approximation.name,
        log_density=fit.mode_log_density,
        log_evidence=fit.log_evidence,
        status=status.label,
        converged=status.converged,
        n_iter=fit.iterations if optim is None else int(optim.nit),
        optim_retvals=optim,
        integration=Integration.of(fit),
    )


def marginal_start(spec: ModelSpec, start: npt.ArrayLike | None) -> Floats:
    """Hyperparameters at which the search for their mode begins, shape (d,); empty: where the core begins."""
    return np.empty(0) if start is None else as_hyper(start, "start", spec.layout)


def _doubt_of_sigma(spec: ModelSpec, fit: _core.MarginalFit) -> str:
    """Where nothing is left of a Gaussian response for its standard deviation to describe: says so."""
    names, unit = spec.family.shape_names, spec.design.priors.unit
    if "sigma" not in names or fit.mode[-1] - np.log(unit) > _NOTHING_LEFT:
        return ""
    return "; the model explains the response completely, which leaves nothing for sigma to describe"


def _warn(
    status: _core.ResponseStatus, fit: _core.MarginalFit, optim: OptimizeResult | None, doubt: str = ""
) -> None:
    points = fit.integration.evaluations + (
        fit.integration.rule == "line"
    )  # which has evaluated the mode before
    tried = points if fit.integration.evaluations else fit.iterations
    report = fit.integration
    if report.psi_error > _MONTE_CARLO or report.sd_error > _MONTE_CARLO:
        rough = (
            f"the {report.probes} random probes that integrate the crossed effects leave a Monte Carlo error of "
            f"{report.psi_error:.2f} posterior standard deviations in the log standard deviations and of "
            f"{report.sd_error:.0%} in the standard deviations of the effects, since many groups hardly meet one another"
        )
    else:
        rough = (
            "the density of the log standard deviations is not well covered by the points that it was integrated with "
            f"(k-hat {report.k_hat:.2f}, effective share {report.ess_share:.2f} of {report.evaluations} evaluations), so "
            "that their standard deviations and intervals may be off: compare with integrate='grid', or leave out a "
            "component that the data say little of"
        )
    reasons = {
        ResponseStatus.NOT_CONVERGED: (fit.reason if optim is None or optim.success else str(optim.message))
        + doubt,
        ResponseStatus.POINTS_LEFT_OUT: f"the density could not be evaluated at {fit.failed_points} of {points} "
        "points of the integration over the log standard deviations, which were left out",
        ResponseStatus.FELL_BACK: f"expectation propagation did not converge at {fit.fallbacks} of {tried} log "
        "standard deviations, where Laplace took its place",
        ResponseStatus.ROUGH_INTEGRATION: rough,
    }
    if status in reasons:
        warn(f"the fit {status.label}: {reasons[status]}", ConvergenceWarning)


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
