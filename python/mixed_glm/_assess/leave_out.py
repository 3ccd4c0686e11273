"""Leave-one-group-out cross-validation."""

from __future__ import annotations

from typing import Any

import numpy as np

from mixed_glm._assess.draw_density import draw_log_likelihood, log_mean
from mixed_glm._assess.elpd import ELPD
from mixed_glm._assess.left_out import left_out
from mixed_glm._assess.row_groups import row_groups
from mixed_glm._fit.fit import Fit
from mixed_glm._fit.refit import marginal_of
from mixed_glm._input.arrays import as_count, as_generator


def leave_out(fit: Fit, groups: Any, *, draws: int = 1000, rng: Any = 0, n_jobs: int = -1) -> ELPD:
    """Cross-validation that leaves out groups: how well the responses of a new group are predicted, all of them together.

    The joint predictive density of the responses of each group given those of all others, as the difference of the log
    evidences with and without the group: exact but for the approximation of the fit, whose errors mostly cancel. Priors
    stay those of all rows.

    Parameters
    ----------
    groups : str or array_like, shape (nobs,)
        The name of a component of which each row has one effect, such as ``"herd"``; or the label of each row's group: a
        Series with the index of the data, or values for the rows of the model.
    draws : int, default 1000
        Posterior draws, for the effective number of parameters alone.
    rng : int or numpy.random.Generator, default 0
    n_jobs : int, default -1
        Threads; results do not depend on it.

    Returns
    -------
    ELPD
        With an entry for each group in `pointwise`; `index` has their labels.

    Raises
    ------
    ValueError
        If there is no such component, labels do not fit the rows, or the fit has no estimate of log p(y).

    Warns
    -----
    ConvergenceWarning
        If there is no fit without some of the groups, whose entries are NaN.
    """
    marginal_of(fit)
    found, count, generator = (
        row_groups(fit.spec, groups, "groups"),
        as_count(draws, "draws"),
        as_generator(rng),
    )
    pointwise = left_out(fit, found.rows, n_jobs)
    log_likelihood, weights = draw_log_likelihood(fit.posterior, fit.spec, count, generator)
    together = np.stack([log_likelihood[:, rows].sum(axis=1) for rows in found.rows], axis=1)
    p = float((log_mean(together, weights)[0] - pointwise).sum())
    exact = np.ones(len(pointwise), dtype=bool)
    return ELPD.of(fit.spec, "logo", pointwise, p, index=found.labels, exact=exact, folds=found.of_row)
