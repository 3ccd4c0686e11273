"""Whether responses are in the support of a family; errors name the first row where they are not."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def first_bad(good: npt.NDArray[np.bool_]) -> int | None:
    """Row of the first False, None if there is none."""
    return None if good.all() else int(np.argmin(good))


def require(good: npt.NDArray[np.bool_], values: Floats, message: str) -> None:
    """ValueError that begins with `message` and names the first value that is not good."""
    row = first_bad(good)
    if row is not None:
        raise ValueError(f"{message}, got {values[row]:g} at row {row}")
