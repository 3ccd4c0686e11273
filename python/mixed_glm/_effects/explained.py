"""Explained variance: Bayesian, marginal and conditional R2, and intraclass correlations, from posterior draws."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from mixed_glm._effects.family_variance import distribution_variance, require_variance, response_variance
from mixed_glm._effects.tables import summaries
from mixed_glm._fit.fit import Fit
from mixed_glm._input.arrays import as_count, as_generator
from mixed_glm._input.intervals import as_alpha
from mixed_glm._predict.groups import Groups
from mixed_glm._predict.new_effects import NewEffects
from mixed_glm._predict.new_rows import own_rows
from mixed_glm._predict.row_draws import RowDraws
from mixed_glm._spec.spec import ModelSpec

Floats = npt.NDArray[np.float64]


def r2(
    fit: Fit, alpha: float = 0.05, draws: int = 1000, rng: Any = 0, *, approximation: str = "lognormal"
) -> pd.DataFrame:
    """Shares of variance that the model explains.

    Parameters
    ----------
    alpha : float, default 0.05
        Intervals have probability ``1 - alpha``.
    draws : int, default 1000
        Number of posterior draws.
    rng : int or numpy.random.Generator, default 0
        Source of the draws; by default always the same.
    approximation : {"lognormal", "trigamma"}, default "lognormal"
        With a log link, what the variance of the distribution is on the scale of the linear predictor: log(1 + v) or
        trigamma(1 / v), v being the squared coefficient of variation of a response at the mean of all (Poisson: 1 / mean;
        negative binomial: 1 / mean + alpha; gamma: its dispersion; exponential: 1).

    Returns
    -------
    DataFrame
        Columns ``mean``, ``sd``, ``median``, ``lower``, ``upper``; rows

        ``bayes``
            Variance of the rows' means, those of their own groups, over itself plus the mean variance of a response
            around its mean (Gelman, Goodrich, Gabry and Vehtari 2019): on the scale of the response, for binomial responses
            the number of successes.
        ``marginal``, ``conditional``
            Share of the fixed effects, and of fixed and random effects, in the variance on the scale of the linear
            predictor, which has that of the distribution added (Nakagawa, Johnson and Schielzeth 2017): pi^2 / 3 for the logit,
            1 for the probit, pi^2 / 6 for cloglog and loglog links, sigma^2 for the Gaussian; see `approximation` for the log link. The variance of
            random slopes is averaged over the rows (Johnson 2014). Offsets do not count. Effects of a term with one for
            each row are overdispersion, and count to the distribution.

    Raises
    ------
    ValueError, TypeError
        If an argument does not fit.
    """
    as_alpha(alpha)
    parts = _variances(fit, as_count(draws, "draws"), as_generator(rng), approximation)
    random = parts.random.sum(axis=0)
    total = parts.fixed + random + parts.residual
    shares = [parts.of_means / (parts.of_means + parts.of_responses), parts.fixed / total]
    names = ("bayes", "marginal", "conditional")
    return summaries(np.stack([*shares, (parts.fixed + random) / total]), names, alpha)


def icc(
    fit: Fit, alpha: float = 0.05, draws: int = 1000, rng: Any = 0, *, approximation: str = "lognormal"
) -> pd.DataFrame:
    """Intraclass correlations: how alike two responses of one group are, on the scale of the linear predictor.

    Parameters
    ----------
    alpha, draws, rng, approximation
        As for `MixedGLMResults.r2`.

    Returns
    -------
    DataFrame
        Columns ``mean``, ``sd``, ``median``, ``lower``, ``upper``; rows

        ``adjusted``
            Share of the random effects in the variance that is not that of the fixed effects.
        ``unadjusted``
            Their share in all variance.
        ``adjusted[g]``
            With several random terms, the share of each in the variance that is not that of the fixed effects; correlated
            effects are one term.

    Raises
    ------
    ValueError, TypeError
        If an argument does not fit, or the model has no random effects.
    """
    as_alpha(alpha)
    if not fit.spec.layout.k_vcp:
        raise ValueError("icc needs random effects: the model has none")
    parts = _variances(fit, as_count(draws, "draws"), as_generator(rng), approximation)
    random = parts.random.sum(axis=0)
    unexplained = random + parts.residual
    shares = {"adjusted": random / unexplained, "unadjusted": random / (unexplained + parts.fixed)}
    if len(parts.names) > 1:
        shares |= {f"adjusted[{n}]": v / unexplained for n, v in zip(parts.names, parts.random, strict=True)}
    return summaries(np.stack(list(shares.values())), list(shares), alpha)


@dataclass(frozen=True)
class _Variances:
    """Draws of variances, shape (n,) each.

    Attributes
    ----------
    fixed, residual : float array
        On the scale of the linear predictor.
    random : float array, shape (terms, n)
        There, of each random term but those that are overdispersion.
    names : list of str
        Of these terms.
    of_means, of_responses : float array
        On the scale of the response: of the rows' means, and of responses around them on average.
    """

    fixed: Floats
    random: Floats
    residual: Floats
    names: list[str]
    of_means: Floats
    of_responses: Floats


def _variances(fit: Fit, n: int, rng: np.random.Generator, approximation: str) -> _Variances:
    spec, design = fit.spec, fit.spec.design
    require_variance(spec.family)
    weights = design.weights()
    rows = own_rows(spec, Groups("conditional", np.ones(spec.layout.k_vcp, dtype=bool)))
    draws = RowDraws.of(fit, rows, n, rng)
    mean, of_means, of_responses = _moments(draws, weights)
    beta = draws.fe + draws.fe_shift[:, None]
    off = design.exog - weights @ design.exog / weights.sum()
    covariance = (weights[:, None] * off).T @ off / (weights.sum() - 1.0)
    terms = _terms(spec)
    variances = [_new_groups(spec, own).variance(draws.hyper, weights) for own in terms.values()]
    of_rows = [_one_for_each_row(spec, own) for own in terms.values()]
    shape = None if draws.shape is None else draws.shape[0]
    residual = distribution_variance(spec.family, mean, shape, approximation)
    return _Variances(
        fixed=np.einsum("in,ij,jn->n", beta, covariance, beta),
        random=np.array([v for v, own in zip(variances, of_rows, strict=True) if not own]).reshape(-1, n),
        residual=residual + sum(v for v, own in zip(variances, of_rows, strict=True) if own),
        names=[name for name, own in zip(terms, of_rows, strict=True) if not own],
        of_means=of_means,
        of_responses=of_responses,
    )


def _moments(draws: RowDraws, weights: Floats) -> tuple[Floats, Floats, Floats]:
    """Over the rows: mean per trial; variance of the means of the responses; mean of the variances of the responses."""
    family, trials = draws.spec.family, draws.spec.design.trials()
    total = weights.sum()
    mean, first, second, within = np.zeros((4, len(draws)))
    origin = None
    for block in draws.blocks():
        mu = np.asarray(family.mean(draws.linear_predictors(block)))
        w, m = weights[block], trials[block, None]
        origin = (mu * m).mean(axis=0) if origin is None else origin
        mean += w @ mu
        first += w @ (mu * m - origin)
        second += w @ (mu * m - origin) ** 2
        within += w @ (m * response_variance(family, mu, draws.shape))
    return mean / total, (second - first**2 / total) / (total - 1.0), within / total


def _terms(spec: ModelSpec) -> dict[str, tuple[int, ...]]:
    """Names of the random terms, and their components: several where effects are correlated."""
    of_term = {k: term for term in spec.design.correlated for k in term.components}
    found: dict[str, tuple[int, ...]] = {}
    for k, name in enumerate(spec.layout.vcp_names):
        term = of_term.get(k)
        if term is None:
            found[name] = (k,)
        elif k == term.components[0]:
            found[name if term.name in found else term.name] = term.components
    return found


def _new_groups(spec: ModelSpec, components: tuple[int, ...]) -> NewEffects:
    """The effects of these components as if all groups were new."""
    used = np.isin(np.arange(spec.layout.k_vcp), components)
    return own_rows(spec, Groups("marginal", used)).new


def _one_for_each_row(spec: ModelSpec, components: tuple[int, ...]) -> bool:
    """Whether the effects of a component are those of single rows."""
    z = spec.design.exog_vc[:, spec.effects_of(components[0])]
    alone = np.bincount(z.indices, minlength=z.shape[1]).max(initial=0) <= 1
    return bool(len(components) == 1 and alone and z.nnz == spec.nobs and (np.diff(z.indptr) == 1).all())
