"""Variables of the caller that a formula uses beside the columns of its data."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api.extensions import ExtensionArray

from mixed_glm._formula.columns import number_column, number_columns, plain_column, plain_columns
from mixed_glm._formula.uses import Expression, Use
from mixed_glm._input.arrays import require_same_index

_CONTAINERS = (dict, list, set, tuple)


def own(context: Mapping[str, Any]) -> dict[str, Any]:
    """Copies of what the caller might change later; functions, modules and the like as they are."""
    return {name: _own(value) for name, value in context.items()}


def _own(value: Any) -> Any:
    if isinstance(value, (pd.Series, pd.DataFrame, pd.Index)):
        return value.copy(deep=True)
    if isinstance(value, (np.ndarray, ExtensionArray)):
        return value.copy()
    if isinstance(value, _CONTAINERS):
        try:
            return copy.deepcopy(value)
        except Exception:  # noqa: BLE001  (whatever a foreign __deepcopy__ may raise)
            return value
    return value


def aligned(
    context: Mapping[str, Any],
    expressions: Iterable[str],
    index: pd.Index[Any],
    kept: npt.NDArray[np.bool_],
    data: str,
) -> dict[str, Any]:
    """Context as `expressions` over the rows `kept` of the argument `data`, which has this index, may use it.

    Series and data frames (also in a dict) that are used row by row are cut to the rows kept. Others, such as a table
    for ``g.map(table)``, stay as they are; so do arrays, which have no index and are taken by position.

    Raises
    ------
    ValueError
        If what is used row by row has another index than `data`, or another number of rows.
    """
    parsed = [Expression.of(e) for e in expressions]
    rows = _Rows(index, kept, data)
    return {name: rows.of(name, value, parsed) for name, value in context.items()}


class _Rows:
    def __init__(self, index: pd.Index[Any], kept: npt.NDArray[np.bool_], data: str) -> None:
        self.index, self.kept, self.data = index, kept, data

    def of(self, name: str, value: Any, expressions: list[Expression]) -> Any:
        labelled = (pd.Series, pd.DataFrame)
        if isinstance(value, labelled):
            columns = isinstance(value, pd.DataFrame)
            return self._cut(name, value, set().union(*(e.uses(name, columns) for e in expressions)))
        if isinstance(value, dict) and any(isinstance(v, labelled) for v in value.values()):
            uses = set().union(*(e.uses(name, columns=True) for e in expressions))
            return {
                k: self._cut(f"{name}[{k!r}]", v, uses) if isinstance(v, labelled) else v
                for k, v in value.items()
            }
        return value

    def _cut(self, name: str, value: Any, uses: set[Use]) -> Any:
        by_row = Use.ROWS in uses
        if len(value) != len(self.index):
            if by_row:
                raise ValueError(
                    f"{name} must have one value for each of the {len(self.index)} rows of {self.data}, got {len(value)}; "
                    f"make it a column of {self.data}"
                )
            return value
        if not by_row and Use.FUNCTION not in uses:
            return value
        shown = name if name != self.data else f"the variable {name}"
        require_same_index(**{self.data: pd.DataFrame(index=self.index), shown: value})
        return (value if self.kept.all() else value[self.kept]).reset_index(drop=True)


def as_numbers(value: Any) -> Any:
    """Numbers in float64 (single ones as Python's own), as `number_columns` has them; anything else as it is."""
    if isinstance(value, pd.DataFrame):
        return number_columns(plain_columns(value)) if value.columns.is_unique else value
    if isinstance(value, pd.Series):
        return number_column(plain_column(value))
    if isinstance(value, np.ma.MaskedArray):
        return _filled(value)
    if isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind in "iuf":
        return value.item() if value.ndim == 0 else np.asarray(value, dtype=np.float64)
    if isinstance(value, (pd.Index, ExtensionArray)) and pd.api.types.is_numeric_dtype(value.dtype):
        return number_column(plain_column(pd.Series(value))).to_numpy()
    if isinstance(value, dict):
        return {k: as_numbers(v) for k, v in value.items()}
    return value


def as_labels(value: Any) -> Any:
    """Labels as `plain_columns` has them; what is masked is missing."""
    if isinstance(value, pd.Series):
        return plain_column(value)
    return pd.Series(value) if isinstance(value, np.ma.MaskedArray) and value.ndim == 1 else value


def _filled(value: Any) -> Any:
    """Masked entries as missing, NaN or None."""
    if value.dtype.kind in "iuf":
        return np.ma.filled(value.astype(np.float64), np.nan)
    return np.ma.filled(value.astype(object), None) if np.ma.is_masked(value) else np.ma.getdata(value)
