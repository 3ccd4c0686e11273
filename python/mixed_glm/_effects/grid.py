"""Rows with chosen values of some variables and typical values of the others."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from mixed_glm._effects.variables import as_rows, fixed_at, levels_of
from mixed_glm._fit.fit import Fit


def datagrid(fit: Fit, newdata: Any, values: Mapping[str, Any]) -> pd.DataFrame:
    """Rows with all combinations of `values`, other variables being typical; see `MixedGLMResults.datagrid`."""
    encoding, frame = as_rows(fit.spec, newdata)
    chosen = {name: _values(levels_of(encoding, frame, name), name, value) for name, value in values.items()}
    others = [n for n in (*encoding.covariates, *encoding.offsets) if n in frame.columns and n not in chosen]
    rows = list(itertools.product(*chosen.values()))
    first = frame.iloc[:1].reset_index(drop=True)
    columns: dict[str, Any] = {}
    for i, name in enumerate(chosen):
        parts = [fixed_at(first, name, row[i]) for row in rows]
        columns[name] = pd.concat(parts, ignore_index=True)
    for name in others:
        typical = fixed_at(first, name, _typical(levels_of(encoding, frame, name), frame[name]))
        columns[name] = typical.iloc[np.zeros(len(rows), dtype=np.intp)].reset_index(drop=True)
    return pd.DataFrame(columns)


def _values(levels: list[Any] | None, name: str, value: Any) -> list[Any]:
    if value is None:
        if levels is None:
            raise ValueError(f"{name} is a number: give one value or a list of them")
        return levels
    return [value] if isinstance(value, str) or np.ndim(value) == 0 else list(value)


def _typical(levels: list[Any] | None, column: pd.Series) -> Any:
    if levels is None:
        return float(column.astype(np.float64).mean())
    counts = column.value_counts()
    return max(levels, key=lambda level: counts.get(level, 0))
