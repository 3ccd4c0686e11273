"""Covariates about their means, where their origins are free.

With products and powers of covariates, as in ``year * treatment`` or ``year + I(year**2)``, moving the origin of a covariate mixes
coefficients but leaves the model as it is: the columns X_c of the moved covariates span what X spans,

    X_c = X M,    M invertible.

Priors that are not to depend on origins are those of the coefficients of X_c. Where moving an origin makes another model, as in
``year:treatment`` alone or ``log(year) * treatment``, it is not free.
"""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable, Iterable

import numpy as np
import numpy.typing as npt
import pandas as pd

from mixed_glm._formula.columns import number_column, with_columns
from mixed_glm._formula.data import Environment, names_of_factor

Floats = npt.NDArray[np.float64]

_SAME = 1e-7  # of a column's spread, what may be left of it beside those that span it
_NOTHING = 1e-9  # of a column, in units of both
_SINGULAR = 1e13  # condition of M beyond which X is taken as dependent


def mixing(
    x: Floats,
    terms: list[list[str]],
    env: Environment,
    weights: Floats | None,
    evaluate: Callable[[Environment], Floats],
) -> Floats | None:
    """M, shape (p, p); None where no origin is free, or none mixes coefficients.

    Parameters
    ----------
    x : float array, shape (n, p)
        The fixed-effects columns.
    terms : list of list of str
        Expressions of the factors of each term.
    weights : float array, shape (n,), or None
        How often each row counts in the means.
    evaluate : callable
        The columns in another environment, with what transforms learn of it.
    """

    def with_moved(names: Iterable[str]) -> Floats | None:
        try:
            with np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                moved = evaluate(_moved(env, names, weights))
        except (
            ValueError
        ):  # as of a logarithm; a formula that cannot be evaluated as it is has been refused before
            return None
        return _way(x, moved)

    names = [name for name in env.frame.columns if _may_mix(name, terms) and _varies(env.frame[name])]
    if not names:
        return None
    found = with_moved(names)
    if found is None and len(names) > 1:
        free = [name for name in names if with_moved([name]) is not None]
        found = with_moved(free) if free else None
    return None if found is None or _only_shifts(found, x) else found


def _may_mix(name: str, terms: list[list[str]]) -> bool:
    """Whether a column is in a product, or in several terms; otherwise the constant alone takes up a shift."""
    of = [factors for factors in terms if any(name in names_of_factor(f) for f in factors)]
    return (
        len(of) > 1
        or any(len(factors) > 1 for factors in of)
        or any(_is_raw_power(f) for factors in of for f in factors)
    )


def _is_raw_power(factor: str) -> bool:
    return factor.replace(" ", "").startswith("poly(") and "raw" in factor


def _varies(column: pd.Series[float]) -> bool:
    numeric = pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype)
    return bool(numeric and np.ptp(column.to_numpy(dtype=np.float64)) > 0.0)


def _moved(env: Environment, names: Iterable[str], weights: Floats | None) -> Environment:
    columns = {name: number_column(env.frame[name]) for name in names}
    moved = {name: column - np.average(column, weights=weights) for name, column in columns.items()}
    return dataclasses.replace(env, frame=with_columns(env.frame, moved), state={}, groups={})


def _way(x: Floats, moved: Floats) -> Floats | None:
    """M with moved = x M; None if they span different spaces, or are linearly dependent."""
    if moved.shape != x.shape or not np.isfinite(moved).all():
        return None
    size = np.sqrt((moved**2).sum(axis=0))
    length = np.sqrt((x**2).sum(axis=0))
    if not ((size > 0.0) & (length > 0.0)).all():
        return None
    unit = moved / size
    gram = unit.T @ unit
    if np.linalg.eigvalsh(gram)[0] < 1e-10:
        return None
    back = np.linalg.solve(gram, unit.T @ x)  # the moved columns are the better conditioned
    rest = np.abs(x - unit @ back).max(axis=0)
    spread = _spread(x)
    if not (rest <= _SAME * spread).all() or np.linalg.cond(back / length) > _SINGULAR:
        return None
    way = np.linalg.inv(back / size[:, None])
    way[np.abs(way) * spread[:, None] <= _NOTHING * _spread(moved)] = 0.0
    np.fill_diagonal(way, np.where(np.abs(way.diagonal() - 1.0) <= _NOTHING, 1.0, way.diagonal()))
    return np.asarray(way)


def _spread(x: Floats) -> Floats:
    """Range of each column, shape (p,); size of a constant one."""
    ranges = np.ptp(x, axis=0)
    return np.asarray(np.where(ranges > 0.0, ranges, np.abs(x).max(axis=0)))


def _only_shifts(way: Floats, x: Floats) -> bool:
    """Whether constant columns alone take up what is moved, as they do wherever columns are centred."""
    off = way.copy()
    np.fill_diagonal(off, 0.0)
    return not off[np.ptp(x, axis=0) > 0.0].any()
