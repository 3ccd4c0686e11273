"""Posterior draws of linear predictors, means, responses and log likelihoods of rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mixed_glm._fit.fit import Fit
from mixed_glm._input.arrays import as_count, as_generator
from mixed_glm._input.options import as_choice, as_flag
from mixed_glm._predict.groups import as_groups
from mixed_glm._predict.new_rows import make_rows
from mixed_glm._predict.responses import Responses, responses_of
from mixed_glm._predict.row_draws import RowDraws

Floats = npt.NDArray[np.float64]

KINDS = ("linear", "mean", "response", "log_likelihood")


def predict_draws(
    fit: Fit,
    exog: Any = None,
    exog_vc: Any = None,
    offset: Any = None,
    kind: str = "mean",
    random: str | None = None,
    include: Any = None,
    *,
    exposure: Any = None,
    n_trials: Any = None,
    endog: Any = None,
    draws: int = 1000,
    rng: Any = 0,
    as_xarray: bool = False,
) -> Any:
    """Draw what rows have from the posterior, jointly for all rows.

    Parameters
    ----------
    exog, exog_vc, offset
        Rows, as for `MixedGLMResults.predict`; default the model's own.
    kind : {"mean", "linear", "response", "log_likelihood"}, default "mean"
        The mean of the response (per trial for the binomial family), the linear predictor, a new response (a number of
        successes for the binomial family, of a category from 0 for the cumulative one, which has no mean), or the log
        probability of the response that a row has.
    random : {"population", "conditional", "marginal"}, default "population"
        As for `MixedGLMResults.predict`. ``"conditional"``: effects of a group that was not met are drawn once for all rows
        of that group, those of a missing group (NaN or None) for each row. ``"marginal"``: the mean over the effects of new
        groups; responses and their log probabilities are those of members of new groups, one for each group.
    include : list of str, optional
        Names of the random terms that count, as the summary shows them (or their numbers); the effects of others are
        zero. ``random`` is then ``"conditional"`` unless it is ``"marginal"``.
    exposure, n_trials
        Of the rows, as for `MixedGLMResults.predict`.
    endog : array_like, shape (m,), or str, optional
        Responses of new rows, or the name of a column of `exog`, for ``kind="log_likelihood"`` only. Default what the
        formula finds in `exog`.
    draws : int, default 1000
        Number of draws. Only what the rows need is drawn.
    rng : int or numpy.random.Generator, default 0
        Source of the draws; by default always the same, so that draws of several kinds or of several tables belong
        together.
    as_xarray : bool, default False
        Return a DataArray with dimensions ``draw`` and ``row``, the index of the rows being the coordinates of the latter;
        needs xarray.

    Returns
    -------
    float array, shape (draws, m), or xarray.DataArray
        NaN where something is missing. Linear predictors, and means without unknown groups, have exactly the means that
        `MixedGLMResults.predict` gives, which is a summary of these draws. The log probability of an own row of the model
        is multiplied by its frequency weight.

    Raises
    ------
    ValueError, TypeError
        If an argument does not fit.
    ImportError
        With `as_xarray`, if xarray is not installed.
    """
    kind, as_xarray = as_choice(kind, "kind", KINDS), as_flag(as_xarray, "as_xarray")
    if endog is not None and kind != "log_likelihood":
        raise ValueError(f"endog is only for kind='log_likelihood', got it with {kind!r}")
    spec = fit.spec
    if kind == "mean" and spec.family.is_ordinal:
        raise ValueError(
            "kind='mean' is not for the cumulative family, whose categories have no mean: predict gives the probability of each, "
            "and kind='response' draws categories"
        )
    exog = exog.to_pandas() if hasattr(exog, "to_pandas") else exog
    groups = as_groups(random, include, spec.layout)
    rows = make_rows(spec, exog, exog_vc, offset, exposure, n_trials, groups)
    if kind == "response" and rows.n_trials is None and spec.design.n_trials is not None:
        raise ValueError("n_trials must be given for new responses: the model has them")
    responses = responses_of(spec, rows, exog, endog) if kind == "log_likelihood" else None
    count, generator = as_count(draws, "draws"), as_generator(rng)
    drawn = RowDraws.of(fit, rows, count, generator)
    over_new = groups.random == "marginal" and kind in ("linear", "mean")
    values = _values(drawn, kind, over_new, responses, generator).T
    return _labelled(values, rows.index) if as_xarray else values


def _values(
    drawn: RowDraws, kind: str, over_new: bool, responses: Responses | None, rng: np.random.Generator
) -> Floats:
    """Draws of one kind, shape (m, n)."""
    effects = None if over_new else drawn.new_effects(rng)
    out = np.empty((len(drawn.rows), len(drawn)))
    for block in drawn.blocks():
        eta = drawn.with_effects(drawn.linear_predictors(block), effects, block)
        if kind == "linear":
            out[block] = eta
        elif kind == "mean":
            out[block] = drawn.over_new(eta, block) if over_new else drawn.spec.family.mean(eta)
        elif responses is None:
            n_trials = drawn.rows.n_trials
            trials = None if n_trials is None else n_trials[block, None]
            out[block] = drawn.spec.family.draw(eta, drawn.own, rng, trials)
        else:
            out[block] = _log_likelihood(drawn, eta, responses.of_rows(block))
    return out


def _log_likelihood(drawn: RowDraws, eta: Floats, responses: Responses) -> Floats:
    """Log probabilities, shape (m, n)."""
    known = np.isfinite(responses.endog) & np.isfinite(eta).all(axis=1)
    out = np.full(eta.shape, np.nan)
    of_rows = responses.endog, responses.n_trials, responses.weights
    endog, n_trials, weights = (np.ascontiguousarray(values[known]) for values in of_rows)
    found = drawn.spec.family.log_likelihood(endog, eta[known].T, drawn.own, n_trials, weights)
    out[known] = found.T
    return out


def _labelled(values: Floats, index: Any) -> Any:
    try:
        from xarray import DataArray
    except ImportError as error:
        raise ImportError("as_xarray=True needs xarray: pip install 'mixed-glm[arviz]'") from error
    labels = np.arange(values.shape[1]) if index is None else index
    return DataArray(values, dims=("draw", "row"), coords={"row": labels})
