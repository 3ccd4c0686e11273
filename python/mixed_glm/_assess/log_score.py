"""How well a fit predicts the responses of other data."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from mixed_glm._assess.draw_density import log_mean
from mixed_glm._assess.elpd import ELPD
from mixed_glm._fit.fit import Fit
from mixed_glm._predict.draws import predict_draws
from mixed_glm._predict.groups import as_groups
from mixed_glm._predict.new_rows import NewRows, make_rows
from mixed_glm._predict.responses import Responses, responses_of
from mixed_glm._spec.spec import ModelSpec


def log_score(
    fit: Fit,
    data: Any,
    exog_vc: Any = None,
    offset: Any = None,
    *,
    exposure: Any = None,
    n_trials: Any = None,
    endog: Any = None,
    draws: int = 1000,
    rng: Any = 0,
) -> ELPD:
    """Log predictive density of the responses of new rows: of each by itself, as the mean over draws from the posterior.

    Parameters
    ----------
    data : DataFrame, or array_like of shape (m, p)
        New rows with their responses, none of them missing: a data frame with the variables of the formula, or fixed-effects columns.
    exog_vc, offset, exposure, n_trials
        Of these rows, as for `MixedGLMResults.predict`.
    endog : array_like, shape (m,), or str, optional
        Their responses, or the name of a column of `data`; default what the formula finds in `data`.
    draws : int, default 1000
    rng : int or numpy.random.Generator, default 0

    Returns
    -------
    ELPD
        Rows of groups that the model knows are predicted with their effects; for groups that it does not know, or that are missing,
        effects are integrated out.

    Raises
    ------
    ValueError, TypeError
        If an argument does not fit, or something is missing in a row.
    """
    if data is None:
        raise ValueError(
            "data must be given: of the model's own rows, loo() tells how well they are predicted"
        )
    rows = {"offset": offset, "exposure": exposure, "n_trials": n_trials}
    log_likelihood = predict_draws(
        fit,
        data,
        exog_vc,
        kind="log_likelihood",
        random="conditional",
        endog=endog,
        draws=draws,
        rng=rng,
        **rows,
    )
    n = len(log_likelihood)
    pointwise, variance = log_mean(log_likelihood, np.full(n, 1.0 / n))
    lost = np.isnan(pointwise)
    if lost.any():
        raise ValueError(
            f"data must be complete: something is missing in {int(lost.sum())} of {len(lost)} rows, the first of them row "
            f"{int(np.argmax(lost))}; leave them out"
        )
    data = data.to_pandas() if hasattr(data, "to_pandas") else data
    made = make_rows(
        fit.spec, data, exog_vc, offset, exposure, n_trials, as_groups("conditional", None, fit.spec.layout)
    )
    scored = _of_rows(fit.spec, made, responses_of(fit.spec, made, data, endog))
    return ELPD.of(scored, "score", pointwise, variance=variance)


def _of_rows(spec: ModelSpec, rows: NewRows, responses: Responses) -> ModelSpec:
    """The model with the new rows in the place of its own, so that scores of several models can be told to be of the same."""
    design = dataclasses.replace(
        spec.design, endog=responses.endog, exog=rows.exog, exog_vc=rows.known, n_trials=responses.n_trials,
        freq_weights=None, offset=rows.shift, exposure=None,
    )  # fmt: skip
    encoding = None if spec.encoding is None else dataclasses.replace(spec.encoding, n_missing=0)
    return dataclasses.replace(spec, design=design, encoding=encoding, index=rows.index)
