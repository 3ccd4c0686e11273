"""Columns of new rows by their names, as the model has them."""

from __future__ import annotations

import collections
from typing import Any

import pandas as pd

from mixed_glm._spec.spec import ModelSpec


def fixed_in_order(spec: ModelSpec, exog: Any) -> Any:
    """Fixed-effects columns in the order of the model; others that a data frame has beside them are left out."""
    numbered = [f"FE_{j + 1}" for j in range(spec.layout.k_fep)]  # no names were given
    return (
        exog
        if spec.design.fep_names == numbered
        else _in_order(exog, spec.design.fep_names, "exog", others=True)
    )


def random_in_order(spec: ModelSpec, exog_vc: Any) -> Any:
    """Random-effects columns in the order of the model."""
    if hasattr(exog_vc, "to_pandas"):
        exog_vc = exog_vc.to_pandas()
    return (
        exog_vc
        if spec.design.vc_names is None
        else _in_order(exog_vc, spec.design.vc_names, "exog_vc", others=False)
    )


def _in_order(value: Any, names: list[str], argument: str, others: bool) -> Any:
    """Columns of a data frame found by `names`; as they stand, if they are only numbered or it is no data frame.

    Raises
    ------
    ValueError
        If a column is missing or there twice; or if there are other columns, unless `others` allows that.
    """
    if not isinstance(value, pd.DataFrame) or value.columns.equals(pd.RangeIndex(value.shape[1])):
        return value
    columns = [str(c) for c in value.columns]
    if columns == names:
        return value
    missing, spare = _without(names, columns), _without(columns, names)
    counts, own = collections.Counter(columns), collections.Counter(names)
    twice = [name for name in own if counts[name] > 1 or own[name] > 1]
    faults = [
        f"{fault} {', '.join(map(repr, found[:5]))}{', ...' if len(found) > 5 else ''}"
        for fault, found in (
            ("it lacks", missing),
            ("the model has no", spare if missing or not others else []),
            ("there is more than one", twice),
        )
        if found
    ]
    if faults:
        raise ValueError(
            f"{argument} must have the columns of the model, which are found by their names: {'; '.join(faults)}. "
            "Give an array, as to_numpy() makes it, to take columns by position"
        )
    return value.set_axis(columns, axis=1)[names]


def _without(names: list[str], others: list[str]) -> list[str]:
    known = set(others)
    return [n for n in names if n not in known]
