"""Tables of what was drawn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]


def summaries(values: Floats, names: Sequence[str], alpha: float) -> pd.DataFrame:
    """Mean, standard deviation, median and interval of draws, shape (c, n), in a row for each name."""
    median, lower, upper = np.quantile(values, [0.5, alpha / 2, 1 - alpha / 2], axis=1)
    columns = {
        "mean": values.mean(axis=1),
        "sd": spread(values),
        "median": median,
        "lower": lower,
        "upper": upper,
    }
    return pd.DataFrame(columns, index=list(names))


def spread(values: Floats) -> Floats:
    """Standard deviation of draws, shape (c, n); NaN where there is but one."""
    few = values.shape[1] < 2
    return np.full(len(values), np.nan) if few else np.asarray(values.std(axis=1, ddof=1))
