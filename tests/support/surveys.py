"""A survey with four ordered answers, and models of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

import mixed_glm as mg

LABELS = ["no", "perhaps", "yes", "sure"]


def survey(n: int = 400, groups: int = 20, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    g, x, z = rng.integers(groups, size=n), rng.normal(50, 10, n), rng.normal(size=n)
    latent = 0.05 * (x - 50) + 0.5 * z + 1.3 * rng.normal(size=groups)[g] + rng.logistic(size=n)
    codes = np.digitize(latent, [-1.5, 0.0, 1.2])
    answer = pd.Categorical(np.array(LABELS)[codes], categories=LABELS, ordered=True)
    return pd.DataFrame(
        {"answer": answer, "number": codes + 1, "high": (latent > 0) * 1, "x": x, "z": z, "g": g}
    )


def model(
    formula: str = "answer ~ x + z + (1 | g)", data: pd.DataFrame | None = None, **arguments: Any
) -> mg.MixedGLM:
    return mg.MixedGLM.from_formula(
        formula, data=survey() if data is None else data, family="cumulative", **arguments
    )
