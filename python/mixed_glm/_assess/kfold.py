"""K-fold cross-validation."""

from __future__ import annotations

import concurrent.futures as cf
import functools
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mixed_glm._assess.draw_density import draw_log_likelihood, log_mean
from mixed_glm._assess.elpd import ELPD
from mixed_glm._assess.row_groups import Rows, row_groups
from mixed_glm._console.caller import warn
from mixed_glm._fit.fit import Fit
from mixed_glm._fit.in_parallel import in_parallel
from mixed_glm._fit.refit import refit
from mixed_glm._input.arrays import as_count, as_generator, as_n_jobs
from mixed_glm._many.remote import require_executor
from mixed_glm._spec.spec import ModelSpec
from mixed_glm.exceptions import ConvergenceWarning

Floats = npt.NDArray[np.float64]


def kfold(
    fit: Fit,
    folds: Any = 10,
    *,
    groups: Any = None,
    draws: int = 1000,
    rng: Any = 0,
    n_jobs: int = -1,
    executor: cf.Executor | None = None,
) -> ELPD:
    """K-fold cross-validation: the predictive density of each row, by a fit without the rows of its fold.

    Each fit is made as this one was: by the same method, under the priors of all rows. Effects of groups that have no row
    left are drawn from their distribution.

    Parameters
    ----------
    folds : int, str or array_like, shape (nobs,), default 10
        A number of folds, into which the rows are put at random; or the fold of each row: a Series with the index of the
        data, or values for the rows of the model; or the name of a component of which each row has one effect, such as
        ``"herd"``, whose groups are the folds. A number gives the same folds to models of as many rows, with the same `rng`.
    groups : str or array_like, shape (nobs,), optional
        With a number of folds, what is not to be torn apart: whole groups are put into the folds. The name of a component, or
        labels, as for `leave_out`.
    draws : int, default 1000
        Posterior draws of each fit.
    rng : int or numpy.random.Generator, default 0
        Source of random folds and of the draws.
    n_jobs : int, default -1
        Threads; results do not depend on it.
    executor : concurrent.futures.Executor, optional
        Who makes the fits, in the place of threads: a pool of processes, ``dask.distributed``'s ``client.get_executor()``.

    Returns
    -------
    ELPD
        An entry for each row; `folds` tells which were left out together. A row with a frequency weight, or with several trials,
        counts as one.

    Raises
    ------
    ValueError, TypeError
        If folds are none of these, or are fewer than two.

    Warns
    -----
    ConvergenceWarning
        If a fit did not simply converge; where there is none, entries are NaN.
    """
    if executor is not None:
        require_executor(executor)
    spec, count, jobs, generator = fit.spec, as_count(draws, "draws"), as_n_jobs(n_jobs), as_generator(rng)
    of_row, rows = _folds(spec, folds, groups, generator)
    seeds = generator.integers(2**63, size=len(rows) + 1)
    tasks = [_Task(r, int(seed)) for r, seed in zip(rows, seeds[1:], strict=True)]
    found = in_parallel(functools.partial(_score, fit, count), tasks, jobs, executor)
    _warn([score.status for score in found])
    pointwise, variance = np.empty(spec.nobs), np.empty(spec.nobs)
    for task, score in zip(tasks, found, strict=True):
        pointwise[task.rows], variance[task.rows] = score.log_density, score.variance
    full, _ = log_mean(*draw_log_likelihood(fit.posterior, spec, count, np.random.default_rng(seeds[0])))
    return ELPD.of(spec, "kfold", pointwise, float((full - pointwise).sum()), variance, folds=of_row)


@dataclass(frozen=True)
class _Task:
    """A fold.

    Attributes
    ----------
    rows : int array
    seed : int
        Of the draws.
    """

    rows: Rows
    seed: int


@dataclass(frozen=True)
class _Score:
    """What came of a fold: an entry for each of its rows, and how the fit ended."""

    log_density: Floats
    variance: Floats
    status: str


def _score(fit: Fit, draws: int, task: _Task) -> _Score:
    """Fit all other rows, and predict these."""
    none = np.full(len(task.rows), np.nan)
    if fit.spec.lacks_category_without(task.rows):
        return _Score(none, none, "failed")
    weights = fit.spec.design.weights().copy()
    weights[task.rows] = 0.0
    try:
        rest = refit(fit, fit.spec.with_weights(weights))
    except RuntimeError:
        return _Score(none, none, "failed")
    these, generator = fit.spec.of_rows(task.rows), np.random.default_rng(task.seed)
    return _Score(*log_mean(*draw_log_likelihood(rest.posterior, these, draws, generator)), rest.status)


def _folds(spec: ModelSpec, given: Any, groups: Any, rng: np.random.Generator) -> tuple[Rows, list[Rows]]:
    """Fold of each row, and the rows of each fold."""
    if not isinstance(given, (int, np.integer)) or isinstance(given, bool):
        if groups is not None:
            raise ValueError("groups is only for a number of folds, got it with the folds themselves")
        found = row_groups(spec, given, "folds")
        return found.of_row, found.rows
    whole = np.arange(spec.nobs) if groups is None else row_groups(spec, groups, "groups").of_row
    size, what = int(whole.max()) + 1, "rows" if groups is None else "groups"
    if not 2 <= given <= size:
        raise ValueError(f"folds must be from 2 to the number of {what}, {size}, got {given}")
    of_row = rng.permutation(np.arange(size) % given)[whole]
    return of_row, [np.flatnonzero(of_row == j) for j in range(given)]


def _warn(statuses: list[str]) -> None:
    others = Counter(status for status in statuses if status != "converged")
    if others:
        counts = ", ".join(f"{count} {status}" for status, count in others.items())
        warn(
            f"kfold: {others.total()} of {len(statuses)} fits did not simply converge: {counts}",
            ConvergenceWarning,
        )
