"""Labels: those of a model, and those of new rows looked up among them.

Labels are compared exactly, whatever their type: 3, 3.0 and Decimal(3) are one, whole numbers differ however long they
are. Files and frames also spell a label in several ways, 3 in a column of numbers and "3" in one of texts. So a label is
the level that equals it, or else the one level that writes the same number: a text writes a number if it is digits, with
"-" before or a point and more digits after them, and perhaps blanks around ("007", "-1.50", not "1_000", "+5", "1e3",
"nan"). A label of another kind than all levels (a text where they are numbers, say) that is none of them is an error:
taking it for an unknown group would be silent and wrong.
"""

from __future__ import annotations

import datetime as dt
import numbers
import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from mixed_glm._formula.columns import EXACT, exact_number

_WRITTEN = re.compile(r"[ \t]*(-?[0-9]{1,4000})(\.[0-9]{1,4000})?[ \t]*", re.ASCII)


def factorize(values: pd.Series[Any], name: str) -> tuple[npt.NDArray[np.intp], pd.Index]:
    """Code of every label, -1 where it is missing, and the levels, sorted where they can be.

    Raises
    ------
    TypeError
        If they cannot be labels because they can change, as lists.
    """
    try:
        try:
            codes, levels = pd.factorize(values, sort=True)
        except TypeError:  # labels of several types that cannot be sorted
            codes, levels = pd.factorize(values, sort=False)
    except TypeError:
        raise _unhashable(values, name) from None
    return codes, pd.Index(levels)


def distinct(levels: pd.Index, name: str) -> pd.Index:
    """Levels, once all are written differently.

    Raises
    ------
    ValueError
        If two are written in the same way, as 1 and "1", or are whole numbers that were rounded.
    """
    if pd.api.types.is_integer_dtype(levels.dtype):
        return levels
    written: dict[str, Any] = {}
    for level in levels.tolist():
        require_exact(level, name)
        other = written.setdefault(str(level), level)
        if other is not level:
            raise ValueError(
                f"{name} has the labels {_spelt(other)} and {_spelt(level)}, which are different and written in the same "
                "way: make all of them texts or numbers, or rename one"
            )
    return levels


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
    TypeError
        If something is no label, as a list.
    ValueError
        If a label is of another kind than all levels and cannot be compared with them as a number, or could be two
        of them; or is a whole number that was rounded.
    """
    series = pd.Series(values)
    try:
        codes, met = pd.factorize(series)
    except TypeError:
        raise _unhashable(series, name) from None
    labels = [_plain(label) for label in met]
    known = {_plain(level): position for position, level in enumerate(levels)}
    place = np.array(
        [known.get(label, -1) for label in labels] + [-1], dtype=np.intp
    )  # the last for missing ones
    for label, at in zip(labels, place, strict=False):
        if at < 0 or not isinstance(levels[at], float):
            require_exact(label, name)
    strangers = np.flatnonzero(place[:-1] < 0)
    if len(strangers):
        place[strangers] = _by_number([labels[i] for i in strangers], list(known), name)
    return np.asarray(place[codes], dtype=np.intp)


def number_groups(labels: Sequence[Any], rows: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.intp], int]:
    """Number the groups that some rows belong to.

    Parameters
    ----------
    labels : sequence of array_like, shape (n,) each
        Of one factor each; a group is a combination of them. Without any, there is one group.
    rows : bool array, shape (n,)
        Which rows count.

    Returns
    -------
    numbers : int array, shape (n,)
        -1 for other rows. A row with a missing label is a group of its own.
    count : int
    """
    groups, missing = np.zeros(int(rows.sum()), dtype=np.int64), np.zeros(int(rows.sum()), dtype=bool)
    for values in labels:
        codes, met = pd.factorize(pd.Series(values)[rows])
        missing |= codes < 0
        _, groups = np.unique(groups * len(met) + codes, return_inverse=True)
    groups[missing] = len(groups) + np.arange(missing.sum())
    distinct_groups, groups = np.unique(groups, return_inverse=True)
    numbers = np.full(len(rows), -1, dtype=np.intp)
    numbers[rows] = groups
    return numbers, len(distinct_groups)


def spelt(labels: Iterable[Any], most: int = 3) -> str:
    """A few labels, for messages."""
    shown = list(labels)
    return ", ".join(_spelt(v) for v in shown[:most]) + (", ..." if len(shown) > most else "")


def _plain(label: Any) -> Any:
    """A label as Python has it, so that equal ones are found as such."""
    if isinstance(label, (np.datetime64, np.timedelta64)):
        return pd.Timestamp(label) if isinstance(label, np.datetime64) else pd.Timedelta(label)
    return label.item() if isinstance(label, np.generic) else label


def require_exact(label: Any, name: str) -> None:
    """Raise ValueError for a whole number that may have been rounded to a float."""
    if isinstance(label, float) and EXACT <= abs(label) < np.inf:
        raise ValueError(
            f"{name} holds {label:.17g} as a float, which cannot tell whole numbers from 2^53 on apart: give its labels as "
            "integers (dtype 'Int64' where some are missing) or texts"
        )


def _unhashable(values: pd.Series[Any], name: str) -> TypeError:
    kind = next(
        (type(v).__name__ for v in values if type(v).__hash__ is None), "an object that cannot be hashed"
    )
    return TypeError(
        f"{name} must hold one label a row, such as a text or a number, got a {kind}; make texts or tuples of them"
    )


def _by_number(labels: list[Any], known: list[Any], name: str) -> list[int]:
    """Places of labels that are not levels as they stand."""
    kinds = {_kind(v) for v in known}
    foreign = [_kind(v) not in kinds for v in labels]
    if not any(foreign):
        return [-1] * len(labels)
    by_number: dict[Any, list[int]] = {}
    for position, level in enumerate(known):
        number = _number(level)
        if number is not None:
            by_number.setdefault(number, []).append(position)
    return [
        _one(label, by_number, known, name) if is_foreign else -1
        for label, is_foreign in zip(labels, foreign, strict=True)
    ]


def _one(label: Any, by_number: dict[Any, list[int]], known: list[Any], name: str) -> int:
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
    """What a label is; those of different kinds cannot be compared."""
    if isinstance(label, str):
        return "text"
    if isinstance(label, (numbers.Number, np.bool_)):
        return "number"
    if isinstance(label, dt.datetime):
        return "Timestamp" if label.tzinfo is None else "time-zone aware Timestamp"
    return f"Period[{label.freqstr}]" if isinstance(label, pd.Period) else type(label).__name__


def _number(label: Any) -> Any:
    """The number that a label is or writes, None if there is none."""
    if isinstance(label, str):
        written = _WRITTEN.fullmatch(label)
        if written is None:
            return None
        return exact_number(int(written[1]) if written[2] is None else Decimal(label.strip(" \t")))
    if isinstance(label, bool) or not isinstance(label, (numbers.Real, Decimal)):
        return None
    number = exact_number(label)
    return number if not isinstance(number, float) or np.isfinite(number) else None


def _spelt(label: Any) -> str:
    return repr(label.item() if isinstance(label, np.generic) else label)
