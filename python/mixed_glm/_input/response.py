"""Responses that are not yet one number a row: two-level labels, successes beside failures."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from mixed_glm._input.arrays import as_floats, as_labels, as_vector, label_series, require_finite

Floats = npt.NDArray[np.float64]

NEARLY = 1e-6  # how far counts may be from whole numbers, relatively


def is_labels(values: Any) -> bool:
    """Whether a response holds labels (strings, categories, booleans) instead of numbers."""
    if sparse_like(values) or isinstance(values, (pd.DataFrame, int, float)):
        return False
    dtype = getattr(values, "dtype", None)
    dtype = as_labels(values, "endog").dtype if dtype is None else dtype
    if isinstance(dtype, np.dtype) and dtype.kind in "iuf":
        return False
    if isinstance(dtype, pd.CategoricalDtype) or pd.api.types.is_bool_dtype(dtype):
        return True
    if dtype == object:
        return not all(isinstance(v, (int, float, np.number)) or v is None for v in np.ravel(values))
    return not pd.api.types.is_numeric_dtype(dtype)


def sparse_like(values: Any) -> bool:
    """Whether `values` is a scipy.sparse matrix or array."""
    return hasattr(values, "tocsr")


def binary_from_labels(values: Any, name: str) -> tuple[Floats, tuple[str, str] | None]:
    """Turn two-level labels into 0 and 1.

    The second level is success: the second category of a categorical, the second string in sorted order,
    True.

    Returns
    -------
    y : float array, shape (n,)
    levels : (failure, success), or None for booleans

    Raises
    ------
    ValueError
        If there are not exactly two levels, or labels are missing.
    """
    try:
        labels = pd.Series(values).reset_index(drop=True)
        missing = labels.isna()
        numbers, found = pd.factorize(labels, sort=True)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"{name} must be numbers or labels of one kind, got {type(values).__name__} ({error})"
        ) from None
    if missing.any():
        raise ValueError(f"{name} must not have missing labels, got one at row {int(missing.argmax())}")
    if pd.api.types.is_bool_dtype(labels.dtype):
        return labels.to_numpy(dtype=np.float64), None
    if isinstance(labels.dtype, pd.CategoricalDtype):
        if len(labels.cat.categories) > 2:
            labels = labels.cat.remove_unused_categories()
        codes, levels = labels.cat.codes.to_numpy(), labels.cat.categories.tolist()
    else:
        codes, levels = numbers, list(found)
    if len(levels) != 2:
        shown = ", ".join(repr(v) for v in levels[:5]) + (", ..." if len(levels) > 5 else "")
        raise ValueError(
            f"{name} with labels must have two levels, failure and success, got {len(levels)}: {shown}"
        )
    return codes.astype(np.float64), (str(levels[0]), str(levels[1]))


def successes(values: Any, levels: tuple[str, ...], name: str) -> Floats:
    """Labels of new rows as 0 and 1, NaN where they are missing, by the failure and the success that a model has.

    Raises
    ------
    ValueError
        If one is neither.
    """
    labels = label_series(values, name)
    missing = labels.isna().to_numpy()
    written = labels.astype(object).map(str).to_numpy()
    strangers = ~missing & ~np.isin(written, levels)
    if strangers.any():
        raise ValueError(
            f"{name} must be {levels[0]!r} (failure) or {levels[1]!r} (success), as in the data of the model, got "
            f"{written[strangers][0]!r} at row {int(strangers.argmax())}"
        )
    return np.where(missing, np.nan, written == levels[1])


def from_two_columns(successes: Any, failures: Any, name: str) -> tuple[Floats, Floats]:
    """Successes and failures -> successes and trials."""
    won = as_vector(successes, f"{name} (successes)")
    lost = as_vector(failures, f"{name} (failures)", len(won))
    if (lost < 0).any():
        row = int(np.argmax(lost < 0))
        raise ValueError(f"{name} (failures) must not be negative, got {lost[row]:g} at row {row}")
    return won, won + lost


def as_response(endog: Any, binomial: bool) -> tuple[Floats, Floats | None, tuple[str, str] | None]:
    """Read `endog` in any of its forms.

    Returns
    -------
    y : float array, shape (n,)
        Responses; numbers of successes for two columns.
    trials : float array, shape (n,), or None
        Given by two columns only.
    levels : (failure, success), or None
        For labels.
    """
    if isinstance(endog, pd.DataFrame) and endog.shape[1] == 1:
        endog = endog.iloc[:, 0]
    if is_labels(endog):
        if binomial:
            y, levels = binary_from_labels(endog, "endog")
            return _not_empty(y), None, levels
        if not pd.api.types.is_bool_dtype(getattr(endog, "dtype", np.asarray(endog).dtype)):
            raise TypeError("endog must be numeric: labels are only understood for the binomial family")
    array = as_floats(endog, "endog")
    if array.ndim == 2 and array.shape[1] == 2:
        if not binomial:
            raise ValueError("endog may have two columns (successes, failures) only for the binomial family")
        _not_empty(array)
        require_finite(array, "endog", ["successes", "failures"])
        return *from_two_columns(array[:, 0], array[:, 1], "endog"), None
    if array.ndim not in (1, 2) or (array.ndim == 2 and array.shape[1] != 1):
        raise ValueError(
            "endog must be one-dimensional, or have two columns (successes, failures) for the binomial "
            f"family, got shape {array.shape}"
        )
    return as_vector(_not_empty(array), "endog"), None, None


def as_counts(y: Floats, trials: Floats | None) -> Floats:
    """Counts that arithmetic has made nearly whole as whole ones; proportions of `trials` as counts.

    Responses are taken for proportions if some are not whole, all are from 0 to 1, and all are whole numbers of trials.
    """
    whole = np.round(y)
    if np.array_equal(y, whole) or np.allclose(y, whole, rtol=NEARLY, atol=NEARLY):
        return whole
    if trials is not None and ((y >= 0) & (y <= 1)).all():
        counts = y * trials
        if np.allclose(counts, np.round(counts), rtol=NEARLY, atol=NEARLY):
            return np.round(counts)
    return y


def _not_empty(y: Floats) -> Floats:
    if len(y) == 0:
        raise ValueError("endog must have at least one observation, got none")
    return y
