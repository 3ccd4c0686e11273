"""Predictions that hang on fixed effects alone: nothing is drawn, as these are a mixture of distributions that are known."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mixed_glm._posterior.fixed_effects import FixedEffects
from mixed_glm._posterior.quantiles import mixture_quantile
from mixed_glm._predict.new_rows import NewRows
from mixed_glm._predict.target import Prediction, Target, mean_over_normal
from mixed_glm.families import Family

Floats = npt.NDArray[np.float64]

_ENTRIES = 2**19  # rows x components at a time
_MOST_COMPONENTS = 20  # beyond, like ones are merged


def predict_population(family: Family, fixed: FixedEffects, rows: NewRows, target: Target) -> Prediction:
    """Posterior means of the linear predictor or of the mean of the response, with quantiles."""
    mixture = fixed.merged(_MOST_COMPONENTS)
    size = max(1, _ENTRIES // len(mixture.weights))
    parts = [
        _predict_block(family, mixture, rows.exog[block], rows.shift[block], target)
        for block in (slice(first, first + size) for first in range(0, len(rows), size))
    ]
    mean, median, lower, upper = np.concatenate([np.empty((4, 0)), *parts], axis=1)
    return Prediction(mean, median, lower, upper, np.zeros(len(mean)))


def _predict_block(
    family: Family, mixture: FixedEffects, exog: Floats, shift: Floats, target: Target
) -> Floats:
    """Mean, median and limits, shape (4, m)."""
    eta, sd = mixture.combinations(exog)
    eta = eta + shift
    # Where a covariance is not known, as where no maximum was found, what is left is the estimate itself.
    spread = np.where(np.isfinite(sd) | ~np.isfinite(eta), sd, 0.0)
    value = eta if target.linear else mean_over_normal(family, eta, spread)
    mean = mixture.weights @ value
    if target.interval is None:
        return np.stack([mean, *np.full((3, len(mean)), np.nan)])
    skewness = mixture.skewness(exog)
    quantiles = [mixture_quantile(mixture.weights, eta, sd, skewness, level) for level in target.levels]
    if not target.linear:  # increases with the linear predictor
        quantiles = [np.asarray(family.mean(q)) for q in quantiles]
    return np.stack([mean, *quantiles])
