"""Predictions by several fits together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from mixed_glm._assess.compare import compare, named_results
from mixed_glm._assess.elpd import ELPD
from mixed_glm._fit.fit import Fit, HasFit
from mixed_glm._input.arrays import as_count, as_generator
from mixed_glm._predict.draws import predict_draws

Floats = npt.NDArray[np.float64]


def predict_stacked(
    results: Mapping[str, HasFit] | Sequence[HasFit],
    weights: Any = None,
    exog: Any = None,
    *,
    draws: int = 1000,
    rng: Any = 0,
    **options: Any,
) -> Floats:
    """Draw predictions from the mixture of several fits: what a few models that predict about as well say together.

    Parameters
    ----------
    results : mapping of str to MixedGLMResults, or sequence of them
    weights : Series, mapping or array_like, optional
        Of the fits: by name, such as the column ``weight`` of `compare`, or in their order. Default: the stacking weights that
        `compare` finds by `MixedGLMResults.loo`.
    exog : DataFrame or array_like, optional
        Rows, as for `MixedGLMResults.predict_draws`; default the models' own.
    draws : int, default 1000
        Of all fits together: of each, as many as its weight says.
    rng : int or numpy.random.Generator, default 0
    **options
        Of `MixedGLMResults.predict_draws`: ``kind``, ``random``, and so on.

    Returns
    -------
    float array, shape (draws, m)
        Those of one fit after those of another.

    Raises
    ------
    ValueError, TypeError
        If weights do not fit the results, or an option does not.
    """
    fits = {name: _fit(name, one) for name, one in named_results(results).items()}
    count, generator = as_count(draws, "draws"), as_generator(rng)
    given = compare(results)["weight"] if weights is None else weights  # by loo, which has a seed of its own
    parts = [
        predict_draws(fit, exog, draws=int(n), rng=generator, **options)
        for fit, n in zip(fits.values(), _numbers(_weights(given, list(fits)), count), strict=True)
        if n
    ]
    if len({part.shape[1] for part in parts}) > 1:
        raise ValueError(
            f"results must have the same rows, got {', '.join(str(part.shape[1]) for part in parts)}"
        )
    return np.concatenate(parts)


def _fit(name: str, one: Fit | ELPD) -> Fit:
    if isinstance(one, ELPD):
        raise TypeError(f"results must hold MixedGLMResults to predict by, got an ELPD for {name!r}")
    return one


def _weights(given: Any, names: list[str]) -> Floats:
    """Weights in the order of the names; they sum to one."""
    if isinstance(given, (pd.Series, Mapping)):
        by_name = {str(name): weight for name, weight in given.items()}
        if set(by_name) != set(names):
            raise ValueError(
                f"weights must have the names of the results, {', '.join(map(repr, names))}, got "
                f"{', '.join(map(repr, by_name))}"
            )
        given = [by_name[name] for name in names]
    weights = np.asarray(given, dtype=np.float64)
    if weights.shape != (len(names),):
        raise ValueError(
            f"weights must be one for each of the {len(names)} results, got shape {weights.shape}"
        )
    if not (np.isfinite(weights).all() and (weights >= 0.0).all() and weights.sum() > 0.0):
        raise ValueError(f"weights must not be negative, nor all zero, got {weights.tolist()}")
    return np.asarray(weights / weights.sum())


def _numbers(weights: Floats, draws: int) -> npt.NDArray[np.intp]:
    """How many draws each fit has: its share, rounded so that they add up."""
    ends = np.rint(np.cumsum(weights) * draws).astype(np.intp)
    return np.diff(ends, prepend=0)
