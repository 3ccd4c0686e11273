"""Tables as they come from the caller."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from mixed_glm._input.listed import listed

_SHOWN = 20  # columns in a message


def as_frame(data: Any, empty: bool = False) -> pd.DataFrame:
    """Return `data` as a pandas data frame, without a copy where it is one.

    Parameters
    ----------
    data : DataFrame, mapping of columns, structured array, or something with ``to_pandas()``
    empty : bool, default False
        Whether it may have no rows.

    Raises
    ------
    TypeError
        If `data` is neither a data frame, a mapping of columns, nor something with ``to_pandas()``.
    ValueError
        If it has no rows.
    """
    if isinstance(data, pd.DataFrame):
        frame = data
    elif isinstance(data, Mapping):
        if data and all(np.ndim(column) == 0 for column in data.values()):
            raise ValueError(
                "data must have columns with one value a row, got only single values: write {'x': [1.0]}"
            )
        frame = pd.DataFrame(dict(data))
    elif isinstance(data, np.ndarray) and data.dtype.names:
        # one by one: as a whole, the mask of a masked array is lost
        frame = pd.DataFrame({name: data[name] for name in data.dtype.names})
    elif hasattr(data, "to_pandas"):
        frame = data.to_pandas()
    else:
        is_path = isinstance(data, (str, os.PathLike))
        hint = f": read it first, as pandas.read_csv({os.fspath(data)!r})" if is_path else ""
        raise TypeError(f"data must be a data frame or a mapping of columns, got {type(data).__name__}{hint}")
    if len(frame) == 0 and not empty:
        raise ValueError("data must have at least one row, got 0")
    return frame


def require_once(frame: pd.DataFrame) -> pd.DataFrame:
    """Columns, once each of them is there once."""
    if not frame.columns.is_unique:
        raise ValueError(
            f"data has the column {frame.columns[frame.columns.duplicated()][0]!r} more than once"
        )
    return frame


def known_columns(name: str, columns: Iterable[Any]) -> str:
    """What to tell of the columns where there is none of that name."""
    known = [str(c) for c in columns]
    close = difflib.get_close_matches(name, known, 1)
    backticks = "" if all(c.isidentifier() for c in close) else f", in backticks: `{close[0]}`"
    hint = f"did you mean {close[0]!r}{backticks}? " if close else ""
    return f"{hint}columns: {listed([repr(c) for c in known], _SHOWN)}"
