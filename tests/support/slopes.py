"""Responses with an intercept and a slope for each group, which are correlated."""

from __future__ import annotations

import numpy as np
import pandas as pd

NAME = "cor(g: Intercept, x)"  # of the correlation in models with (x | g)


def intercepts_and_slopes(
    groups: int = 40, rows: int = 12, rho: float = 0.6, seed: int = 1, binary: bool = False
) -> pd.DataFrame:
    """Counts, or binary responses, with an intercept and a slope for each group, standard deviations 0.7 and 0.5."""
    rng = np.random.default_rng(seed)
    covariance = [[0.49, 0.35 * rho], [0.35 * rho, 0.25]]
    u = rng.multivariate_normal([0.0, 0.0], covariance, groups)
    g = np.repeat(np.arange(groups), rows)
    x, z = rng.normal(size=(2, len(g)))
    eta = 0.3 + 0.4 * x + u[g, 0] + u[g, 1] * x
    y = rng.binomial(1, 1 / (1 + np.exp(-eta))) if binary else rng.poisson(np.exp(eta))
    return pd.DataFrame(
        {"y": y, "x": x, "z": z, "g": g, "h": g % 5, "f": np.array(["a", "b", "c"])[np.arange(len(g)) % 3]}
    )
