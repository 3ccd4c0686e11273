"""Checks of arguments that are one of a few words, True or False, or one thing or several."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeGuard

import numpy as np


def as_choice(value: Any, name: str, choices: Iterable[str]) -> str:
    """One of some words.

    Raises
    ------
    ValueError
        If it is none of them.
    """
    words = tuple(choices)
    if not isinstance(value, str) or value not in words:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, words))}, got {value!r}")
    return str(value)


def as_flag(value: Any, name: str) -> bool:
    """True or False; also as a number, 0 or 1.

    Raises
    ------
    TypeError
        If it is anything else: a text such as "no" would count as true.
    """
    if not isinstance(value, (bool, np.bool_, int, np.integer)) or value not in (0, 1):
        raise TypeError(f"{name} must be True or False, got {value!r}")
    return bool(value)


def is_several(value: Any) -> TypeGuard[Iterable[Any]]:
    """Whether it is one thing after the other, and not one thing: a text, or an array without dimensions, which Python would go through."""
    return (
        isinstance(value, Iterable) and not isinstance(value, (str, bytes)) and getattr(value, "ndim", 1) != 0
    )
