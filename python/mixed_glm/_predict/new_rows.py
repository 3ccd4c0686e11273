"""Rows to predict: their columns, and which of their random effects are known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from mixed_glm._formula.frames import known_columns
from mixed_glm._input.arrays import as_floats, as_sparse_design, as_vector, require_same_index, row_index
from mixed_glm._predict.groups import Groups
from mixed_glm._predict.linear import is_raw, new_exog, new_offset
from mixed_glm._predict.names import random_in_order
from mixed_glm._predict.new_effects import NewEffects
from mixed_glm._spec.spec import ModelSpec

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class NewRows:
    """Rows to predict, m of them.

    Attributes
    ----------
    exog : float array, shape (m, p)
    shift : float array, shape (m,)
        Offset plus log exposure.
    known : csr_array, shape (m, q)
        Columns of the effects that the model knows.
    new : NewEffects
        Those that it does not know.
    n_trials : float array, shape (m,), or None
    index : Index or None
        Of the first pandas object that the rows came from.
    """

    exog: Floats
    shift: Floats
    known: sparse.csr_array
    new: NewEffects
    n_trials: Floats | None
    index: pd.Index | None

    def __len__(self) -> int:
        return len(self.exog)


def make_rows(
    spec: ModelSpec, exog: Any, exog_vc: Any, offset: Any, exposure: Any, n_trials: Any, groups: Groups
) -> NewRows:
    """Rows as `MixedGLMResults.predict` takes them; the model's own if nothing is given.

    Raises
    ------
    ValueError, TypeError
        For an argument that is missing or does not fit.
    """
    if exog is None:
        given = {"exog_vc": exog_vc, "offset": offset, "exposure": exposure, "n_trials": n_trials}
        extra = [name for name, value in given.items() if value is not None]
        if extra:
            raise ValueError(
                f"{', '.join(extra)} must come with exog: without it, the model's own rows count"
            )
        return own_rows(spec, groups)
    if hasattr(exog, "to_pandas"):
        exog = exog.to_pandas()
    x = new_exog(spec, exog)
    m = len(x)
    columns = exog.values() if isinstance(exog, Mapping) else ()
    named = {"offset": (offset, 0.0), "exposure": (exposure, 1.0), "n_trials": (n_trials, 1.0)}
    found = {name: _column(exog, value, name, neutral) for name, (value, neutral) in named.items()}
    x = _without_rows(x, [missing for _, missing in found.values()])
    shift = new_offset(spec, exog, found["offset"][0], found["exposure"][0], m)
    raw = is_raw(spec, exog)
    if groups.random == "population" or spec.layout.k_vc == 0:
        known, new = _no_effects(spec, m), NewEffects.none(m)
    elif raw and exog_vc is None:
        known, new = _effects_of_frame(spec, exog, groups)
    else:
        require_same_index(exog=exog, exog_vc=exog_vc)
        known, new = _effects_of_columns(spec, random_in_order(spec, exog_vc), m, groups)
    return NewRows(
        exog=x,
        shift=np.zeros(m) if shift is None else shift,
        known=known,
        new=new,
        n_trials=_trials(spec, found["n_trials"][0], m),
        index=row_index(exog, *columns, exog_vc, offset, exposure, n_trials),
    )


def _column(data: Any, value: Any, name: str, neutral: float) -> tuple[Any, npt.NDArray[np.bool_] | None]:
    """Values of the argument `name`; if those of a column of `data`, also which are missing: `neutral` takes their place."""
    if not isinstance(value, str):
        require_same_index(exog=data, **{name: value})
        return value, None
    if not isinstance(data, (pd.DataFrame, Mapping)) or value not in data:
        hint = f"; {known_columns(value, data)}" if isinstance(data, (pd.DataFrame, Mapping)) else ""
        raise ValueError(f"{name}: exog has no column {value!r}{hint}")
    values = pd.Series(data[value]).reset_index(drop=True)  # what is masked is missing
    missing = values.isna().to_numpy()
    return values.where(~missing, neutral).to_numpy() if missing.any() else values.to_numpy(), missing


def _without_rows(x: Floats, missing: list[npt.NDArray[np.bool_] | None]) -> Floats:
    """NaN in the rows of which another column is missing, so that nothing is predicted for them."""
    lost = [rows for rows in missing if rows is not None and rows.any()]
    return np.where(np.any(lost, axis=0)[:, None], np.nan, x) if lost else x


def own_rows(spec: ModelSpec, groups: Groups) -> NewRows:
    """The rows of the model itself."""
    shift = spec.design.total_offset()
    known, new = _no_effects(spec, spec.nobs), NewEffects.none(spec.nobs)
    if groups.random != "population":
        columns = _of_components(spec, spec.design.exog_vc, groups.used)
        if groups.random == "marginal":
            new = NewEffects.as_known(columns, spec.design.ident, spec.design.correlated)
        else:
            known = columns
    return NewRows(
        exog=spec.design.exog,
        shift=np.zeros(spec.nobs) if shift is None else shift,
        known=known,
        new=new,
        n_trials=spec.design.n_trials,
        index=spec.index,
    )


def _no_effects(spec: ModelSpec, m: int) -> sparse.csr_array:
    return sparse.csr_array((m, spec.layout.k_vc), dtype=np.float64)


def _of_components(spec: ModelSpec, z: sparse.csr_array, used: npt.NDArray[np.bool_]) -> sparse.csr_array:
    """Columns with the entries of these components alone."""
    if used.all():
        return z
    return _where(used[spec.design.ident][z.indices], z)


def _where(keep: npt.NDArray[np.bool_], z: sparse.csr_array) -> sparse.csr_array:
    """Those entries of a matrix that are marked, shape (nnz,)."""
    kept = z.copy()
    kept.data = np.where(keep, z.data, 0.0)
    kept.eliminate_zeros()
    return kept


def _membership(spec: ModelSpec) -> Floats:
    """Indicators of the component of each effect, shape (q, K)."""
    return np.asarray(np.eye(spec.layout.k_vcp)[spec.design.ident])


def _effects_of_frame(spec: ModelSpec, frame: Any, groups: Groups) -> tuple[sparse.csr_array, NewEffects]:
    encoding = spec.encoding
    assert encoding is not None
    if groups.random == "marginal":
        parts = encoding.all_new_effects(frame, groups.used)
        known = _no_effects(spec, parts[0].shape[0])
    else:
        known, parts = encoding.encode_effects(frame, groups.used)
    return known, NewEffects.by_component(known.shape[0], parts, spec.design.correlated)


def _effects_of_columns(
    spec: ModelSpec, exog_vc: Any, m: int, groups: Groups
) -> tuple[sparse.csr_array, NewEffects]:
    """Effects of an array of columns: where all rows of the model have one group, none or NaN is an unknown one."""
    grouping, marginal = _is_grouping(spec), groups.random == "marginal"
    if exog_vc is None:
        if marginal and grouping[groups.used].all():
            every_row = np.tile(groups.used, (m, 1))
            return _no_effects(spec, m), NewEffects.of_each_row(every_row, spec.design.correlated)
        raise ValueError(f"exog_vc must be given for new rows with random={groups.random!r}")
    z, missing = _without_missing(exog_vc, m)
    if z.shape[1] != spec.layout.k_vc:
        raise ValueError(f"exog_vc must have {spec.layout.k_vc} columns, got {z.shape[1]}")
    unknown = np.asarray(missing @ _membership(spec)) > 0
    if (unknown & ~grouping & groups.used).any():
        raise ValueError("exog_vc must not be missing in components that are not groups of the rows")
    unknown |= (np.asarray(z.power(2) @ _membership(spec)) == 0.0) & grouping
    unknown &= groups.used
    rows = np.repeat(np.arange(m), np.diff(z.indptr))
    component = spec.design.ident[z.indices]
    known, own = (
        _where(~unknown[rows, component] & groups.used[component], z),
        NewEffects.of_each_row(unknown, spec.design.correlated),
    )
    if marginal:
        return _no_effects(spec, m), NewEffects.as_known(
            known, spec.design.ident, spec.design.correlated
        ).beside(own)
    return known, own


def _without_missing(exog_vc: Any, m: int) -> tuple[sparse.csr_array, sparse.csr_array]:
    """Columns with zeros where entries are NaN, and indicators of these entries."""
    if sparse.issparse(exog_vc):
        z: sparse.csr_array = sparse.csr_array(exog_vc).astype(np.float64)  # type: ignore[call-overload]
        missing = z.copy()
        missing.data = np.isnan(z.data).astype(np.float64)
        filled = z.copy()
        filled.data = np.where(np.isnan(z.data), 0.0, z.data)
        return as_sparse_design(filled, "exog_vc", m)[0], missing
    if isinstance(exog_vc, pd.DataFrame) and all(isinstance(d, pd.SparseDtype) for d in exog_vc.dtypes):
        return _without_missing(exog_vc.sparse.to_coo(), m)  # type: ignore[attr-defined]
    dense = as_floats(exog_vc, "exog_vc")
    if dense.ndim != 2:
        raise ValueError(f"exog_vc must have rows and columns, got shape {dense.shape}")
    missing = sparse.csr_array(np.isnan(dense).astype(np.float64))
    return as_sparse_design(np.where(np.isnan(dense), 0.0, dense), "exog_vc", m)[0], missing


def _is_grouping(spec: ModelSpec) -> npt.NDArray[np.bool_]:
    """Components of which each row of the model has exactly one effect, with factor one."""
    z, members = spec.design.exog_vc, _membership(spec)
    counts = z.copy()
    counts.data = np.ones_like(z.data)
    others = z.copy()
    others.data = (z.data != 1.0).astype(np.float64)
    one_each = (np.asarray(counts @ members) == 1.0).all(axis=0)
    return np.asarray(one_each & ~(np.asarray(others @ members) > 0.0).any(axis=0))


def _trials(spec: ModelSpec, n_trials: Any, m: int) -> Floats | None:
    if n_trials is None:
        return None
    if not spec.family.has_trials:
        raise ValueError(f"n_trials is only for the binomial family, got it with {spec.family.name}")
    trials = as_vector(n_trials, "n_trials", m, scalar=True)
    bad = (trials < 0) | (trials != np.floor(trials))
    if bad.any():
        row = int(np.argmax(bad))
        raise ValueError(f"n_trials must be whole numbers from 0, got {trials[row]:g} at row {row}")
    return trials
