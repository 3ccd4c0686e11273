"""R's functions that make labels; what they learn of levels is kept for new rows."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from formulaic.transforms import C
from formulaic.transforms.contrasts import PolyContrasts

from mixed_glm._formula.columns import as_values, is_categorical
from mixed_glm._formula.labels import distinct, factorize
from mixed_glm._formula.r_math import written
from mixed_glm._formula.stateful import State, stateful


@stateful
def factor(
    x: Any,
    levels: Any = None,
    labels: Any = None,
    exclude: Any = None,
    ordered: bool = False,
    *,
    _state: State,
) -> Any:
    """Labels; with `levels` in this order, or written as `labels`."""
    if levels is None and labels is None:
        return _polynomial(x) if ordered else C(x)
    codes, known = _coded(x, _state, None if levels is None else list(levels), "factor")
    shown = known if labels is None else _labels(list(labels) if np.ndim(labels) else [labels], len(known))
    values = _categorical(x, codes, shown)
    return _polynomial(values) if ordered else values


@stateful
def ordered(x: Any, levels: Any = None, labels: Any = None, *, _state: State) -> Any:
    """Labels with an order, which have polynomial contrasts."""
    if levels is None and labels is None:
        return _polynomial(x)
    codes, known = _coded(x, _state, None if levels is None else list(levels), "ordered")
    return _polynomial(_categorical(x, codes, known if labels is None else _labels(list(labels), len(known))))


@stateful
def relevel(x: Any, ref: Any, *, _state: State) -> Any:
    """Labels with another first level, the one of reference."""
    codes, known = _coded(x, _state, None, "relevel")
    places = [i for i, level in enumerate(known) if written(level) == written(ref)]
    if not places:
        shown = ", ".join(written(v) for v in known[:8])
        raise ValueError(f"relevel: ref must be one of the levels ({shown}), got {ref!r}")
    order = [places[0], *(i for i in range(len(known)) if i != places[0])]
    return _categorical(x, np.argsort(order)[codes], [known[i] for i in order])


@stateful
def interaction(
    x: Any, *others: Any, sep: str = ".", drop: bool = False, lex_order: bool = False, _state: State
) -> Any:
    """Combinations of the levels of several factors, the first running fastest or slowest; those that occur."""
    parts = [factorize(pd.Series(as_values(v)).reset_index(drop=True), "interaction") for v in (x, *others)]
    names = [[written(level) for level in distinct(levels, "interaction")] for _, levels in parts]
    keys = tuple(codes for codes, _ in parts)
    order = np.lexsort(keys[::-1] if lex_order else keys)  # by the last of them, then by those before it
    rows = [sep.join(names[j][codes[i]] for j, (codes, _) in enumerate(parts)) for i in range(len(order))]
    if len(set(rows)) < len(set(zip(*(codes.tolist() for codes, _ in parts), strict=True))):
        raise ValueError(
            f"interaction: different combinations are written alike with sep={sep!r}; give another sep"
        )
    known = _state.setdefault("levels", list(dict.fromkeys(rows[i] for i in order)))
    return _like(x, pd.Categorical(rows, categories=[*known, *sorted(set(rows) - set(known))]))


@stateful
def as_numeric(x: Any, *, _state: State) -> Any:
    """Numbers: codes from 1 of a factor, 0 and 1 of truth values, what texts write."""
    if _is_factor(x):
        codes, _ = _coded(x, _state, None, "as.numeric")
        return _like(x, codes + 1.0)
    values = as_values(x)
    dtype = getattr(values, "dtype", None)
    if dtype is None:
        return float(values)
    if isinstance(dtype, np.dtype) and dtype.kind in "mM":
        raise ValueError(
            "as.numeric of times depends on their unit: write (day - day.min()).dt.days, or make a column of numbers"
        )
    if pd.api.types.is_numeric_dtype(dtype) or pd.api.types.is_bool_dtype(dtype):
        return _like(x, np.asarray(values, dtype=np.float64))
    numbers = pd.to_numeric(pd.Series(values), errors="coerce")
    if numbers.isna().any():
        label = pd.Series(values)[numbers.isna()].iloc[0]
        raise ValueError(f"as.numeric: {label!r} is no number; as.numeric(factor(...)) gives codes of labels")
    return _like(x, numbers.to_numpy(dtype=np.float64))


@stateful
def as_integer(x: Any, *, _state: State) -> Any:
    """Numbers without what stands behind the point; codes of a factor."""
    numbers = as_numeric(x, _state=_state)
    return np.trunc(numbers)


def as_character(x: Any) -> Any:
    """Labels as R writes them."""
    values = pd.Series(as_values(x))
    return values.map(written).astype(object)


def paste(*parts: Any, sep: str = " ") -> Any:
    """Labels joined to one."""
    texts = [as_character(p) if np.ndim(as_values(p)) else written(p) for p in parts]
    joined = texts[0]
    for text in texts[1:]:
        joined = joined + sep + text
    return joined


def paste0(*parts: Any) -> Any:
    """Labels joined to one, nothing between them."""
    return paste(*parts, sep="")


@stateful
def cut(
    x: Any, breaks: Any, labels: Any = None, include_lowest: bool = False, right: bool = True, dig_lab: int = 3,
    ordered_result: bool = False, *, _state: State,
) -> Any:  # fmt: skip
    """Labels of intervals, such as ``(0,10]``."""
    values = np.asarray(as_values(x), dtype=np.float64)
    if "breaks" not in _state:
        _state["breaks"] = _breaks(values, breaks)
    edges = np.asarray(_state["breaks"])
    place = np.searchsorted(edges, values, side="left" if right else "right") - 1
    if include_lowest:
        place = np.where(values == edges[0 if right else -1], 0 if right else len(edges) - 2, place)
    outside = (place < 0) | (place > len(edges) - 2) | np.isnan(values)
    if outside.any():
        hint = "" if include_lowest else ", or write include.lowest=TRUE"
        raise ValueError(
            f"cut: {int(outside.sum())} of {len(values)} values are in none of the intervals from {edges[0]:g} to "
            f"{edges[-1]:g} ({_side(right)}), such as {values[outside][0]:g}: widen breaks{hint}"
        )
    if labels is False:
        return _like(x, place + 1.0)
    names = (
        _interval_names(edges, right, include_lowest, int(dig_lab))
        if labels is None
        else _labels(list(labels), len(edges) - 1)
    )
    met = _state.setdefault("met", sorted(set(place.tolist())))
    kept = [*met, *sorted(set(place.tolist()) - set(met))]
    codes = np.searchsorted(sorted(kept), place)
    result = _categorical(x, codes, [names[i] for i in sorted(kept)])
    return _polynomial(result) if ordered_result else result


def _side(right: bool) -> str:
    return "each with its upper end" if right else "each with its lower end"


def _breaks(values: np.ndarray[Any, Any], breaks: Any) -> list[float]:
    if np.ndim(breaks):
        edges = np.sort(np.asarray(breaks, dtype=np.float64))
        if len(edges) < 2 or (np.diff(edges) <= 0).any():
            raise ValueError(
                "cut: breaks must be at least two different numbers, or how many intervals to make"
            )
        return [float(v) for v in edges]
    if int(breaks) < 2:
        raise ValueError(f"cut: breaks must make at least 2 intervals, got {breaks}")
    low, high = float(values.min()), float(values.max())
    if low == high:
        wide = abs(low) or 1.0
        return [float(v) for v in np.linspace(low - wide / 1000, high + wide / 1000, int(breaks) + 1)]
    edges = np.linspace(low, high, int(breaks) + 1)
    edges[[0, -1]] = low - (high - low) / 1000, high + (high - low) / 1000
    return [float(v) for v in edges]


def _interval_names(edges: np.ndarray[Any, Any], right: bool, closed: bool, digits: int) -> list[str]:
    """``(0,10]``, with as many digits as tell the ends apart."""
    shown: list[str] = []
    for count in range(digits, max(12, digits) + 1):
        shown = [_short(v, count) for v in edges]
        if len(set(shown)) == len(shown):
            break
    opening, closing = ("(", "]") if right else ("[", ")")
    names = [f"{opening}{a},{b}{closing}" for a, b in itertools.pairwise(shown)]
    if closed and right:
        names[0] = "[" + names[0][1:]
    elif closed:
        names[-1] = names[-1][:-1] + "]"
    return names


def _short(value: float, digits: int) -> str:
    """A number in C's format %g, infinity as R writes it."""
    return f"{value:.{digits}g}".replace("inf", "Inf")


