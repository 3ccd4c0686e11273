"""Expected log predictive density of new responses: PSIS-LOO and WAIC."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import logsumexp

from mixed_glm._fit.fit import Fit
from mixed_glm._input.arrays import as_count
from mixed_glm._posterior.draws import PosteriorDraws
from mixed_glm._posterior.psis import GOOD_K, smooth_rows, smooth_weights

Floats = npt.NDArray[np.float64]

_ENTRIES = 2**19  # rows x draws at a time
_LARGE_VARIANCE = 0.4  # of a response's log likelihood, beyond which WAIC is not to be relied on


@dataclass(frozen=True, repr=False)
class ELPD:
    """Expected log pointwise predictive density of a new response at each row.

    Attributes
    ----------
    kind : {"loo", "waic"}
    elpd : float
        Sum over the rows; higher is better.
    se : float
        Its standard error, from the differences between rows.
    p : float
        Effective number of parameters.
    pointwise : float array, shape (nobs,)
        What each row contributes to `elpd`.
    pareto_k : float array, shape (nobs,), or None
        For ``"loo"``, shape of the importance ratios without each row: above 0.7 its contribution is unreliable.
    n_unreliable : int
        Rows whose contribution is unreliable: by `pareto_k`, or, for ``"waic"``, by a variance of the log likelihood
        above 0.4.
    mcse : float
        Monte-Carlo standard error of `elpd`, from the draws; only to be relied on where the contributions of all rows are.
    corrected : bool
        Whether the draws were weighted by the ratio of the posterior density to that of its approximation.
    index : Index or None
        Labels of the rows, where the data came with some: ``pd.Series(found.pointwise, found.index)`` fits the data frame,
        whatever rows of it were left out.
    """

    kind: str
    elpd: float
    se: float
    p: float
    pointwise: Floats
    pareto_k: Floats | None
    n_unreliable: int
    mcse: float
    corrected: bool
    index: pd.Index[Any] | None = None

    def __str__(self) -> str:
        """Return the figures in a few lines."""
        lines = [
            f"elpd_{self.kind} {self.elpd:10.2f}  (SE {self.se:.2f})",
            f"p_{self.kind}    {self.p:10.2f}",
            f"mcse       {self.mcse:8.2f}  (Monte-Carlo error of elpd_{self.kind})",
        ]
        if self.n_unreliable:
            what = (
                "Pareto k above 0.7" if self.kind == "loo" else "a variance of the log likelihood above 0.4"
            )
            lines.append(
                f"unreliable at {self.n_unreliable} of {len(self.pointwise)} rows, which have {what}"
            )
        return "\n".join(lines)

    __repr__ = __str__  # shown at the prompt, too


def loo(fit: Fit, draws: int = 1000, rng: Any = 0, correct: bool | None = None) -> ELPD:
    """Leave-one-out cross-validation by Pareto smoothed importance sampling.

    Parameters
    ----------
    draws : int, default 1000
    rng : int or numpy.random.Generator, default 0
    correct : bool, optional
        Whether draws are weighted by the ratio of the posterior density of all parameters to that of the
        approximation (Magnusson et al. 2019). By default where these ratios can be used: where their Pareto k is
        at most 0.7, which it is not with many random effects that are not drawn exactly.

    Returns
    -------
    ELPD
        What is left out is one row, given the random effects of its group. A row with a frequency weight, or
        with several trials, counts as one.
    """
    sample = fit.posterior.sample(as_count(draws, "draws"), rng)
    log_ratio, corrected = _approximation(sample, correct)
    full_weights = (
        log_ratio - logsumexp(log_ratio) if corrected else np.full(len(sample), -np.log(len(sample)))
    )
    found = []
    for log_likelihood in _blocks(sample):
        log_weights, k = smooth_rows(log_ratio - log_likelihood)
        pointwise = logsumexp(log_weights + log_likelihood, axis=1)
        terms = np.exp(log_weights) * np.expm1(log_likelihood - pointwise[:, None])
        full = logsumexp(log_likelihood + full_weights, axis=1)
        found.append(np.stack([pointwise, k, (terms**2).sum(axis=1), full - pointwise]))
    pointwise, k, variance, p = np.concatenate(found, axis=1)
    mcse = float(np.sqrt(variance.sum()))
    return _elpd(fit, "loo", pointwise, float(p.sum()), k, int((k > GOOD_K).sum()), mcse, corrected)


def waic(fit: Fit, draws: int = 1000, rng: Any = 0) -> ELPD:
    """Widely applicable information criterion, as an expected log predictive density; prefer `loo`.

    Parameters
    ----------
    draws : int, default 1000
    rng : int or numpy.random.Generator, default 0
    """
    sample = fit.posterior.sample(as_count(draws, "draws"), rng)
    found = []
    for log_likelihood in _blocks(sample):
        variance = log_likelihood.var(axis=1, ddof=1)
        log_mean = logsumexp(log_likelihood, axis=1) - np.log(len(sample))
        deviations = log_likelihood - log_likelihood.mean(axis=1, keepdims=True)
        influence = (np.expm1(log_likelihood - log_mean[:, None]) - deviations**2).var(axis=1)
        found.append(np.stack([log_mean - variance, variance, influence]))
    pointwise, variance, influence = np.concatenate(found, axis=1)
    mcse, unreliable = float(np.sqrt(influence.sum() / len(sample))), int((variance > _LARGE_VARIANCE).sum())
    return _elpd(fit, "waic", pointwise, float(variance.sum()), None, unreliable, mcse, False)


def _blocks(sample: PosteriorDraws) -> Iterator[Floats]:
    """Log likelihoods of some rows after others, shape (rows, draws)."""
    size = max(1, _ENTRIES // len(sample))
    for first in range(0, sample.spec.nobs, size):
        yield np.ascontiguousarray(sample.log_likelihood(slice(first, first + size)).T)


def _approximation(draws: PosteriorDraws, correct: bool | None) -> tuple[Floats, bool]:
    """Log ratios of the posterior to its approximation; zeros where they are not, or cannot be, used."""
    none = np.zeros(len(draws))
    if correct is False:
        return none, False
    log_ratio = draws.log_p - draws.log_q
    if correct is None and not smooth_weights(log_ratio)[1] <= GOOD_K:
        return none, False
    return log_ratio, True


def _elpd(
    fit: Fit,
    kind: str,
    pointwise: Floats,
    p: float,
    k: Floats | None,
    unreliable: int,
    mcse: float,
    corrected: bool,
) -> ELPD:
    se = float(np.sqrt(len(pointwise) * pointwise.var()))
    elpd = float(pointwise.sum())
    return ELPD(kind, elpd, se, p, pointwise, k, unreliable, mcse, corrected, fit.spec.index)
