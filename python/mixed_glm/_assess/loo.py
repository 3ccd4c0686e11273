"""Leave-one-out cross-validation, by importance sampling or exactly, and WAIC."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import logsumexp

from mixed_glm import _core
from mixed_glm._assess.draw_density import draw_log_likelihood, log_mean
from mixed_glm._assess.elpd import ELPD
from mixed_glm._assess.left_out import left_out
from mixed_glm._fit.fit import Fit
from mixed_glm._fit.in_parallel import in_parallel
from mixed_glm._fit.refit import marginal_of
from mixed_glm._input.arrays import as_count, as_generator, as_n_jobs
from mixed_glm._input.options import as_flag
from mixed_glm._posterior.draws import PosteriorDraws
from mixed_glm._posterior.psis import GOOD_K, smooth_weights

Floats = npt.NDArray[np.float64]

_ENTRIES = 2**19  # rows x draws at a time
_LARGE_VARIANCE = 0.4  # of a response's log likelihood, beyond which WAIC is not to be relied on


def loo(
    fit: Fit,
    draws: int = 1000,
    rng: Any = 0,
    correct: bool | None = None,
    *,
    exact: bool | str = False,
    n_jobs: int = -1,
) -> ELPD:
    """Leave-one-out cross-validation: by Pareto smoothed importance sampling, or exactly.

    Parameters
    ----------
    draws : int, default 1000
    rng : int or numpy.random.Generator, default 0
    correct : bool, optional
        Whether draws are weighted by the ratio of the posterior density of all parameters to that of the
        approximation (Magnusson et al. 2019). By default where these ratios can be used: where their Pareto k is
        at most 0.7, which it is not with many random effects that are not drawn exactly.
    exact : bool or "unreliable", default False
        True: each contribution is the difference log p(y) - log p(y without the row) of the log evidences, where the density
        without the row is that of the same approximation, and priors stay those of all rows. Nothing is sampled but for
        the effective number of parameters. ``"unreliable"``: rows alone whose Pareto k is above 0.7. A row takes a few
        evaluations of the density of the fit.
    n_jobs : int, default -1
        Threads; results do not depend on it.

    Returns
    -------
    ELPD
        What is left out is one row, given the random effects of its group. A row with a frequency weight, or
        with several trials, counts as one.

    Raises
    ------
    ValueError
        If `exact` is asked of a fit that has no estimate of log p(y): of ``fit_map`` and ``fit_vb``.

    Warns
    -----
    ConvergenceWarning
        If there is no fit without some rows.
    """
    if isinstance(exact, str):
        if exact != "unreliable":
            raise ValueError(f"exact must be True, False or 'unreliable', got {exact!r}")
    else:
        exact = as_flag(exact, "exact")
    correct = None if correct is None else as_flag(correct, "correct")
    count, jobs = as_count(draws, "draws"), as_n_jobs(n_jobs)
    if exact:
        marginal_of(fit)
    if exact is True:
        return _exact(fit, count, rng, jobs)
    sample = fit.posterior.sample(count, rng)
    log_ratio, corrected = _approximation(sample, correct)

    def left_out_of(rows: slice) -> Floats:
        return _core.leave_one_out(_log_likelihood(sample, rows), log_ratio)

    found = in_parallel(left_out_of, _blocks(sample), jobs)
    pointwise, k, variance, full = np.concatenate(found, axis=1)
    is_exact = _replace_unreliable(fit, pointwise, k, variance, jobs) if exact else None
    doubtful = k > GOOD_K if is_exact is None else (k > GOOD_K) & ~is_exact
    return ELPD.of(
        fit.spec, "loo", pointwise, float((full - pointwise).sum()), variance, pareto_k=k,
        n_unreliable=int(doubtful.sum()), corrected=corrected, exact=is_exact,
    )  # fmt: skip


def _exact(fit: Fit, draws: int, rng: Any, n_jobs: int) -> ELPD:
    pointwise = left_out(fit, list(np.arange(fit.spec.nobs)[:, None]), n_jobs)
    full, _ = log_mean(*draw_log_likelihood(fit.posterior, fit.spec, draws, as_generator(rng)))
    p, everywhere = float((full - pointwise).sum()), np.ones(len(pointwise), dtype=bool)
    return ELPD.of(fit.spec, "loo", pointwise, p, exact=everywhere)


def _replace_unreliable(
    fit: Fit, pointwise: Floats, k: Floats, variance: Floats, n_jobs: int
) -> npt.NDArray[np.bool_]:
    """Put exact contributions, which have no Monte-Carlo variance, in the place of unreliable ones; which they are."""
    rows = np.flatnonzero(~(k <= GOOD_K))
    found = left_out(fit, list(rows[:, None]), n_jobs)
    rows, found = rows[~np.isnan(found)], found[~np.isnan(found)]
    pointwise[rows], variance[rows] = found, 0.0
    return np.isin(np.arange(len(k)), rows)


def waic(fit: Fit, draws: int = 1000, rng: Any = 0) -> ELPD:
    """Widely applicable information criterion, as an expected log predictive density; prefer `loo`.

    Parameters
    ----------
    draws : int, default 1000
    rng : int or numpy.random.Generator, default 0
    """
    if as_count(draws, "draws") < 2:
        raise ValueError(f"draws must be at least 2, for a variance, got {draws}")
    sample = fit.posterior.sample(draws, rng)
    found = []
    for rows in _blocks(sample):
        log_likelihood = _log_likelihood(sample, rows)
        variance = log_likelihood.var(axis=1, ddof=1)
        log_mean = logsumexp(log_likelihood, axis=1) - np.log(len(sample))
        deviations = log_likelihood - log_likelihood.mean(axis=1, keepdims=True)
        influence = (np.expm1(log_likelihood - log_mean[:, None]) - deviations**2).var(axis=1)
        found.append(np.stack([log_mean - variance, variance, influence]))
    pointwise, variance, influence = np.concatenate(found, axis=1)
    return ELPD.of(
        fit.spec, "waic", pointwise, float(variance.sum()), influence / len(sample),
        n_unreliable=int((variance > _LARGE_VARIANCE).sum()),
    )  # fmt: skip


def _blocks(sample: PosteriorDraws) -> list[slice]:
    """Some rows after others."""
    size = max(1, _ENTRIES // len(sample))
    return [slice(first, first + size) for first in range(0, sample.spec.nobs, size)]


def _log_likelihood(sample: PosteriorDraws, rows: slice) -> Floats:
    """Of these rows, shape (rows, draws)."""
    return np.ascontiguousarray(sample.log_likelihood_by_row(rows))


def _approximation(draws: PosteriorDraws, correct: bool | None) -> tuple[Floats, bool]:
    """Log ratios of the posterior to its approximation; zeros where they are not, or cannot be, used."""
    none = np.zeros(len(draws))
    if correct is False:
        return none, False
    log_ratio = draws.log_p - draws.log_q
    if correct is None and not smooth_weights(log_ratio)[1] <= GOOD_K:
        return none, False
    return log_ratio, True
