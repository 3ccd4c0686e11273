"""Functions that learn from their first data, and remember for new rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from formulaic.utils.stateful_transforms import stateful_transform

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])
State = dict[str, Any]


def stateful(function: FunctionT) -> FunctionT:
    """Function whose argument ``_state`` formulaic fills with what it has learnt, empty at first."""
    return cast(FunctionT, stateful_transform(function))
