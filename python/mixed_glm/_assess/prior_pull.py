"""How far the priors of the fixed effects keep the posterior from where the data would have it.

Given the standard deviations of the random effects, let m be the posterior mean of the fixed effects, C their covariance, P and o the
precision and the mean of their prior. Beside a Gaussian likelihood of precision L = C^-1 - P the data alone would have their estimate at

    m + L^-1 P (m - o),    with the covariance L^-1,

and the pull is how far that is from m, in standard errors: the roots of the diagonal of L^-1. Where the prior is wide it is C P (m - o) in
posterior standard deviations; where it is narrow, posterior standard deviations are the prior's own and would hide it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mixed_glm._console.caller import warn
from mixed_glm._fit.fit import Fit
from mixed_glm._spec.fixed_prior import FixedPrior
from mixed_glm.exceptions import PriorPullWarning

Floats = npt.NDArray[np.float64]

_MUCH = 0.5  # standard errors
_ALL, _NOTHING = 1.0 - 1e-10, 1e-30  # of what is known; the rest is rounding
_SHOWN = 5


def prior_pull(fit: Fit) -> Floats:
    """Pull of the prior on each fixed effect in standard errors, shape (p,); NaN where the fit has no covariance."""
    mean, covariance = fit.posterior.fixed_at_mode()
    if not np.isfinite(covariance).all():
        return np.full(len(mean), np.nan)
    prior = FixedPrior.of(fit.spec, fit.posterior.change)
    off, spread = prior.standard(mean, covariance)
    share, axes = np.linalg.eigh(spread)  # of the prior in what is known
    share = share.clip(_NOTHING, _ALL)
    variance = share / (1.0 - share)  # of what the data alone would say, along the axes
    own = prior.from_standard(axes)
    return np.asarray(np.abs(own @ (variance * (off @ axes))) / np.sqrt((own * own) @ variance))


def warn_of_prior_pull(fit: Fit) -> None:
    """Name the fixed effects whose priors decide where they are.

    Warns
    -----
    PriorPullWarning
        If the prior moves a coefficient by more than half a standard error.
    """
    if not fit.converged or _surely_little(fit):
        return
    pull = prior_pull(fit)
    places = np.flatnonzero(pull > _MUCH).tolist()
    if not places:
        return
    largest = sorted(places, key=lambda j: -pull[j])
    names, mean = fit.spec.layout.fep_names, fit.posterior.mean
    shown = [f"{names[j]} ({mean[j]:.3g}: by {pull[j]:.1f})" for j in largest[:_SHOWN]]
    more = f" and {len(largest) - _SHOWN} more" if len(largest) > _SHOWN else ""
    warn(
        f"the prior pulls fixed effects by more than half a standard error: {', '.join(shown)}{more}. "
        f"{_remedy(fit, largest[0])}",
        PriorPullWarning,
    )


def _surely_little(fit: Fit) -> bool:
    """A quick bound: no pull is above |b| (t / (1 - t))^(1/2) where the prior is standard normal, b being the mean, t the trace of C."""
    posterior = fit.posterior
    if posterior.change is None:
        fe, scale = fit.spec.layout.fe, fit.spec.design.priors.fe_scale
        mean, sd = posterior.mean[fe] / scale, posterior.sd[fe] / scale
        trace = float(sd @ sd)
    else:
        mean, spread = FixedPrior.of(fit.spec, posterior.change).standard(*posterior.fixed_at_mode())
        trace = float(spread.trace())
    return trace < 1.0 and float(mean @ mean) * trace < _MUCH**2 * (1.0 - trace)


def _remedy(fit: Fit, place: int) -> str:
    priors, name = fit.spec.design.priors, fit.spec.layout.fep_names[place]
    wider = f"wider priors, as priors={{{name!r}: {priors.fe[place].widened(10.0)!r}}}"
    if priors.constant >= 0:
        return f"If that is not meant, give {wider}"
    return (
        "Is a covariate far from zero, or in large or small units? If the pull is not meant, center(...) it, take fe_p=None "
        f"for priors in units of the columns, which do not depend on origins, or give {wider}"
    )
