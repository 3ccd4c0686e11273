"""Labels of new rows looked up among those of a model.

Files and frames spell the same label in several ways: 3, 3.0 and "3" in a column of numbers and one of texts. A label
is the level that equals it, or else the one level that writes the same number. A label of another kind than all levels
(a text where they are numbers, say) that is none of them is an error: taking it for an unknown group would be silent
and wrong.
"""

from __future__ import annotations

import numbers
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd


def find_levels(values: Any, levels: pd.Index, name: str) -> npt.NDArray[np.intp]:
    """Position of every label among `levels`, -1 where it is missing or is not one of them.

    Parameters
    ----------
    values : array_like, shape (n,)
    levels : Index
        Distinct.
    name : str
        Of the grouping factor, for messages.

    Raises
    ------
    ValueError
        If a label is of another kind than all levels and cannot be compared with them as a number, or could be two
        of them.
    """
    codes, labels = pd.factorize(pd.Series(values))
    met = np.asarray(labels, dtype=object)
    place = np.append(levels.get_indexer(pd.Index(met, dtype=object)), -1)  # -1 for the code -1: missing
    strangers = np.flatnonzero(place[:-1] < 0)
    if len(strangers):
        place[strangers] = _by_number(met[strangers], levels, name)
    return np.asarray(place[codes], dtype=np.intp)


def spelt(labels: Iterable[Any], most: int = 3) -> str:
    """A few labels, for messages."""
    shown = list(labels)
    return ", ".join(_spelt(v) for v in shown[:most]) + (", ..." if len(shown) > most else "")


def _by_number(labels: npt.NDArray[np.object_], levels: pd.Index, name: str) -> list[int]:
    """Places of labels that are not levels as they stand."""
    known = levels.tolist()
    kinds = {_kind(v) for v in known}
    foreign = [_kind(v) not in kinds for v in labels]
    if not any(foreign):
        return [-1] * len(labels)
    by_number: dict[float, list[int]] = {}
    for position, level in enumerate(known):
        number = _number(level)
        if number is not None:
            by_number.setdefault(number, []).append(position)
    return [
        _one(label, by_number, known, name) if is_foreign else -1
        for label, is_foreign in zip(labels, foreign, strict=True)
    ]


def _one(label: Any, by_number: dict[float, list[int]], known: list[Any], name: str) -> int:
    number = _number(label)
    if by_number and number is not None:
        places = by_number.get(number, [-1])
        if len(places) == 1:
            return places[0]
        raise ValueError(
            f"{name}: the label {_spelt(label)} could be {' or '.join(_spelt(known[i]) for i in places)} "
            "of the data of the model; write it in the same way"
        )
    raise ValueError(
        f"{name} must have labels of the same kind as in the data of the model ({_kind(known[0])}s such as "
        f"{spelt(known)}), got the {_kind(label)} {_spelt(label)}; for an unknown group give None or NaN"
    )


def _kind(label: Any) -> str:
    if isinstance(label, str):
        return "text"
    return "number" if isinstance(label, (numbers.Number, np.bool_)) else type(label).__name__


def _number(label: Any) -> float | None:
    """The number that a label is or writes."""
    if not isinstance(label, (str, numbers.Real)):
        return None
    try:
        number = float(label)
    except ValueError:
        return None
    return number if np.isfinite(number) else None


def _spelt(label: Any) -> str:
    return repr(label.item() if isinstance(label, np.generic) else label)
