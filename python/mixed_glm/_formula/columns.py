"""Columns of a data frame in the two forms that formulas need: exact labels, and numbers in float64.

Whole numbers are labels as they came, 3 and not 3.0, however large. Numbers are float64 before anything is computed of
them, because the small integers that files have for columns wrap around without a word.
"""

from __future__ import annotations

import numbers
from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

EXACT = 2.0**53  # whole numbers from here on are not all floats


def plain_columns(frame: pd.DataFrame) -> pd.DataFrame:
    """Columns of numpy's types instead of pandas' nullable and Arrow's, and of numbers that came as objects.

    formulaic would not take texts of the former for factors, and would take numbers of the latter for them. Missing
    values stay missing, different values stay different; the caller's frame is not changed.
    """
    plain = {name: plain_column(frame[name]) for name, dtype in frame.dtypes.items() if not _is_plain(dtype)}
    return with_columns(frame, plain)


def number_columns(frame: pd.DataFrame) -> pd.DataFrame:
    """Numbers of plain columns as float64; booleans, texts and categories stay what they are."""
    numbers = {name: frame[name] for name, dtype in frame.dtypes.items() if _may_be_numbers(dtype)}
    as_floats = {name: column.astype(np.float64) for name, column in numbers.items() if _is_number(column)}
    return with_columns(frame, as_floats)


def some_columns(frame: pd.DataFrame, names: Collection[Any]) -> pd.DataFrame:
    """The columns that are among `names`; the frame itself where these are all."""
    chosen = [name in names for name in frame.columns]
    return frame if all(chosen) else frame.loc[:, chosen]


def with_columns(frame: pd.DataFrame, columns: Mapping[Any, pd.Series[Any]]) -> pd.DataFrame:
    """Frame with other columns in the place of its own; it is not changed itself."""
    if not columns:
        return frame
    changed = frame.copy(deep=False)
    for name, column in columns.items():
        changed[name] = column
    return changed


def is_missing(column: pd.Series[Any]) -> npt.NDArray[np.bool_]:
    """Where nothing is; asked of the array, since pandas would make a column of the answer."""
    return np.asarray(pd.isna(column.array))


def number_column(column: pd.Series[Any]) -> pd.Series[Any]:
    """Numbers of a plain column as float64, anything else as it is."""
    return column.astype(np.float64) if _is_number(column) else column


def wide_column(column: pd.Series[Any], arithmetic: bool) -> pd.Series[Any]:
    """Whole numbers of a plain column in a form in which they can be computed with: int64, or Python's own integers."""
    if not pd.api.types.is_integer_dtype(column.dtype):
        return column
    wide = column.astype(np.int64)
    small = len(wide) == 0 or max(abs(int(wide.min())), abs(int(wide.max()))) < 2**31
    return wide if small or not arithmetic else wide.astype(object)


def exact_number(value: Any) -> Any:
    """The integer that equals a number, or else the nearest float; the number itself if a whole float is the nearest."""
    try:
        if value == int(value):
            return int(value)
    except (ValueError, OverflowError):  # not finite
        return float(value)
    near = float(value)
    return value if near.is_integer() else near


def plain_column(column: pd.Series[Any]) -> pd.Series[Any]:
    """One column as `plain_columns` has it."""
    dtype = column.dtype
    if _is_plain(dtype):
        return column
    if dtype == object:
        return _plain_objects(column)
    if pd.api.types.is_bool_dtype(dtype):
        return column.astype(object if column.isna().any() else np.bool_)
    if pd.api.types.is_integer_dtype(dtype):
        return _plain_integers(column)
    if pd.api.types.is_float_dtype(dtype):
        return column.astype(np.float64)
    if pd.api.types.is_numeric_dtype(dtype):  # Arrow's decimals
        return _plain_objects(column.astype(object))
    return column.astype(object) if pd.api.types.is_string_dtype(dtype) else column


def _is_plain(dtype: Any) -> bool:
    """Numbers of numpy that pandas can index by, categories, times, and the texts that pandas has by default."""
    if isinstance(dtype, pd.StringDtype):
        return dtype.na_value is not pd.NA
    return isinstance(dtype, (np.dtype, pd.CategoricalDtype)) and dtype not in (object, np.uint64, np.float16)


def _is_number(column: pd.Series[Any]) -> bool:
    if column.dtype == object:
        return _numbers_alone(column[~column.isna()], str(column.name))
    return _may_be_numbers(column.dtype)


def _may_be_numbers(dtype: Any) -> bool:
    """Whether a plain column of this kind is made of numbers other than float64, or may be."""
    return isinstance(dtype, np.dtype) and dtype.kind in "iufO" and dtype != np.float64


def _plain_integers(column: pd.Series[Any]) -> pd.Series[Any]:
    """int64, or Python's integers where that is too small; where some are missing float64, if it has them all."""
    missing = column.isna()
    if not missing.any():
        fits = not pd.api.types.is_unsigned_integer_dtype(column.dtype) or int(column.max() or 0) < 2**63
        return column.astype(np.int64 if fits and len(column) else object)
    present = column[~missing]
    if not len(present) or max(abs(int(present.min())), abs(int(present.max()))) < EXACT:
        return column.astype(np.float64)
    return column.astype(object).where(~missing, np.nan)


def _plain_objects(column: pd.Series[Any]) -> pd.Series[Any]:
    missing = column.isna()
    present = column[~missing]
    if not _numbers_alone(present, str(column.name)):
        all_true_or_false = len(present) == len(column) and set(map(type, column)) <= {bool, np.bool_}
        return column.astype(np.bool_) if all_true_or_false else column
    exact = {value: exact_number(value) for value in pd.unique(present)}
    if len(set(exact.values())) < len(exact):  # as floats, some would be one
        return column
    largest = max((abs(v) for v in exact.values() if isinstance(v, int)), default=0)
    whole = all(isinstance(v, int) for v in exact.values())
    if whole and len(present) == len(column) and largest < 2**63:
        return column.map(int).astype(np.int64)
    if largest < EXACT and all(isinstance(v, (int, float)) for v in exact.values()):
        return column.astype(np.float64)
    values = [np.nan if gone else exact[v] for v, gone in zip(column, missing, strict=True)]
    return pd.Series(values, index=column.index, name=column.name, dtype=object)


def _numbers_alone(present: pd.Series[Any], name: str) -> bool:
    """Whether objects are all numbers, at least one.

    Raises
    ------
    ValueError
        If there are booleans among them: True equals 1, and as labels they would be one.
    """
    kinds = set(map(type, present))
    truths = {k for k in kinds if k in (bool, np.bool_)}
    numeric = {k for k in kinds - truths if issubclass(k, (numbers.Real, Decimal))}
    if numeric and truths:
        raise ValueError(
            f"data: {name!r} holds both booleans and numbers, of which True equals 1; write one kind"
        )
    return bool(numeric) and numeric == kinds


def as_values(value: Any) -> Any:
    """What formulaic has marked, such as a factor, without the mark."""
    return value.__wrapped__ if hasattr(value, "__formulaic_metadata__") else value


def is_categorical(value: Any) -> bool:
    """Whether values are pandas' categories."""
    return isinstance(getattr(value, "dtype", None), pd.CategoricalDtype)
