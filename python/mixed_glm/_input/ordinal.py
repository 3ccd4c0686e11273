"""Ordinal responses: labels or whole numbers in an order, as numbers of categories."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from mixed_glm._input.arrays import as_vector, label_series
from mixed_glm._input.response import is_labels

Floats = npt.NDArray[np.float64]

_SHOWN = 8
_HOW = "pandas.Categorical(values, categories=[{}], ordered=True)"


def as_ordinal(values: Any, name: str) -> tuple[Floats, tuple[str, ...]]:
    """Numbers of categories from 0, and the names of the categories in their order.

    An ordered categorical has its categories; whole numbers and booleans have those that occur, in increasing order.

    Raises
    ------
    ValueError, TypeError
        If something is missing, there is no order, or there are less than two categories.
    """
    if isinstance(values, pd.DataFrame) and values.shape[1] == 1:
        values = values.iloc[:, 0]
    if is_labels(values):
        try:
            codes, levels = _of_labels(label_series(values, name), name)
        except TypeError as error:  # sets, lists: nothing that labels are made of
            raise TypeError(
                f"{name} must hold one label a row, such as a text or a number ({error})"
            ) from None
    else:
        codes, levels = _of_numbers(as_vector(values, name), name)
    if not len(codes):
        raise ValueError(f"{name} must have at least one observation, got none")
    if len(levels) < 2:
        shown = f"only {levels[0]!r}" if levels else "none"
        raise ValueError(f"{name} must have two categories or more for the cumulative family, got {shown}")
    return codes, levels


def _of_labels(labels: pd.Series[Any], name: str) -> tuple[Floats, tuple[str, ...]]:
    missing = labels.isna()
    if missing.any():
        raise ValueError(f"{name} must not have missing labels, got one at row {int(missing.argmax())}")
    if pd.api.types.is_bool_dtype(labels.dtype):
        return labels.to_numpy(dtype=np.float64), ("False", "True")
    if isinstance(labels.dtype, pd.CategoricalDtype) and labels.cat.ordered:
        return labels.cat.codes.to_numpy().astype(np.float64), tuple(map(str, labels.cat.categories))
    categorical = isinstance(labels.dtype, pd.CategoricalDtype)
    found = labels.cat.categories if categorical else pd.unique(labels)
    shown = ", ".join([*map(repr, map(str, found[:_SHOWN])), *(["..."] if len(found) > _SHOWN else [])])
    raise ValueError(
        f"{name} has labels without an order ({'a categorical that is not ordered' if categorical else 'texts'}): write "
        f"{_HOW.format(shown)}, with the categories from the lowest to the highest"
    )


def _of_numbers(values: Floats, name: str) -> tuple[Floats, tuple[str, ...]]:
    levels, codes = np.unique(values, return_inverse=True)
    if not (levels == np.floor(levels)).all():
        row = int(np.argmax(values != np.floor(values)))
        raise ValueError(
            f"{name} must be whole numbers, or an ordered categorical, for the cumulative family, got {values[row]:g} at row "
            f"{row}; categories of a number can be made by pandas.cut(values, edges)"
        )
    return codes.reshape(-1).astype(np.float64), tuple(f"{int(level)}" for level in levels)


def require_categories(codes: Floats, weights: Floats | None, levels: tuple[str, ...], name: str) -> None:
    """Check that each category between others is there: nothing would tell its two thresholds apart.

    Raises
    ------
    ValueError
        Naming the first that is not.
    """
    counts = np.bincount(codes.astype(np.intp), weights, minlength=len(levels))
    empty = [level for level, count in zip(levels[1:-1], counts[1:-1], strict=True) if not count > 0.0]
    if empty:
        raise ValueError(
            f"{name} has no observation in category {empty[0]!r}, which is between others: leave out categories that do not "
            f"occur, as values.cat.remove_unused_categories() does, or merge them with their neighbours"
        )


def categories_of(values: Any, levels: tuple[str, ...], name: str) -> Floats:
    """Numbers of the categories of new responses, NaN where they are missing.

    Raises
    ------
    ValueError
        If one is none of the `levels`.
    """
    labels = label_series(values, name)
    numbers = {level: float(k) for k, level in enumerate(levels)}
    missing = labels.isna().to_numpy()
    texts = [f"{v:g}" if isinstance(v, (float, np.floating)) else str(v) for v in labels]
    unknown = [j for j, text in enumerate(texts) if not missing[j] and text not in numbers]
    if unknown:
        raise ValueError(
            f"{name} must be one of the categories {', '.join(map(repr, levels))}, got {texts[unknown[0]]!r} at row {unknown[0]}"
        )
    return np.array([np.nan if gone else numbers[text] for gone, text in zip(missing, texts, strict=True)])
