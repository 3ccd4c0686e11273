"""Which rows belong together: those of a group that the model knows by name, or those with the same label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from mixed_glm._input.arrays import label_series
from mixed_glm._spec.spec import ModelSpec

Rows = npt.NDArray[np.intp]


@dataclass(frozen=True)
class RowGroups:
    """Groups of rows; every row is in one.

    Attributes
    ----------
    of_row : int array, shape (n,)
        Number of each row's group.
    labels : Index
        Names of the groups.
    """

    of_row: Rows
    labels: pd.Index[Any]

    @property
    def rows(self) -> list[Rows]:
        """Rows of each group."""
        order = np.argsort(self.of_row, kind="stable")
        return np.split(order, np.cumsum(np.bincount(self.of_row, minlength=len(self.labels)))[:-1])


def row_groups(spec: ModelSpec, given: Any, argument: str) -> RowGroups:
    """Groups from the name of a variance component, or from a label for each row.

    Raises
    ------
    ValueError
        If there is no such component, labels are not those of the rows, are missing, or are all the same.
    """
    groups = (
        _of_component(spec, given, argument) if isinstance(given, str) else _of_labels(spec, given, argument)
    )
    if len(groups.labels) < 2:
        raise ValueError(f"{argument} must tell at least two groups of rows apart, got {len(groups.labels)}")
    return groups


def _of_component(spec: ModelSpec, name: str, argument: str) -> RowGroups:
    known = {other: _effect_of_row(spec, k) for k, other in enumerate(spec.layout.vcp_names)}
    effects = known.get(name)
    if effects is None:
        usable = ", ".join(repr(other) for other, found in known.items() if found is not None) or "none"
        raise ValueError(
            f"{argument} must be the name of a component of which each row has one effect (here {usable}), or a label for "
            f"each row, such as data[{name!r}], got {name!r}"
        )
    met, of_row = np.unique(effects, return_inverse=True)
    names = spec.design.vc_names
    labels = pd.Index(met if names is None else [names[j] for j in met])
    return RowGroups(of_row.astype(np.intp), labels)


def _effect_of_row(spec: ModelSpec, component: int) -> Rows | None:
    """Number of the one effect of a component that each row has, shape (n,); None if there are rows with none or several."""
    effects = spec.effects_of(component)
    z = spec.design.exog_vc[:, effects]
    one = bool((np.diff(z.indptr) == 1).all())
    return effects[z.indices] if one else None


def _of_labels(spec: ModelSpec, given: Any, argument: str) -> RowGroups:
    values = (
        _in_order(spec, given, argument)
        if isinstance(given, pd.Series)
        else label_series(_one_each(given, argument), argument)
    )
    if len(values) != spec.nobs:
        dropped = f" ({spec.n_missing} more had missing values)" if spec.n_missing else ""
        raise ValueError(
            f"{argument} must have a label for each of the {spec.nobs} rows of the model{dropped}, got {len(values)}"
        )
    of_row, labels = pd.factorize(values)
    if (of_row < 0).any():
        raise ValueError(f"{argument} must not be missing, got none at row {int(np.argmax(of_row < 0))}")
    return RowGroups(of_row.astype(np.intp), pd.Index(labels))


def _one_each(given: Any, argument: str) -> Any:
    if np.ndim(given) != 1:
        raise ValueError(
            f"{argument} must be the name of a component or a label for each row, got {type(given).__name__} of {np.ndim(given)} dimensions"
        )
    return given


def _in_order(spec: ModelSpec, given: pd.Series[Any], argument: str) -> pd.Series[Any]:
    """Labels of the model's rows, which may be some of those of the data."""
    index = spec.index
    if index is None or given.index.equals(index):
        return given
    if not given.index.is_unique or not index.isin(given.index).all():
        raise ValueError(
            f"{argument} must have the index of the data of the model, or be an array of one label for each row"
        )
    return given.loc[index]
