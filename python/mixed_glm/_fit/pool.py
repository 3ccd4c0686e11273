"""Fits of several data sets that stand for one, as multiple imputation makes them, made one."""

from __future__ import annotations

from typing import Any

import numpy as np

from mixed_glm._fit.fit import Fit
from mixed_glm._posterior.pooled import PooledPosterior
from mixed_glm._spec.spec import ModelSpec


def pooled(fits: list[Fit]) -> Fit:
    """One fit with the mixture of the posteriors.

    Raises
    ------
    ValueError
        If the models are not the same, up to their data.
    """
    first = fits[0]
    for number, fit in enumerate(fits[1:], 1):
        _require_same(first.spec, fit.spec, number)
    worst = next((fit for fit in fits if fit.status != "converged"), first)
    return Fit(
        first.spec,
        PooledPosterior.of(tuple(fit.posterior for fit in fits)),
        "pooled",
        np.nan,
        worst.status,
        all(fit.converged for fit in fits),
        sum(fit.n_iter for fit in fits),
    )


def _require_same(first: ModelSpec, other: ModelSpec, number: int) -> None:
    """Refuse models whose parameters mean different things."""
    for what, one, two in (
        ("family", repr(first.family), repr(other.family)),
        ("response", first.endog_name, other.endog_name),
        ("formula", _formula(first), _formula(other)),
        ("response's categories", first.design.response_levels, other.design.response_levels),
    ):
        if one != two:
            raise ValueError(
                f"results must be of one model: the {what} of result 0 is {one}, that of result {number} {two}"
            )
    names, others = first.layout.names, other.layout.names
    if names != others:
        lost, more = ([n for n in a if n not in b][:3] for a, b in ((names, others), (others, names)))
        raise ValueError(
            f"results must have the same parameters: result 0 has {', '.join(lost) or 'them in another order'}"
            f"{' and' if more else ''} result {number} {', '.join(more) or 'not'}; give factors the same levels (as categoricals) in all data sets"
        )
    if _learnt(first) != _learnt(other):
        raise ValueError(
            f"results must have the same columns: a transform of the formula, as center, scale, poly or a spline, learnt other numbers from the data of "
            f"result {number} than from those of result 0, so that coefficients mean something else. Transform before imputing, or write the numbers, as I(x - 50)"
        )


def _formula(spec: ModelSpec) -> str | None:
    return None if spec.encoding is None else spec.encoding.formula


def _learnt(spec: ModelSpec) -> str:
    """What transforms have learnt from the data."""
    encoding: Any = spec.encoding
    if encoding is None:
        return ""
    parts = [
        component.spec for component in encoding.components if getattr(component, "spec", None) is not None
    ]
    states = [part.transform_state for part in (encoding.fixed, *parts)]
    return repr([encoding.state, *states])
