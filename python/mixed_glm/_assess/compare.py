"""Fits of the same responses, compared by their expected log predictive density."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from mixed_glm._assess.elpd import ELPD
from mixed_glm._assess.loo import loo, waic
from mixed_glm._assess.stacking import stacking_weights
from mixed_glm._fit.fit import Fit, HasFit
from mixed_glm._input.arrays import as_generator
from mixed_glm._spec.spec import ModelSpec

Floats = npt.NDArray[np.float64]

CRITERIA = ("loo", "waic")


def compare(
    results: Mapping[str, HasFit | ELPD] | Sequence[HasFit | ELPD],
    criterion: str = "loo",
    *,
    draws: int = 1000,
    rng: Any = 0,
    exact: bool | str = False,
    n_jobs: int = -1,
) -> pd.DataFrame:
    """Compare fits of the same responses by their expected log predictive density.

    Parameters
    ----------
    results : mapping of str to MixedGLMResults, or sequence of them
        Fits, with names. Or what their `loo`, `leave_out`, `kfold` or `log_score` gave, all of the same kind:
        ``compare({"a": a.kfold(10), "b": b.kfold(10)})``.
    criterion : {"loo", "waic"}
        How fits are compared; nothing is computed of what has been cross-validated already.
    draws : int, default 1000
        Number of posterior draws of each fit.
    rng : int or numpy.random.Generator, default 0
        Every fit is drawn from with the same seed.
    exact, n_jobs
        As for `MixedGLMResults.loo`, for ``"loo"`` alone.

    Returns
    -------
    DataFrame
        One row for each fit, the best first. Columns: ``rank``; ``elpd_loo`` (or ``elpd_waic``, and so on) and ``p_loo``;
        ``elpd_diff``, by how much it is below the best; ``dse``, the standard error of that difference; ``se``, that
        of the density itself; ``mcse``, its Monte-Carlo error; ``weight``, of the fit in the mixture of all that predicts best (stacking);
        ``unreliable``, rows whose contribution cannot be relied on; and ``log_evidence``, log p(y) where the fit
        estimates it.

    Raises
    ------
    ValueError, TypeError
        If there is nothing to compare, or the fits are of different rows or responses, or left out other folds.
    """
    named = named_results(results)
    if criterion not in CRITERIA:
        raise ValueError(f"criterion must be 'loo' or 'waic', got {criterion!r}")
    if exact and criterion != "loo":
        raise ValueError(f"exact is only for criterion 'loo', got it with {criterion!r}")
    _require_same_rows({name: _spec(name, one) for name, one in named.items()})
    seed = int(as_generator(rng).integers(2**63)) if isinstance(rng, np.random.Generator) else rng

    def assessed(one: Fit | ELPD) -> ELPD:
        if isinstance(one, ELPD):
            return one
        return (
            waic(one, draws, seed)
            if criterion == "waic"
            else loo(one, draws, seed, exact=exact, n_jobs=n_jobs)
        )

    found = {name: assessed(one) for name, one in named.items()}
    _require_same_left_out(found)
    return _table(found, {name: _log_evidence(one) for name, one in named.items()})


def _table(found: Mapping[str, ELPD], log_evidence: Mapping[str, float]) -> pd.DataFrame:
    ones = list(found.values())
    kind = ones[0].kind
    pointwise = np.array([f.pointwise for f in ones])
    total = np.array([f.elpd for f in ones])
    difference = pointwise[int(np.argmax(total))] - pointwise
    table = pd.DataFrame(
        {
            f"elpd_{kind}": total,
            f"p_{kind}": [f.p for f in ones],
            "elpd_diff": difference.sum(axis=1),
            "dse": np.sqrt(pointwise.shape[1] * difference.var(axis=1)),
            "se": [f.se for f in ones],
            "mcse": [f.mcse for f in ones],
            "weight": stacking_weights(pointwise),
            "unreliable": [f.n_unreliable for f in ones],
            "log_evidence": list(log_evidence.values()),
        },
        index=list(found),
    ).sort_values(f"elpd_{kind}", ascending=False)
    table.insert(0, "rank", np.arange(len(table)))
    return table


def _spec(name: str, one: Fit | ELPD) -> ModelSpec:
    if one.spec is None:
        raise ValueError(f"results: {name!r} does not tell which rows it is of")
    return one.spec


def _log_evidence(one: Fit | ELPD) -> float:
    return np.nan if isinstance(one, ELPD) or one.log_evidence is None else one.log_evidence


def _require_same_left_out(found: Mapping[str, ELPD]) -> None:
    """Check that it is the same that was left out: that kinds, groups and folds are equal, and nothing is missing."""
    first_name, first = next(iter(found.items()))
    for name, one in found.items():
        if one.kind != first.kind:
            raise ValueError(
                f"results must be of the same kind of cross-validation: {first_name!r} is {first.kind!r}, {name!r} is {one.kind!r}"
            )
        if not _equal(one.folds, first.folds) or len(one.pointwise) != len(first.pointwise):
            raise ValueError(
                f"results must have left out the same rows together: those of {name!r} are others than those of "
                f"{first_name!r}; give both the same folds, groups or rng"
            )
        if np.isnan(one.pointwise).any():
            raise ValueError(
                f"results must have a density everywhere: {int(np.isnan(one.pointwise).sum())} of {name!r} are missing"
            )


def _equal(one: Any, other: Any) -> bool:
    return other is None if one is None else other is not None and np.array_equal(one, other)


def _require_same_rows(named: Mapping[str, ModelSpec]) -> None:
    first_name, first = next(iter(named.items()))
    for name, spec in named.items():
        rows = [f"{n!r} has {s.nobs}{_dropped(s)}" for n, s in ((first_name, first), (name, spec))]
        if spec.nobs != first.nobs:
            raise ValueError(
                f"results must be fits of the same rows: {' and '.join(rows)}; fit them to the rows that are complete "
                "for all of them"
            )
        _require_same_responses(first_name, first, name, spec)
        ours, theirs = spec.index, first.index
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


def _dropped(spec: ModelSpec) -> str:
    return f" ({spec.n_missing} dropped, as something is missing in them)" if spec.n_missing else ""


def named_results(results: Any) -> dict[str, Fit | ELPD]:
    """Fits, or what cross-validation gave, by name.

    Raises
    ------
    ValueError, TypeError
        If there are none, or something else is among them.
    """
    if isinstance(results, Mapping):
        named = {str(name): result for name, result in results.items()}
    elif isinstance(results, Sequence) and not isinstance(results, str):
        named = {f"model {i}": result for i, result in enumerate(results)}
    else:
        raise TypeError(f"results must be a mapping or a sequence of results, got {type(results).__name__}")
    if not named:
        raise ValueError("results must hold at least one fit, got none")
    return {name: _fit_or_elpd(name, result) for name, result in named.items()}


def _fit_or_elpd(name: str, result: Any) -> Fit | ELPD:
    found = result if isinstance(result, ELPD) else getattr(result, "fit", None)
    if not isinstance(found, (Fit, ELPD)):
        raise TypeError(f"results must hold MixedGLMResults, got {type(result).__name__} for {name!r}")
    return found