def _is_factor(x: Any) -> bool:
    metadata = getattr(x, "__formulaic_metadata__", None)
    return is_categorical(as_values(x)) or (metadata is not None and metadata.kind.value == "categorical")


def _coded(
    x: Any, state: State, levels: Sequence[Any] | None, name: str
) -> tuple[np.ndarray[Any, Any], list[Any]]:
    """Code of every row, and the levels: those given, or those of the first data."""
    values = pd.Series(as_values(x)).reset_index(drop=True)
    if levels is None:
        levels = state.get("levels")
    if levels is None:
        if is_categorical(values):
            levels = values.cat.remove_unused_categories().cat.categories.tolist()
        else:
            levels = factorize(values, name)[1].tolist()
        state["levels"] = levels
    place = {written(level): i for i, level in enumerate(levels)}
    if len(place) < len(levels):
        raise ValueError(f"{name}: two levels are written in the same way: {levels}")
    codes = np.array([place.get(written(v), -1) for v in values], dtype=np.intp)
    if (codes < 0).any():
        unknown = values[codes < 0].iloc[0]
        shown = ", ".join(written(v) for v in levels[:8])
        raise ValueError(
            f"{name}: {int((codes < 0).sum())} of {len(codes)} values are none of the levels ({shown}), such as "
            f"{unknown!r}: add them to the levels, or drop those rows"
        )
    return codes, list(levels)


def _labels(labels: list[Any], count: int) -> list[Any]:
    if len(labels) == 1 and count > 1:
        return [f"{written(labels[0])}{i + 1}" for i in range(count)]
    if len(labels) != count:
        raise ValueError(f"labels must be one for each of the {count} levels, got {len(labels)}")
    return labels


def _categorical(x: Any, codes: np.ndarray[Any, Any], levels: list[Any]) -> pd.Series[Any]:
    """Categories that occur, in their order; levels that are written alike are one."""
    distinct = list(dict.fromkeys(levels))
    codes = np.array([distinct.index(level) for level in levels])[codes]
    return _like(x, pd.Categorical.from_codes(codes, categories=pd.Index(distinct)))


def _like(x: Any, values: Any) -> pd.Series[Any]:
    return pd.Series(values, index=getattr(as_values(x), "index", None))


def _polynomial(x: Any) -> Any:
    return C(x, contrasts=PolyContrasts())
