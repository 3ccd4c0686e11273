"""Levels of factors that no row has: they are left out, as R does, since the data say nothing of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import pandas as pd

from mixed_glm._console.caller import warn
from mixed_glm._formula.columns import is_categorical, with_columns
from mixed_glm._formula.labels import spelt
from mixed_glm.exceptions import UnusedLevelWarning


def without_unused(
    frame: pd.DataFrame, context: Mapping[str, Any], fixed: Collection[str], response: Collection[str]
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Columns, but those of the response, and the caller's variables without levels that do not occur.

    Warns
    -----
    UnusedLevelWarning
        Where levels of a name in `fixed` are left out; groups without rows would not have had an effect anyway.
    """
    factors = {
        str(name): frame[name]
        for name, dtype in frame.dtypes.items()
        if isinstance(dtype, pd.CategoricalDtype) and name not in response
    }
    columns = {name: used_levels(factor) for name, factor in factors.items() if _has_unused(factor)}
    variables = {name: used_levels(value) for name, value in context.items() if _has_unused(value)}
    for name, changed in (columns | variables).items():
        if name in fixed:
            tell(str(name), frame[name] if name in columns else context[name], changed)
    return with_columns(frame, columns), {**context, **variables}


def used_levels(values: pd.Series[Any]) -> pd.Series[Any]:
    """Categories that occur."""
    return values.cat.remove_unused_categories()


def unused_levels(values: Any) -> list[Any]:
    """Categories that do not occur; none if `values` are not categories."""
    if not (isinstance(values, pd.Series) and is_categorical(values)):
        return []
    factor: Any = values.array
    codes, levels = factor.codes, factor.categories
    used = np.bincount(codes[codes >= 0], minlength=len(levels)) > 0
    return [] if used.all() else levels[~used].tolist()


def tell(name: str, before: Any, after: Any) -> None:
    """Warn of the levels that were left out."""
    left_out = unused_levels(before)
    was_reference = left_out[0] == before.cat.categories[0]
    reference = f"; the level of reference is now {spelt(after.cat.categories[:1])}" if was_reference else ""
    warn(
        f"{name} has the level{'s' * (len(left_out) > 1)} {spelt(left_out, 8)} in no row that is used: left out, as R "
        f"does{reference}",
        UnusedLevelWarning,
    )


def _has_unused(values: Any) -> bool:
    return bool(unused_levels(values))
