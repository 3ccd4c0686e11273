"""Values as json has them."""

from __future__ import annotations

import json
import math
from typing import IO, Any

import numpy as np
import pandas as pd


def write_json(value: Any, file: IO[bytes]) -> None:
    """Write lists and dicts of what `plain_value` returns."""
    file.write((json.dumps(value, indent=1, allow_nan=False) + "\n").encode())


def plain_value(value: Any) -> Any:
    """One cell: a number, a text, true or false; None where it is missing or not finite."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or value is pd.NaT or value is pd.NA:
        return None
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, (bool, int, str)):
        return value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
