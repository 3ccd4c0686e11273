"""A fit once more, to other weights or rows: in the same way, from where it ended."""

from __future__ import annotations

import numpy as np

from mixed_glm import _core
from mixed_glm._fit.fit import Fit
from mixed_glm._fit.joint_mode import fit_map
from mixed_glm._fit.marginal import as_fit
from mixed_glm._fit.variational import fit_vb
from mixed_glm._posterior.mixture import MarginalPosterior
from mixed_glm._spec.approximation import Approximation, core_method, core_options
from mixed_glm._spec.spec import ModelSpec


def refit(fit: Fit, spec: ModelSpec) -> Fit:
    """Fit `spec`, which has the parameters of `fit`, as `fit` was made; without a warning of its own.

    Raises
    ------
    RuntimeError
        If the density cannot be evaluated at all.
    ValueError
        If it is not known how `fit` was made: with standardized columns, or by an older version.
    """
    posterior = fit.posterior
    if isinstance(posterior, MarginalPosterior):
        found = refit_marginal(fit, spec.core())
        if found.status == _core.ResponseStatus.FAILED:
            raise RuntimeError(f"the fit failed: {found.reason}")
        return as_fit(spec, marginal_of(fit)[1], found, found.status)
    if posterior.change is not fit.spec.coordinates:
        raise ValueError("scale_fe: a fit with standardized columns cannot be made again without some rows")
    if fit.method == "map":
        return fit_map(spec)
    return fit_vb(spec, covariance="full" if fit.method == "vb_full" else "mean_field")


def refit_marginal(fit: Fit, core: _core.Model) -> _core.MarginalFit:
    """The same of a compiled model: hyperparameters by the same rule, from their mode; effects by the same approximation."""
    posterior, approximation = marginal_of(fit)
    rule = "auto" if fit.integration is None else fit.integration.rule
    start = posterior.points[np.argmax(posterior.log_density)]
    method = core_method(start=start, **core_options(fit.spec, approximation, rule, None))
    return _core.fit_marginal(core, method)


def marginal_of(fit: Fit) -> tuple[MarginalPosterior, Approximation]:
    """The posterior of a fit that integrates over fixed and random effects, and how it does.

    Raises
    ------
    ValueError
        If it is none of these, or was saved by a version that did not tell how.
    """
    posterior = fit.posterior
    if not isinstance(posterior, MarginalPosterior):
        raise ValueError(
            f"method: {fit.method!r} has no estimate of log p(y) to take differences of; fit by fit(), fit_laplace() or "
            "fit_ep()"
        )
    if posterior.approximation is None:
        raise ValueError("this result was saved by a version that did not tell how it was made: fit it anew")
    return posterior, posterior.approximation
