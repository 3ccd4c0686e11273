"""Variational fits, as results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.optimize import OptimizeResult

from mixed_glm import _core
from mixed_glm._console.caller import warn
from mixed_glm._console.progress import Report, counting, shown_progress
from mixed_glm._fit.optimize import (
    DENSE_HESSIAN,
    HESSIAN_PRODUCT,
    NO_GRADIENT,
    _normal,
    newton_options,
    scipy_minimize,
)
from mixed_glm._posterior.contrast import FixedEffects
from mixed_glm._posterior.draws import Drawn, in_batches
from mixed_glm._posterior.posterior import Posterior, StandardizedPosterior, draws_back
from mixed_glm._spec.standardization import Standardization
from mixed_glm.exceptions import ConvergenceWarning
from mixed_glm.results import MixedGLMResults

if TYPE_CHECKING:
    from mixed_glm.model import MixedGLM

Floats = npt.NDArray[np.float64]

ResponseStatus = _core.ResponseStatus
COVARIANCES = ("mean_field", "full")
# statsmodels' start, and the least values that it starts from.
START_LOG_SD, START_NOISE = -0.5, 0.1
LEAST_START_VCP, LEAST_START_LOG_SD = -1.0, -1.0
_DIFFERENCE = 1e-5  # step of Hessian products, relative to the size of the point


@dataclass(frozen=True)
class FullVariationalPosterior(Posterior):
    """A Gaussian with full covariance of fixed and random effects, independent of the log standard deviations.

    Attributes
    ----------
    fe_cov : float array, shape (p, p)
    weight : float array, shape (n,)
        Weights w of the precision ``A' diag(w) A + P`` of fixed and random effects.
    effect_precision : float array, shape (K,)
        Prior precisions of the random effects in P.
    model : MixedGLM
    standardization : Standardization or None
    """

    fe_cov: Floats
    weight: Floats
    effect_precision: Floats
    model: MixedGLM
    standardization: Standardization | None

    def covariance(self) -> Floats:
        """Dense covariance of all parameters, shape (d, d), computed on demand."""
        model, change = self.model, self.standardization
        exog = model.exog if change is None else change.apply(model.exog)
        columns = sparse.hstack([sparse.csr_array(exog), sparse.csr_array(model.exog_vc)], format="csr")
        prior = np.concatenate(
            [np.broadcast_to(model.fe_p, model.k_fep) ** -2.0, self.effect_precision[model.ident]]
        )
        precision = (columns.T @ (columns * self.weight[:, None])).toarray() + np.diag(prior)
        p, k = model.k_fep, model.k_vcp
        coefficients = np.r_[0:p, p + k : len(self.mean)]
        covariance = np.diag(self.sd**2)
        covariance[np.ix_(coefficients, coefficients)] = np.linalg.inv(precision)
        return covariance if change is None else change.covariance_back(covariance)

    def fixed_effects(self, p: int) -> FixedEffects:
        """Joint posterior of the fixed effects, p of them."""
        change = self.standardization
        covariance = self.fe_cov if change is None else change.covariance_back(self.fe_cov)
        return FixedEffects(np.ones(1), self.mean[None, :p], covariance)

    def draw(self, n: int, rng: np.random.Generator, k_fixed: int) -> Drawn:
        """Joint draws of all parameters."""
        model, change = self.model, self.standardization
        core = model.core(change)
        mean = self.mean if change is None else change.params_to(self.mean)
        psi_sd = model._unpack(self.sd)[1]
        drawn = in_batches(
            n,
            len(mean),
            rng,
            lambda _, z: _core.draw_weighted(core, mean, psi_sd, self.weight, self.effect_precision, z),
        )
        return drawn if change is None else draws_back(change, drawn)


def fit_vb(
    model: MixedGLM,
    *,
    mean: Floats | None,
    sd: Floats | None,
    fit_method: str,
    minim_opts: Mapping[str, Any] | None,
    scale_fe: bool,
    verbose: bool,
    rng: Any,
    covariance: str,
    n_quad: int,
    progress: bool = False,
) -> MixedGLMResults:
    """Fit by variational Bayes; see `MixedGLM.fit_vb` for the arguments."""
    full = is_full(covariance, fit_method)
    change = Standardization.of(model.exog, model.freq_weights) if scale_fe else None
    core = model.core(change)
    if change is not None:
        mean = None if mean is None else change.params_to(mean)
        sd = None if sd is None else _sd_to(change, sd)
    fit = optim = None
    newton = fit_method.lower() == "newton"
    start = start_point(core, mean, sd, rng, always=not newton)
    with shown_progress(progress, "vb", "bound") as report:
        if newton:
            fit = _ascend(core, start, full, n_quad, minim_opts, report)
        else:
            optim = maximize_elbo(core, start, fit_method, minim_opts, n_quad, verbose, report)
    if fit is not None:
        _print_trace(fit.trace, verbose)
    return _results(model, fit, optim, change, full)


def _ascend(
    core: _core.Model,
    start: tuple[Floats, Floats],
    full: bool,
    n_quad: int,
    minim_opts: Mapping[str, Any] | None,
    report: Report | None,
) -> _core.VariationalFit:
    mean, sd = start
    options = newton_options(minim_opts, "fit_method 'newton'")
    method = _core.VariationalMethod(full=full, n_quad=n_quad, mean=mean, sd=sd, **options)
    fit = _core.fit_variational(core, method, report=report)
    if fit.status == ResponseStatus.FAILED:
        raise RuntimeError("fit_vb failed: the bound is not finite at the start")
    return fit


def _results(
    model: MixedGLM,
    fit: _core.VariationalFit | None,
    optim: OptimizeResult | None,
    change: Standardization | None,
    full: bool,
) -> MixedGLMResults:
    if fit is not None:
        mean, sd, fe_cov, elbo = fit.mean, fit.sd, fit.fe_cov, fit.elbo
        status, n_iter, message = fit.status, fit.iterations, f"{fit.iterations} iterations"
    else:
        assert optim is not None
        mean, log_sd = np.split(np.asarray(optim.x, dtype=float), 2)
        sd, elbo = np.exp(log_sd), -float(optim.fun)
        fe_cov = np.diag(sd[: model.k_fep] ** 2)
        status = ResponseStatus.CONVERGED if optim.success else ResponseStatus.NOT_CONVERGED
        n_iter, message = int(optim.get("nit", 0)), str(optim.message)
    if not status.converged:
        warn(f"fit_vb did not converge: {message}", ConvergenceWarning)
    standardized_fe_sd = sd[: model.k_fep]
    if change is not None:
        mean, sd = change.params_back(mean), change.sd_back(sd, fe_cov)
    posterior = Posterior(mean, sd)
    if change is not None:
        posterior = StandardizedPosterior(mean, sd, standardized_fe_sd, change)
    if full and fit is not None:
        posterior = FullVariationalPosterior(
            mean, sd, fe_cov, fit.weight, fit.effect_precision, model, change
        )
    return MixedGLMResults(
        model,
        posterior,
        method="vb_full" if full else "vb",
        log_density=model.logposterior(mean),
        log_evidence=elbo,
        status=status.label,
        converged=status.converged,
        n_iter=n_iter,
        optim_retvals=optim,
    )


def start_point(
    core: _core.Model, mean: Floats | None, sd: Floats | None, rng: Any, always: bool
) -> tuple[Floats, Floats]:
    """Means and standard deviations at which the search begins, shape (d,) each.

    As in statsmodels: means of zero, standard deviations of ``exp(-0.5)``, perturbed on the log scale if `rng` is
    given; means of log standard deviations and logarithms of standard deviations are at least -1. Empty arrays, the
    core's own start, if nothing is given and it need not be `always`.
    """
    if mean is None and sd is None and rng is None and not always:
        return np.empty(0), np.empty(0)
    p, k = core.k_fep, core.k_vcp
    size = p + k + core.k_vc
    start = np.zeros(size) if mean is None else mean.copy()
    start[p : p + k] = np.maximum(start[p : p + k], LEAST_START_VCP)
    log_sd = np.full(size, START_LOG_SD) if sd is None else np.log(sd)
    if sd is None and rng is not None:
        log_sd += START_NOISE * _normal(rng, size)
    return start, np.exp(np.maximum(log_sd, LEAST_START_LOG_SD))


def maximize_elbo(
    core: _core.Model,
    start: tuple[Floats, Floats],
    method: str,
    minim_opts: Mapping[str, Any] | None,
    n_quad: int,
    verbose: bool,
    report: Report | None = None,
) -> OptimizeResult:
    """Maximum of the mean-field bound over means and log standard deviations, by `scipy.optimize.minimize`."""

    def value(x: Floats) -> float:
        with np.errstate(over="ignore"):
            mean, sd = np.split(x, 2)[0], np.exp(np.split(x, 2)[1])
        elbo = _core.vb_elbo(core, mean, sd, n_quad=n_quad)
        return -elbo if np.isfinite(elbo) else np.inf

    def gradient(x: Floats) -> Floats:
        mean, log_sd = np.split(x, 2)
        sd = np.exp(log_sd)
        slope = _core.vb_elbo_grad(core, mean, sd, n_quad=n_quad)
        if verbose:
            print(f"|G|={np.sqrt(slope.mean @ slope.mean + slope.sd @ slope.sd):f}")
        return -np.concatenate([slope.mean, slope.sd * sd])

    def hessian_product(x: Floats, direction: Floats) -> Floats:
        length = float(np.linalg.norm(direction))
        if length == 0.0:
            return np.zeros_like(x)
        step = _DIFFERENCE * (1.0 + float(np.linalg.norm(x))) / length
        return np.asarray((gradient(x + step * direction) - gradient(x - step * direction)) / (2.0 * step))

    def hessian(x: Floats) -> Floats:
        columns = np.array([hessian_product(x, e) for e in np.eye(len(x))])
        return np.asarray(0.5 * (columns + columns.T))

    name = method.lower()
    arguments: dict[str, Any] = {} if name in NO_GRADIENT else {"jac": gradient}
    if name in HESSIAN_PRODUCT:
        arguments["hessp"] = hessian_product
    elif name in DENSE_HESSIAN:
        arguments["hess"] = hessian
    x0 = np.concatenate([start[0], np.log(start[1])])
    return scipy_minimize(
        counting(report, value), x0, method=method, options=dict(minim_opts or {}), **arguments
    )


def is_full(covariance: str, fit_method: str) -> bool:
    """Whether the covariance of fixed and random effects is to be full."""
    if covariance not in COVARIANCES:
        raise ValueError(f"covariance must be one of {', '.join(map(repr, COVARIANCES))}, got {covariance!r}")
    if not isinstance(fit_method, str):
        raise TypeError(f"fit_method must be a string, got {type(fit_method).__name__}")
    if covariance == "full" and fit_method.lower() != "newton":
        raise ValueError(f"covariance='full' needs fit_method='newton', got {fit_method!r}")
    return covariance == "full"


def _sd_to(change: Standardization, sd: Floats) -> Floats:
    """Start for the standardized columns: standard deviations of independent coefficients, to first order."""
    out = sd.copy()
    p = len(change.scale)
    out[:p] = sd[:p] * change.scale
    return out


def _print_trace(trace: list[float], verbose: bool) -> None:
    if verbose:
        for iteration, elbo in enumerate(trace):
            print(f"{iteration:4d}  ELBO={elbo:.8f}")
