"""Matrices with one column for each response, read piece by piece."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from mixed_glm._input.arrays import as_floats

Floats = npt.NDArray[np.float64]

READABLE = (
    "a two-dimensional array, data frame or scipy.sparse matrix, or anything with a shape that can be sliced as "
    "[:, start:stop]"
)


@dataclass(frozen=True)
class Columns:
    """Columns of a matrix, shape (n, m), that may be on disk.

    Attributes
    ----------
    source : object
        What is sliced.
    name : str
        Name of the argument, for messages.
    shape : (int, int)
    labels : list, or None
        Names of the columns, where the matrix has them.
    """

    source: Any
    name: str
    shape: tuple[int, int]
    labels: list[Any] | None

    @classmethod
    def of(cls, value: Any, name: str) -> Columns:
        """Look at a matrix without reading it.

        Raises
        ------
        TypeError, ValueError
            If it has no two dimensions, or is not numeric.
        """
        if sparse.issparse(value):
            value = cast(Any, value).tocsc()
        elif not hasattr(value, "shape") or getattr(value, "dtype", None) == object:
            value = as_floats(value, name)
        shape = tuple(value.shape)
        if len(shape) != 2:
            raise ValueError(f"{name} must be {READABLE}, got shape {shape}")
        _require_numeric(value, name)
        labels = list(value.columns) if hasattr(value, "columns") else None
        return cls(value, name, (int(shape[0]), int(shape[1])), labels)

    def read(self, start: int, stop: int) -> Floats:
        """Columns `start` to `stop - 1`, shape (n, stop - start), Fortran order."""
        source = self.source
        piece = source.iloc[:, start:stop] if isinstance(source, pd.DataFrame) else source[:, start:stop]
        if not isinstance(piece, pd.DataFrame) and not sparse.issparse(piece):
            piece = np.ma.asarray(piece) if np.ma.isMaskedArray(piece) else np.asarray(piece)
        array = as_floats(piece, self.name)
        if array.shape != (self.shape[0], stop - start):
            raise ValueError(
                f"{self.name} must give shape {(self.shape[0], stop - start)} for [:, {start}:{stop}], "
                f"got {array.shape}"
            )
        return array


def _require_numeric(value: Any, name: str) -> None:
    if isinstance(value, pd.DataFrame):
        as_floats(value.iloc[:0], name)
        return
    kind = getattr(getattr(value, "dtype", None), "kind", "f")
    if kind not in "biuf":
        raise TypeError(f"{name} must be numeric, got dtype {value.dtype}")
