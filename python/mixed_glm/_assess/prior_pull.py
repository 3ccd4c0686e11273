"""Warnings where priors decide what the data should: which parameters, how far, and what to do."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from mixed_glm._assess.separation import unbounded_effects
from mixed_glm._console.caller import warn
from mixed_glm._fit.fit import Fit
from mixed_glm._input.listed import listed
from mixed_glm._posterior.pull import MUCH, MUCH_OF_SD, fixed_pull, is_much, sd_pull, shape_pull
from mixed_glm._spec.fixed_prior import FixedPrior
from mixed_glm._spec.priors import ModelPriors, sd_name
from mixed_glm._spec.spec import ModelSpec
from mixed_glm.exceptions import PriorPullWarning
from mixed_glm.priors import HalfNormal, LogNormal

Floats = npt.NDArray[np.float64]


def prior_pull(fit: Fit) -> Floats:
    """Pull of the priors on each fixed effect, threshold and log standard deviation, shape (p + K,); NaN where the fit has no covariance."""
    prior = FixedPrior.of(fit.spec, fit.posterior.change)
    off, spread = prior.standard(*fit.posterior.fixed_at_mode())
    way = prior.from_standard(np.eye(len(off)))
    return np.asarray(np.r_[fixed_pull(off[None], spread[None], way)[0], _pull_of_sds(fit)])


def _pull_of_sds(fit: Fit) -> Floats:
    vcp = fit.spec.layout.vcp
    if fit.method == "map":  # whose log standard deviations are drawn to a collapse, not to the prior
        return np.zeros(fit.spec.layout.k_vcp)
    return sd_pull(fit.posterior.mean[vcp], fit.posterior.sd[vcp], fit.spec.design.priors)


def _surely_little(fit: Fit) -> bool:
    """A quick bound: no pull is above |b| (t / (1 - t))^(1/2) where the prior is standard normal, b being the mean, t the trace of C.

    Every fit asks for it: in plain floats, of which there are few, not in arrays.
    """
    posterior = fit.posterior
    if posterior.change is None:
        fe, scales = fit.spec.layout.fixed, fit.spec.design.priors.fe_scale.tolist()
        means, sds = posterior.mean[fe].tolist(), posterior.sd[fe].tolist()
        trace = sum((sd / scale) ** 2 for sd, scale in zip(sds, scales, strict=True))
        square = sum((mean / scale) ** 2 for mean, scale in zip(means, scales, strict=True))
    else:
        standard, spread = FixedPrior.of(fit.spec, posterior.change).standard(*posterior.fixed_at_mode())
        trace, square = float(spread.trace()), float(standard @ standard)
    little = trace < 1.0 and square * trace < MUCH**2 * (1.0 - trace)
    return little and _sds_surely_little(fit)


def _sds_surely_little(fit: Fit) -> bool:
    if fit.method == "map":
        return True
    vcp = fit.spec.layout.vcp
    middles, widths = fit.spec.design.priors.of_log_sds
    of_each = zip(
        fit.posterior.mean[vcp].tolist(),
        fit.posterior.sd[vcp].tolist(),
        middles.tolist(),
        widths.tolist(),
        strict=True,
    )
    return not any(sd * abs(mean - middle) > MUCH_OF_SD * width**2 for mean, sd, middle, width in of_each)


def warn_of_prior_pull(fit: Fit) -> None:
    """Name the parameters whose priors decide where they are.

    Warns
    -----
    PriorPullWarning
        If the prior moves a coefficient by more than half a standard error, or the logarithm of a standard deviation or of the
        family's own parameter by more than three quarters of a posterior standard deviation.
    """
    if not fit.converged or fit.status == "collapsed":
        return
    if fit.spec.layout.shape_names:
        family = fit.spec.layout.family
        _warn_of_shapes(fit.spec, fit.posterior.mean[None, family], fit.posterior.sd[None, family])
    if _surely_little(fit):
        return
    pull = prior_pull(fit)
    spec, mean = fit.spec, fit.posterior.mean
    fixed = spec.layout.fixed
    names = _names(spec)
    much = is_much(pull, len(fixed)) & ~np.isin(names, fit.strained)  # of which another warning has told
    if not much.any():
        return
    with np.errstate(over="ignore"):
        values = [*mean[fixed], *np.exp(mean[spec.layout.vcp])]

    def said(j: int) -> str:
        return f"{names[j]} ({values[j]:.3g}: by {pull[j]:.1f})"

    rank = np.where(much, pull, 0.0)
    if much[: len(fixed)].any():
        one_sided = unbounded_effects(spec) & much[: len(fixed)]
        _warn_of_one_sided(spec, np.flatnonzero(one_sided), said)
        rank[: len(fixed)][one_sided] = 0.0
    _warn(spec, rank, said, mean[spec.layout.vcp])


def _warn_of_one_sided(spec: ModelSpec, which: npt.NDArray[np.intp], said: Callable[[int], str]) -> None:
    """Where a wider prior would only move coefficients further."""
    if len(which):
        name = spec.layout.fixed_names[which[0]]
        warn(
            f"the responses bound fixed effects on one side only, and how far they are on the other is what the prior says: "
            f"{listed([said(j) for j in which])}. A wider prior would take them further; let it say how large such an effect may be, as "
            f"priors={{{name!r}: Normal(0, ...)}}, or put levels together",
            PriorPullWarning,
        )


def _warn_of_shapes(spec: ModelSpec, mean: Floats, sd: Floats) -> None:
    """The same of the family's own parameter: near-Poisson counts, for one, say no more of alpha than that it is small.

    `mean` and `sd`, of its logarithm, have a row for each response.
    """
    priors = spec.design.priors
    for j, name in enumerate(spec.layout.shape_names):
        pull = shape_pull(mean, sd, priors)[:, j]
        much = pull > MUCH_OF_SD
        if not much.any():
            continue
        at = float(np.median(mean[much, j]))
        one = f" ({np.exp(at):.3g}) by {pull[0]:.1f}"
        many = f" in {np.count_nonzero(much)} of {len(much)} responses by more than three quarters of"
        middle, width = (float(v[j]) for v in priors.of_log_shapes)
        warn(
            f"the prior pulls {name}{one if len(much) == 1 else many} posterior standard deviations of its logarithm. "
            f"{_for_log(middle, width, name, at, 'the simpler family')}",
            PriorPullWarning,
        )


def warn_of_pull_in_many(
    spec: ModelSpec, pull: Floats, vcp_mean: Floats, family_mean: Floats, family_sd: Floats
) -> None:
    """The same of many responses: `pull` has shape (m, p + K), `vcp_mean` (m, K), the others (m, k).

    Warns
    -----
    PriorPullWarning
    """
    _warn_of_shapes(spec, family_mean, family_sd)
    p = len(spec.layout.fixed)
    much = is_much(pull, p)
    counts = much.sum(axis=0)
    if not counts.any():
        return
    names = _names(spec)

    def said(j: int) -> str:
        return f"{names[j]} ({counts[j]} of {len(pull)} responses)"

    of_these = zip(vcp_mean.T, much[:, p:].T, strict=True)
    middle = np.array([np.median(v[m]) if m.any() else 0.0 for v, m in of_these])
    _warn(
        spec,
        counts.astype(np.float64),
        said,
        middle,
        "; but not for responses that bound it on one side only, as failures alone do",
    )


def _warn(spec: ModelSpec, rank: Floats, said: Callable[[int], str], vcp: Floats, but: str = "") -> None:
    """One warning for the fixed effects, one for the standard deviations: of those with a `rank` above zero, the highest first.

    `but` restricts what is advised of fixed effects.
    """
    p = len(spec.layout.fixed)
    priors, names = spec.design.priors, _names(spec)
    order = [int(j) for j in np.argsort(-rank, kind="stable") if rank[j] > 0.0]
    fixed, sds = [j for j in order if j < p], [j for j in order if j >= p]
    if fixed:
        warn(
            f"the prior pulls fixed effects by more than half a standard error: {listed([said(j) for j in fixed])}. "
            f"{_for_fixed(priors, names[fixed[0]], fixed[0])}{but}",
            PriorPullWarning,
        )
    if sds:
        first = sds[0] - p
        warn(
            "the prior pulls standard deviations by more than three quarters of a posterior standard deviation of their logarithm: "
            f"{listed([said(j) for j in sds])}. {_for_sd(priors, names[sds[0]], first, float(vcp[first]))}",
            PriorPullWarning,
        )


def _names(spec: ModelSpec) -> list[str]:
    return [*spec.layout.fixed_names, *map(sd_name, spec.layout.vcp_names)]


def _for_fixed(priors: ModelPriors, name: str, place: int) -> str:
    wider = f"wider priors, as priors={{{name!r}: {priors.fe[place].widened(10.0)!r}}}"
    if priors.in_units:
        return f"If that is not meant, give {wider}"
    return (
        "Is a covariate far from zero, or in large or small units? If the pull is not meant, center(...) it, take the "
        f"default priors, in units of the columns, which do not depend on origins, or give {wider}"
    )


def _for_sd(priors: ModelPriors, name: str, place: int, log_sd: float) -> str:
    middle, width = (float(v[place]) for v in priors.of_log_sds)
    return _for_log(middle, width, name, log_sd, "the model without the term")


def _for_log(middle: float, width: float, name: str, log_sd: float, simpler: str) -> str:
    if log_sd > middle:
        wider = LogNormal(float(f"{middle:.3g}"), float(f"{3.0 * width:.3g}"))
        return f"The data have it larger than the prior expects: give a wider one, as priors={{{name!r}: {wider!r}}}"
    other = HalfNormal(float(f"{np.exp(middle):.3g}"))
    return (
        "The data have it smaller than the prior expects, and how small is what the prior says: see whether that matters by "
        f"another one, as priors={{{name!r}: {other!r}}}, or take {simpler} where it is next to zero"
    )
