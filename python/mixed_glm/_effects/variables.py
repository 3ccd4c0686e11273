"""Variables of a formula: their values, and which values of them are compared."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mixed_glm._formula.frames import as_frame, known_columns
from mixed_glm._spec.spec import ModelSpec

if TYPE_CHECKING:
    from mixed_glm._formula.encoding import Encoding

OF_LEVELS = ("reference", "sequential", "pairwise")
OF_NUMBERS = ("sd", "iqr", "minmax")


@dataclass(frozen=True)
class Pair:
    """Two versions of one variable.

    Attributes
    ----------
    term : str
        Its name.
    high, low : Series
    label : str
        ``{0} - {1}`` with names of both, or what is added.
    names : tuple of str, or None
        Of both values.
    """

    term: str
    high: pd.Series
    low: pd.Series
    names: tuple[str, str] | None
    label: str = ""


def as_rows(spec: ModelSpec, newdata: Any) -> tuple[Encoding, pd.DataFrame]:
    """Rows to average over, of a model from a formula.

    Raises
    ------
    ValueError
        If the model is not from a formula, or there are no rows.
    """
    if spec.encoding is None:
        raise ValueError(
            "averages and comparisons change variables of a data frame: they need a model from a formula. For one from "
            "arrays compute them of predict_draws(exog, exog_vc)"
        )
    if newdata is None:
        raise ValueError(
            "newdata must be given: a model that was loaded, or sent to another process, has no data frame"
        )
    return spec.encoding, as_frame(newdata)


def levels_of(encoding: Encoding, frame: pd.DataFrame, name: str) -> list[Any] | None:
    """Values of a variable that is a factor, the reference first; None for a number.

    Raises
    ------
    ValueError
        If there is no such column.
    """
    if name not in frame.columns:
        raise ValueError(f"variables: newdata has no column {name!r}; {known_columns(name, frame.columns)}")
    column = frame[name]
    met = column.dropna().unique().tolist()
    known = encoding.levels_of(name, met)
    if known is not None:
        return known
    if isinstance(column.dtype, pd.CategoricalDtype):
        return [level for level in column.cat.categories.tolist() if level in met]
    if pd.api.types.is_bool_dtype(column.dtype):
        return [False, True]
    return None if pd.api.types.is_numeric_dtype(column.dtype) else sorted(met)


def fixed_at(frame: pd.DataFrame, name: str, value: Any) -> pd.Series:
    """A column with one value everywhere, of the type that it has."""
    column = frame[name]
    if isinstance(column.dtype, pd.CategoricalDtype) and value in column.cat.categories:
        return pd.Series(pd.Categorical([value] * len(frame), dtype=column.dtype), index=frame.index)
    return pd.Series([value] * len(frame), index=frame.index)


def as_pairs(encoding: Encoding, frame: pd.DataFrame, variables: Any) -> list[Pair]:
    """What to compare, as the argument `variables` says it.

    Raises
    ------
    ValueError, TypeError
        If it is not understood.
    """
    found = [
        pair
        for name, how in _wanted(encoding, frame, variables).items()
        for pair in _pairs_of(encoding, frame, name, how)
    ]
    if not found:
        raise ValueError(
            f"variables must name a number, or a factor with two levels at least, got {variables!r}; without it all are compared"
        )
    return found


def as_values(encoding: Encoding, frame: pd.DataFrame, variables: Any) -> list[dict[str, Any]]:
    """Combinations of values of variables: levels of factors; of numbers those that are given, or a summary of five."""
    if variables is None:
        return [{}]
    values = {}
    for name, how in _wanted(encoding, frame, variables).items():
        levels = levels_of(encoding, frame, name)
        if how is not None:
            if isinstance(how, str) or not isinstance(how, (Sequence, np.ndarray, pd.Series)):
                raise TypeError(f"variables: {name!r} must come with a list of values, got {how!r}")
            values[name] = list(how)
        elif levels is not None:
            values[name] = levels
        else:
            column = frame[name].dropna().to_numpy(dtype=np.float64)
            values[name] = np.unique(np.quantile(column, [0.0, 0.25, 0.5, 0.75, 1.0])).tolist()
    return [dict(zip(values, row, strict=True)) for row in itertools.product(*values.values())]


def as_numbers(encoding: Encoding, frame: pd.DataFrame, variables: Any) -> list[str]:
    """Names of variables that are numbers; default all of them."""
    if isinstance(variables, Mapping):
        raise TypeError("variables must be a name or a list of names for slopes, got a mapping")
    names = list(_wanted(encoding, frame, variables))
    numbers = [name for name in names if levels_of(encoding, frame, name) is None]
    factors = [name for name in names if name not in numbers]
    if variables is not None and factors:
        raise ValueError(f"variables: {factors[0]!r} is a factor and has no slope; use avg_comparisons")
    if not numbers:
        raise ValueError("variables: the formula has no number to take slopes of; use avg_comparisons")
    return numbers


def _wanted(encoding: Encoding, frame: pd.DataFrame, variables: Any) -> dict[str, Any]:
    """How each variable is to be changed, None where that is not said."""
    if variables is None:
        found = [name for name in encoding.covariates if name in frame.columns]
        if not found:
            raise ValueError("variables: the formula has none that are columns of newdata")
        return dict.fromkeys(found)
    if isinstance(variables, str):
        return {variables: None}
    if isinstance(variables, Mapping):
        return dict(variables)
    if isinstance(variables, Sequence) and all(isinstance(name, str) for name in variables):
        return dict.fromkeys(variables)
    raise TypeError(f"variables must be a name, a list of names or a mapping from names, got {variables!r}")


def _pairs_of(encoding: Encoding, frame: pd.DataFrame, name: str, how: Any) -> list[Pair]:
    levels = levels_of(encoding, frame, name)
    if isinstance(how, np.ndarray) and how.ndim == 0:
        how = how.item()
    if isinstance(how, (list, tuple, np.ndarray)):
        if len(how) != 2:
            raise ValueError(f"variables: {name!r} must come with two values to compare, got {len(how)}")
        return [_of_values(frame, name, how[1], how[0])]
    if levels is not None:
        how = "reference" if how is None else how
        if how not in OF_LEVELS:
            raise ValueError(
                f"variables: {name!r} is a factor and must come with one of {', '.join(map(repr, OF_LEVELS))}, or with two "
                f"levels, got {how!r}"
            )
        chosen = {
            "reference": [(level, levels[0]) for level in levels[1:]],
            "sequential": list(zip(levels[1:], levels[:-1], strict=True)),
            "pairwise": [(high, low) for low, high in itertools.combinations(levels, 2)],
        }[how]
        return [_of_values(frame, name, high, low) for high, low in chosen]
    return [_of_number(frame, name, 1 if how is None else how)]


def _of_values(frame: pd.DataFrame, name: str, high: Any, low: Any) -> Pair:
    return Pair(name, fixed_at(frame, name, high), fixed_at(frame, name, low), (f"{high}", f"{low}"))


def _of_number(frame: pd.DataFrame, name: str, how: Any) -> Pair:
    column = frame[name]
    if isinstance(how, (int, float, np.number)) and not isinstance(how, bool):
        return Pair(name, column + how, column, None, f"+{how}")
    if how == "sd":
        half = column.std() / 2
        return Pair(name, column + half, column - half, ("(x+sd/2)", "(x-sd/2)"))
    if how not in OF_NUMBERS:
        raise ValueError(
            f"variables: {name!r} is a number and must come with what is added to it, with two values, or with one of "
            f"{', '.join(map(repr, OF_NUMBERS))}, got {how!r}"
        )
    ends, names = ((0.25, 0.75), ("Q3", "Q1")) if how == "iqr" else ((0.0, 1.0), ("Max", "Min"))
    low, high = (column.quantile(q) for q in ends)
    return Pair(name, fixed_at(frame, name, high), fixed_at(frame, name, low), names)
