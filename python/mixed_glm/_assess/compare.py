"""Fits of the same responses, compared by their expected log predictive density."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from mixed_glm._assess.elpd import ELPD
from mixed_glm._assess.loo import loo, waic
from mixed_glm._fit.fit import Fit, HasFit
from mixed_glm._fit.optimize import scipy_minimize
from mixed_glm._input.arrays import as_generator
from mixed_glm._spec.spec import ModelSpec

Floats = npt.NDArray[np.float64]

CRITERIA: dict[str, Callable[[Fit, int, Any], ELPD]] = {"loo": loo, "waic": waic}


def compare(
    results: Mapping[str, HasFit] | Sequence[HasFit],
    criterion: str = "loo",
    *,
    draws: int = 1000,
    rng: Any = 0,
) -> pd.DataFrame:
    """Compare fits of the same responses by their expected log predictive density.

    Parameters
    ----------
    results : mapping of str to MixedGLMResults, or sequence of them
        Fits, with names.
    criterion : {"loo", "waic"}
    draws : int, default 1000
        Number of posterior draws of each fit.
    rng : int or numpy.random.Generator, default 0
        Every fit is drawn from with the same seed.

    Returns
    -------
    DataFrame
        One row for each fit, the best first. Columns: ``rank``; ``elpd_loo`` (or ``elpd_waic``) and ``p_loo``;
        ``elpd_diff``, by how much it is below the best; ``dse``, the standard error of that difference; ``se``, that
        of the density itself; ``mcse``, its Monte-Carlo error; ``weight``, of the fit in the mixture of all that predicts best (stacking);
        ``unreliable``, rows whose contribution cannot be relied on; and ``log_evidence``, log p(y) where the fit
        estimates it.

    Raises
    ------
    ValueError, TypeError
        If there is nothing to compare, or the fits are of different rows or responses.
    """
    named = _named(results)
    if criterion not in CRITERIA:
        raise ValueError(f"criterion must be 'loo' or 'waic', got {criterion!r}")
    _require_same_rows(named)
    seed = int(as_generator(rng).integers(2**63)) if isinstance(rng, np.random.Generator) else rng
    found = [CRITERIA[criterion](fit, draws, seed) for fit in named.values()]
    pointwise = np.array([f.pointwise for f in found])
    total = np.array([f.elpd for f in found])
    best = int(np.argmax(total))
    difference = pointwise[best] - pointwise
    table = pd.DataFrame(
        {
            f"elpd_{criterion}": total,
            f"p_{criterion}": [f.p for f in found],
            "elpd_diff": difference.sum(axis=1),
            "dse": np.sqrt(pointwise.shape[1] * difference.var(axis=1)),
            "se": [f.se for f in found],
            "mcse": [f.mcse for f in found],
            "weight": stacking_weights(pointwise),
            "unreliable": [f.n_unreliable for f in found],
            "log_evidence": [np.nan if f.log_evidence is None else f.log_evidence for f in named.values()],
        },
        index=list(named),
    ).sort_values(f"elpd_{criterion}", ascending=False)
    table.insert(0, "rank", np.arange(len(table)))
    return table


def _require_same_rows(named: Mapping[str, Fit]) -> None:
    first_name, first = next(iter(named.items()))
    for name, fit in named.items():
        rows = [f"{n!r} has {f.spec.nobs}{_dropped(f)}" for n, f in ((first_name, first), (name, fit))]
        if fit.spec.nobs != first.spec.nobs:
            raise ValueError(
                f"results must be fits of the same rows: {' and '.join(rows)}; fit them to the rows that are complete "
                "for all of them"
            )
        _require_same_responses(first_name, first.spec, name, fit.spec)
        ours, theirs = fit.spec.index, first.spec.index
        if ours is not None and theirs is not None and not ours.equals(theirs):
            row = int(np.argmax(np.asarray(ours != theirs)))
            raise ValueError(
                f"results must be fits of the same rows in the same order: row {row} of {name!r} is {ours[row]!r} of "
                f"its data, that of {first_name!r} is {theirs[row]!r}"
            )


def _require_same_responses(first_name: str, first: ModelSpec, name: str, spec: ModelSpec) -> None:
    """Check responses, and what their log densities are taken of: trials and weights."""
    one, other = first.design, spec.design
    pairs = {"response": (one.endog, other.endog), "freq_weights": (one.weights(), other.weights())}
    if first.family.has_trials and spec.family.has_trials:
        pairs["n_trials"] = (one.trials(), other.trials())
    for what, (ours, theirs) in pairs.items():
        if not np.array_equal(ours, theirs):
            row = int(np.argmax(ours != theirs))
            raise ValueError(
                f"results must be fits of the same responses: {what} of {name!r} is {theirs[row]:g} at row {row}, that of "
                f"{first_name!r} is {ours[row]:g}"
            )
    if first.family.is_continuous != spec.family.is_continuous:
        raise ValueError(
            f"results must be fits whose log densities can be compared: those of {spec.family.name} ({name!r}) and "
            f"{first.family.name} ({first_name!r}) are not both densities or both probabilities"
        )


def _dropped(fit: Fit) -> str:
    return f" ({fit.spec.n_missing} dropped, as something is missing in them)" if fit.spec.n_missing else ""


def stacking_weights(pointwise: Floats) -> Floats:
    """Weights of the mixture with the highest log predictive density (Yao et al. 2018): a concave function of them.

    Parameters
    ----------
    pointwise : float array, shape (models, nobs)
    """
    density = np.exp(pointwise - pointwise.max(axis=0))
    m = len(density)

    def loss(weights: Floats) -> tuple[float, Floats]:
        mixture = np.maximum(weights @ density, np.finfo(float).tiny)
        return -float(np.log(mixture).mean()), -(density / mixture).mean(axis=1)

    found = scipy_minimize(
        loss,
        np.full(m, 1.0 / m),
        jac=True,
        method="SLSQP",
        bounds=[(0.0, 1.0)] * m,
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1.0, "jac": np.ones_like},
        options={"ftol": 1e-12, "maxiter": 1000},
    )
    weights = np.clip(found.x, 0.0, 1.0)
    return np.asarray(weights / weights.sum())


def _named(results: Any) -> dict[str, Fit]:
    if isinstance(results, Mapping):
        named = {str(name): result for name, result in results.items()}
    elif isinstance(results, Sequence) and not isinstance(results, str):
        named = {f"model {i}": result for i, result in enumerate(results)}
    else:
        raise TypeError(f"results must be a mapping or a sequence of results, got {type(results).__name__}")
    if not named:
        raise ValueError("results must hold at least one fit, got none")
    for name, result in named.items():
        if not isinstance(getattr(result, "fit", None), Fit):
            raise TypeError(f"results must hold MixedGLMResults, got {type(result).__name__} for {name!r}")
    return {name: result.fit for name, result in named.items()}
