"""Sparse arrays from outside, made sound: scipy.sparse does not check index arrays when they are given or changed
directly, and its compiled routines then read and write memory that is not the array's."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from mixed_glm import _core


def as_it_is(value: Any, largest: float) -> sparse.csr_array | None:
    """Another CSR array of the same arrays, if they are as `to_csr` makes them and no number is larger than `largest`."""
    if type(value) is not sparse.csr_array or not {"indptr", "indices", "data"} <= vars(value).keys():
        return None
    sound = _core.are_sound_rows(value.shape[1], value.indptr, value.indices, value.data, largest)
    if not sound or len(value.indptr) != value.shape[0] + 1:
        return None
    shared = copy.copy(value)  # scipy's constructor would look at them again
    shared.has_canonical_format = True  # whatever the caller's object says
    return shared


def to_csr(value: Any, name: str) -> sparse.csr_array:
    """Convert a sparse array of any format, shape (n, q), to CSR with sorted rows, no duplicates, no stored zeros.

    The caller's object is never changed; its arrays are shared where they already are in that form.

    Raises
    ------
    ValueError
        If its index arrays do not fit its shape.
    """
    require_sound(value, name)
    try:
        z = sparse.csr_array(value, dtype=np.float64)
    except (ValueError, TypeError, IndexError, OverflowError) as error:
        raise _corrupt(value, name, str(error)) from None
    if value.format != "csr":
        require_sound(z, name)  # of formats that are checked only once they are CSR
    if z.has_canonical_format and z.data.all():
        return z
    z = z.copy()
    z.sum_duplicates()
    z.eliminate_zeros()
    return z


def require_sound(value: Any, name: str) -> None:
    """Raise ValueError if the arrays of a sparse array do not fit each other and its shape."""
    try:
        flaw = next(_flaws(value), None)
    except (ValueError, TypeError, IndexError, AttributeError) as error:
        flaw = str(error)
    if flaw is not None:
        raise _corrupt(value, name, flaw)


def _corrupt(value: Any, name: str, flaw: str) -> ValueError:
    return ValueError(
        f"{name} must be a sound sparse array, got a corrupt one of format {value.format}: {flaw}"
    )


def _flaws(value: Any) -> Iterator[str]:
    """What is wrong, in an order in which later checks may rely on earlier ones."""
    if min(value.shape) < 0:
        yield f"negative shape {value.shape}"
    if value.format in ("csr", "csc", "bsr"):
        yield from _compressed(value)
    elif value.format == "coo":
        axes = (value.row, value.col) if value.ndim == 2 else value.coords  # matrices of old have no coords
        if len(axes) != len(value.shape) or value.data.ndim != 1:
            yield "wrong dimensions"
        for axis, size in zip(axes, value.shape, strict=True):
            yield from _indices(axis, size, len(value.data))
    elif value.format == "dia":
        if value.data.ndim != 2 or value.offsets.ndim != 1 or len(value.offsets) != len(value.data):
            yield "offsets and data do not match"
        if value.offsets.dtype.kind not in "iu":
            yield "offsets are not integers"
    elif value.format == "lil":
        if not (
            value.rows.ndim == value.data.ndim == 1 and len(value.rows) == len(value.data) == value.shape[0]
        ):
            yield "rows and data do not match"
        if any(type(r) is not list or type(d) is not list or len(r) != len(d)
               for r, d in zip(value.rows, value.data, strict=True)):  # fmt: skip
            yield "a row and its data do not match"


def _compressed(value: Any) -> Iterator[str]:
    major, minor = (1, *value.shape)[-2:]
    block = (1, 1)
    if value.format == "bsr":
        if value.data.ndim != 3:
            yield "data must have three dimensions"
        block = value.data.shape[1:]
    elif value.data.ndim != 1:
        yield "data must have one dimension"
    if min(block) < 1 or major % block[0] or minor % block[1]:
        yield "blocks do not fit the shape"
    major, minor = major // block[0], minor // block[1]
    if value.format == "csc":
        major, minor = minor, major
    indptr: npt.NDArray[Any] = value.indptr
    if indptr.shape != (major + 1,) or indptr.dtype.kind not in "iu":
        yield f"indptr must be {major + 1} integers"
    if indptr[0] != 0 or (indptr[1:] < indptr[:-1]).any():
        yield "indptr must begin with 0 and not decrease"
    if indptr[-1] > min(len(value.indices), len(value.data)):
        yield "indptr points beyond the entries"
    yield from _indices(value.indices, minor)


def _indices(indices: npt.NDArray[Any], size: int, length: int | None = None) -> Iterator[str]:
    if indices.ndim != 1 or indices.dtype.kind not in "iu":
        yield "indices must be integers in one dimension"
    if length is not None and len(indices) != length:
        yield "indices and data do not match"
    if len(indices) and (indices.min() < 0 or indices.max() >= size):
        yield f"indices must be in 0..{size - 1}"
