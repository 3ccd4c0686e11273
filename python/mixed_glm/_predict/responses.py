"""Responses of new rows, where their likelihood is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from mixed_glm._formula.frames import known_columns
from mixed_glm._input.arrays import as_floats, require_same_index
from mixed_glm._input.ordinal import categories_of
from mixed_glm._input.response import as_counts, successes
from mixed_glm._predict.linear import is_raw
from mixed_glm._predict.new_rows import NewRows
from mixed_glm._spec.spec import ModelSpec

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Responses:
    """Responses of m rows.

    Attributes
    ----------
    endog : float array, shape (m,)
        NaN where it is missing.
    n_trials, weights : float array, shape (m,)
    """

    endog: Floats
    n_trials: Floats
    weights: Floats

    def of_rows(self, rows: slice) -> Responses:
        """Those of some rows."""
        return Responses(self.endog[rows], self.n_trials[rows], self.weights[rows])


def responses_of(spec: ModelSpec, rows: NewRows, exog: Any, endog: Any) -> Responses:
    """Responses of the rows to predict: the model's own, or new ones, as given or as the formula finds them in `exog`.

    Raises
    ------
    ValueError
        If there are none, their number is wrong, or one is none of the family's.
    """
    if exog is None:
        if endog is not None:
            raise ValueError("endog must come with exog: without it, the model's own rows count")
        return Responses(spec.design.endog, spec.design.trials(), spec.design.weights())
    m = len(rows)
    if endog is not None:
        y, own_trials = _as_given(spec, _column(exog, endog), m)
    elif spec.encoding is not None and is_raw(spec, exog):
        y, own_trials = spec.encoding.encode_response(
            exog, spec.design.response_levels, spec.family.is_ordinal
        )
    else:
        raise ValueError("endog must be given for the log likelihood of new rows of a model from arrays")
    n_trials = own_trials if rows.n_trials is None else rows.n_trials
    if n_trials is None and spec.design.n_trials is not None:
        raise ValueError("n_trials must be given for the log likelihood of new rows: the model has them")
    known = np.isfinite(y) & (True if n_trials is None else np.isfinite(n_trials))
    counted = None if n_trials is None else n_trials[known]
    seen = y[known] if spec.family.is_continuous else as_counts(y[known], counted)
    spec.family.validate_response(seen, counted)
    y = np.full(m, np.nan)
    y[known] = seen
    return Responses(y, np.ones(m) if n_trials is None else n_trials, np.ones(m))


def _as_given(spec: ModelSpec, endog: Any, m: int) -> tuple[Floats, Floats | None]:
    """Responses, and trials where they come in two columns."""
    levels = spec.design.response_levels
    of_levels = categories_of if spec.family.is_ordinal else successes
    values = as_floats(endog, "endog") if levels is None else of_levels(endog, levels, "endog")
    if values.ndim == 0:
        raise ValueError(f"endog must have one value for each of the {m} rows of exog, got one number")
    if len(values) != m:
        raise ValueError(f"endog must have one value for each of the {m} rows of exog, got {len(values)}")
    if values.ndim == 2 and values.shape[1] == 2 and spec.family.has_trials:
        return values[:, 0], values.sum(axis=1)
    if values.ndim != 1 and values.shape != (m, 1):
        raise ValueError(f"endog must be one-dimensional, got shape {values.shape}")
    return values.ravel(), None


def _column(exog: Any, endog: Any) -> Any:
    """The values, or the column of that name."""
    if not isinstance(endog, str):
        require_same_index(exog=exog, endog=endog)
        return endog
    if not isinstance(exog, (pd.DataFrame, Mapping)) or endog not in exog:
        hint = f"; {known_columns(endog, exog)}" if isinstance(exog, (pd.DataFrame, Mapping)) else ""
        raise ValueError(f"endog: exog has no column {endog!r}{hint}")
    return exog[endog]
