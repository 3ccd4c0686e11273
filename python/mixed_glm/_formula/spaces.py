"""Labels that differ in nothing but the spaces around them, which a reader of a table does not see."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pandas as pd

from mixed_glm._console.caller import warn
from mixed_glm.exceptions import DesignWarning


def warn_of_spaces(frame: pd.DataFrame, response: Collection[str]) -> None:
    """Tell of the columns, but those of the response, whose labels would be fewer without spaces at their ends.

    Warns
    -----
    DesignWarning
    """
    for name, dtype in frame.dtypes.items():
        found = _first_pair(frame[name]) if name not in response and _may_be_labels(dtype) else None
        if found is not None:
            warn(
                f"{name} has the labels {found[0]!r} and {found[1]!r}, which differ only in spaces and count as two: if they are one, "
                f"take data[{str(name)!r}].str.strip()",
                DesignWarning,
            )


def _may_be_labels(dtype: Any) -> bool:
    return not (pd.api.types.is_numeric_dtype(dtype) or pd.api.types.is_datetime64_any_dtype(dtype))


def _first_pair(column: pd.Series[Any]) -> tuple[str, str] | None:
    try:
        labels = pd.unique(column)
    except TypeError:  # no labels: whoever takes them for such says so
        return None
    bare: dict[str, str] = {}
    for label in labels:
        if isinstance(label, str) and bare.setdefault(label.strip(), label) != label:
            return bare[label.strip()], label
    return None
