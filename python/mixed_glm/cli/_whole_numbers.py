"""Whole numbers of a table, which stay whole and exact.

pandas makes floats of them where a cell is missing, and so one number of two ids of 17 digits or more; it makes texts or
Python's integers of those that 64 bits do not hold, depending on its version and on the other cells; and it drops
leading zeros.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

NUMBER = re.compile(r"\s*[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|(?i:inf(?:inity)?))\s*")
_WHOLE = re.compile(r"[+-]?[0-9]+")
_CODE = re.compile(r"[+-]?0[0-9]")
_MOST_DIGITS = 20  # of 64 bits


def with_whole_numbers(
    table: pd.DataFrame, texts: Callable[[list[str]], pd.DataFrame], zeros: bool
) -> pd.DataFrame:
    """Return the table with its whole numbers as 64-bit integers, nullable where some are missing.

    Columns in which a number has leading zeros (``zeros``: whether there may be any), or is too large for 64 bits, are
    texts.

    Parameters
    ----------
    table : DataFrame
        As pandas read it.
    texts : callable
        Gives columns as texts, as they stand in the file.
    zeros : bool
    """
    suspects = [name for name in table.columns if _is_suspect(table[name], zeros)]
    if not suspects:
        return table
    cells = texts(suspects)
    return table.assign(**{name: _exact(table[name], cells[name]) for name in suspects})


def _is_suspect(column: pd.Series[Any], zeros: bool) -> bool:
    """Whether the column may hold whole numbers that pandas has not kept as they are."""
    if pd.api.types.is_bool_dtype(column.dtype):
        return False
    if pd.api.types.is_integer_dtype(column.dtype):
        return zeros
    if pd.api.types.is_float_dtype(column.dtype):
        values = column.to_numpy()
        return bool(np.all(np.isnan(values) | (values == np.floor(values))))
    return any(_is_number(cell) for cell in column.dropna().unique())


def _is_number(cell: Any) -> bool:
    """Whether pandas may have given up on a column of numbers; its missing cells may then be texts, too."""
    if isinstance(cell, str):
        return NUMBER.fullmatch(cell) is not None
    return isinstance(cell, int) and not isinstance(cell, bool)


def _exact(column: pd.Series[Any], texts: pd.Series[Any]) -> pd.Series[Any]:
    missing = texts.isna().to_numpy()
    cells = [cell.strip() for cell in texts[~missing]]
    if not cells:
        return column
    if not all(map(_WHOLE.fullmatch, cells)):
        return column if pd.api.types.is_float_dtype(column.dtype) else _floats(texts, missing)
    if any(map(_CODE.match, cells)) or max(len(c.lstrip("+-")) for c in cells) > _MOST_DIGITS:
        return texts
    numbers = [int(cell) for cell in cells]
    for dtype in (np.dtype(np.int64), np.dtype(np.uint64)):
        if np.iinfo(dtype).min <= min(numbers) and max(numbers) <= np.iinfo(dtype).max:
            values = np.zeros(len(texts), dtype)
            values[~missing] = numbers
            whole = pd.arrays.IntegerArray(values, missing) if missing.any() else values
            return pd.Series(whole, index=texts.index)
    return texts


def _floats(texts: pd.Series[Any], missing: Any) -> pd.Series[Any]:
    """Numbers with decimals; as texts where they are none."""
    cells = texts[~missing]
    if not all(map(NUMBER.fullmatch, cells)):
        return texts
    values = np.full(len(texts), np.nan)
    values[~missing] = [float(cell) for cell in cells]
    return pd.Series(values, index=texts.index)
