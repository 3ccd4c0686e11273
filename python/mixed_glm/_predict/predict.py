"""Predictions of a fit, with intervals."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from mixed_glm._fit.fit import Fit
from mixed_glm._input.arrays import as_count, as_generator
from mixed_glm._input.options import as_flag
from mixed_glm._predict.categories import predict_categories
from mixed_glm._predict.groups import as_groups
from mixed_glm._predict.intervals import predict_rows
from mixed_glm._predict.new_rows import NewRows, make_rows
from mixed_glm._predict.population import predict_population
from mixed_glm._predict.row_draws import RowDraws
from mixed_glm._predict.tail import warn_of_tails
from mixed_glm._predict.target import Prediction, Target

Floats = npt.NDArray[np.float64]


def predict(
    fit: Fit,
    exog: Any = None,
    exog_vc: Any = None,
    offset: Any = None,
    linear: bool = False,
    random: str | None = None,
    interval: float | bool | None = None,
    *,
    exposure: Any = None,
    n_trials: Any = None,
    predictive: bool = False,
    include: Any = None,
    draws: int = 1000,
    rng: Any = 0,
) -> Floats | pd.DataFrame:
    """Predict the mean of the response, with intervals for it or for new responses.

    Parameters
    ----------
    exog : array_like, shape (m, p), or DataFrame, optional
        Fixed-effects columns (found by their names, if it is a data frame that has them); for a model from a
        formula, a data frame with its variables. Default: the model's own rows.
    exog_vc : array_like or sparse, shape (m, q), optional
        Random-effects columns of new rows, where `exog` is not a data frame of variables. In a component of
        which every row of the model has one effect (a grouping factor), a row without one, or with NaN, belongs
        to an unknown group. (True or False here is `linear`, whose place it is in statsmodels.)
    offset : array_like, shape (m,), or str, optional
        For new rows, or the name of a column of `exog`; required if the model has one. Offsets in the formula
        are evaluated anew.
    linear : bool, default False
        Predict the linear predictor.
    random : {"population", "conditional", "marginal"}, default "population"
        ``"population"``: random effects are zero. ``"conditional"``: those of the row's groups; a group that was
        not met, or is missing (NaN or None), is an unknown one, whose effects are drawn from N(0, exp(2 psi)),
        which widens the interval. ``"marginal"``: the mean over the effects of new groups.
    interval : float, optional
        Probability of a central interval, such as 0.95 (or True, for 0.95).
    exposure : array_like, shape (m,), or str, optional
        As `offset`.
    n_trials : array_like, shape (m,), or str, optional
        Numbers of trials of new binomial responses, for `predictive` only; required there if the model has them.
    predictive : bool, default False
        Predict new responses instead of their mean: the interval is that of a response, and the mean of
        binomial responses with trials is that of the number of successes. With ``random="marginal"`` the
        response is that of a member of a new group.
    include : list of str, optional
        Names of the random terms that count, as the summary shows them (or their numbers); the effects of others are
        zero. ``random`` is then ``"conditional"`` unless it is ``"marginal"``.
    draws : int, default 1000
        Number of posterior draws that means and intervals are made of where random effects or new responses have a
        part in them; ends of 95 % intervals have a standard error of about 0.09 (1000 / draws)^(1/2) posterior standard
        deviations. For the population nothing is drawn: the posterior of the fixed effects is known.
    rng : int or numpy.random.Generator, default 0
        Source of the draws; by default always the same.

    Returns
    -------
    ndarray, shape (m,), or DataFrame
        Ordinal responses: a data frame with the probability of each category, a column for each, with an interval under each
        category ``mean``, ``median``, ``lower``, ``upper``; with `predictive` and an interval ``median``, ``lower`` and
        ``upper``, categories between which a response lies. Others:
        Posterior means, the same whether an interval is asked for or not; with an interval a data frame with columns
        ``mean``, ``median``, ``lower``, ``upper``, and the index of the rows: that of `exog`, or, for the model's own
        rows, that of the rows of its data that were used. Binomial: per trial (unless `predictive`). NaN where a data
        frame has missing values in other columns than groups, those named for offset, exposure and trials included.

    Raises
    ------
    ValueError
        If an argument does not fit, a categorical variable of the fixed effects has a level that the model did
        not meet, or an offset, exposure or number of trials is missing.

    Warns
    -----
    PredictionWarning
        If a mean hangs on few of the draws, as that over new groups does under a log link where there are few groups.
    """
    exog_vc, linear = _in_their_places(exog_vc, as_flag(linear, "linear"))
    predictive = as_flag(predictive, "predictive")
    groups = as_groups(random, include, fit.spec.layout)
    target = Target(linear, groups.random, predictive, _level(interval))
    if linear and predictive:
        raise ValueError("predictive=True must not come with linear=True: responses have no linear scale")
    spec = fit.spec
    rows = make_rows(spec, exog, exog_vc, offset, exposure, n_trials, groups)
    if predictive and rows.n_trials is None and spec.design.n_trials is not None:
        raise ValueError("n_trials must be given for new responses: the model has them")
    count, generator = as_count(draws, "draws"), as_generator(rng)
    if spec.family.is_ordinal and not linear:
        return predict_categories(fit, rows, target, count, generator)
    found = _predict(fit, rows, target, count, generator)
    warn_of_tails(found.k, count)
    if target.interval is None:
        return found.mean
    columns = {name: getattr(found, name) for name in ("mean", "median", "lower", "upper")}
    return pd.DataFrame(columns, index=rows.index)


def predict_as_statsmodels(
    fit: Fit,
    exog: Any = None,
    exog_vc: Any = None,
    offset: Any = None,
    linear: bool = False,
    random: str | None = None,
    interval: float | bool | None = None,
    *,
    exposure: Any = None,
    n_trials: Any = None,
    predictive: bool = False,
    include: Any = None,
    draws: int = 1000,
    rng: Any = 0,
) -> Floats | pd.DataFrame:
    """Predict the mean of the response as statsmodels does, or, if more is asked for, as `MixedGLMResults.predict`.

    Without `random`, `interval`, `predictive` and `include`: at the posterior means of the fixed effects and random effects of zero.

    Parameters
    ----------
    exog, exog_vc, offset, linear, random, interval, exposure, n_trials, predictive, include, draws, rng
        As for `MixedGLMResults.predict`.
    """
    if (
        random is not None
        or interval not in (None, False)
        or predictive
        or include is not None
        or fit.spec.family.is_ordinal
    ):
        return predict(
            fit, exog, exog_vc, offset, linear, random, interval, exposure=exposure, n_trials=n_trials,
            predictive=predictive, include=include, draws=draws, rng=rng,
        )  # fmt: skip
    exog_vc, linear = _in_their_places(exog_vc, linear)
    groups = as_groups(None, None, fit.spec.layout)
    rows = make_rows(fit.spec, exog, exog_vc, offset, exposure, n_trials, groups)
    eta = rows.exog @ fit.posterior.mean[fit.spec.layout.fe] + rows.shift
    return eta if linear else np.asarray(fit.spec.family.mean(eta))


def _in_their_places(exog_vc: Any, linear: bool) -> tuple[Any, bool]:
    """True or False for `exog_vc` is `linear`, whose place it is in statsmodels."""
    return (None, bool(exog_vc)) if isinstance(exog_vc, (bool, np.bool_)) else (exog_vc, linear)


def _predict(fit: Fit, rows: NewRows, target: Target, draws: int, rng: np.random.Generator) -> Prediction:
    if rows.known.nnz or rows.new:
        return predict_rows(RowDraws.of(fit, rows, draws, rng), target, rng)
    exact = predict_population(fit.spec.family, fit.posterior.fixed_effects(), rows, target)
    if not target.predictive:
        return exact
    drawn = predict_rows(RowDraws.of(fit, rows, draws, rng), target, rng)
    return replace(drawn, mean=exact.mean if rows.n_trials is None else exact.mean * rows.n_trials, k=exact.k)


def _level(interval: Any) -> float | None:
    if interval is None or interval is False:
        return None
    if interval is True:
        return 0.95
    if not isinstance(interval, (float, int, np.floating)) or not 0.0 < interval < 1.0:
        raise ValueError(f"interval must be a probability between 0 and 1, such as 0.95, got {interval!r}")
    return float(interval)
