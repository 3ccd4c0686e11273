"""Random-effects designs in every format of scipy.sparse: unsorted, repeated and explicit-zero entries, wide and narrow
indices, extreme values, and index arrays that do not fit."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np
from judge import Defect, judge
from problems import pick, problem, use
from scipy import sparse

import mixed_glm as mg

FORMATS = ["csr", "csc", "coo", "bsr", "dia", "lil", "dok"]
EXTREMES = [np.nan, np.inf, -np.inf, 5e-324, 1e-310, 1e300, -1.7e308, 1e60, 1e-60, 0.0, -0.0, 1e9, 1e-9]


def case(rng: np.random.Generator) -> str:
    arguments = problem(rng)
    while "exog_vc" not in arguments:
        arguments = problem(rng)
    sound = arguments["exog_vc"]
    corrupt = rng.random() < 0.4
    hostile = (corrupted if corrupt else rewritten)(rng, sound)
    arguments["exog_vc"] = hostile
    if not corrupt and rng.random() < 0.5:
        judge(lambda: same_entries(arguments, sound, hostile))
    return judge(lambda: use(rng, mg.MixedGLM(**arguments)))


def same_entries(arguments: dict[str, Any], sound: Any, hostile: Any) -> float:
    """The model has the entries that scipy sees, and the caller's arrays stay as they are."""
    dense = np.asarray(hostile.toarray())
    if dense.dtype.kind == "c":
        return 0.0
    dense = dense.astype(float)
    if dense.shape != sound.shape or not np.isfinite(dense).all() or (np.abs(dense) > 1e50).any():
        return 0.0
    before = {k: np.copy(v) for k, v in vars(hostile).items() if isinstance(v, np.ndarray)}
    model = mg.MixedGLM(**arguments)
    if not np.array_equal(model.exog_vc.toarray(), dense):
        raise Defect(f"other entries: {model.exog_vc.toarray()} instead of {dense}")
    for name, array in before.items():
        if not np.array_equal(array, getattr(hostile, name), equal_nan=array.dtype.kind == "f"):
            raise Defect(f"the caller's {name} was changed")
    return 0.0


def converted(rng: np.random.Generator, value: Any) -> Any:
    """Another format, dtype, index dtype, as array or matrix."""
    kind = pick(rng, FORMATS)
    container = pick(rng, ["array", "matrix"])
    out = getattr(sparse, f"{kind}_{container}")(value)
    if rng.random() < 0.3:
        out = out.astype(pick(rng, ["f4", "f8", "i4", "i8", "u1", "?", "c16", "g", "i1"]))
    if rng.random() < 0.3 and kind in ("csr", "csc", "bsr"):
        out.indptr, out.indices = out.indptr.astype(np.int64), out.indices.astype(np.int64)
    return out


def rewritten(rng: np.random.Generator, value: Any) -> Any:
    """The same entries, or hostile values, written in another way."""
    coo = value.tocoo()
    row, column, data = coo.row.copy(), coo.col.copy(), coo.data.copy()
    if rng.random() < 0.5 and len(data):  # split into a sum
        share = rng.integers(-2, 3, size=len(data)).astype(float)
        row, column = np.tile(row, 2), np.tile(column, 2)
        data = np.concatenate([data - share, share])
    if rng.random() < 0.3:
        zeros = int(rng.integers(1, 5))
        row = np.concatenate([row, rng.integers(value.shape[0], size=zeros)])
        column = np.concatenate([column, rng.integers(value.shape[1], size=zeros)])
        data = np.concatenate([data, np.zeros(zeros)])
    if rng.random() < 0.2 and len(data):
        data[rng.integers(len(data))] = pick(rng, EXTREMES)
    order = rng.permutation(len(data))
    row, column, data = row[order], column[order], data[order]
    if rng.random() < 0.5:
        with np.errstate(all="ignore"), contextlib.suppress(ValueError, OverflowError):  # NaN as an integer
            return converted(rng, sparse.coo_array((data, (row, column)), shape=value.shape))
    rows = np.argsort(row, kind="stable")  # a CSR with unsorted rows and repeated entries, as they come
    indptr = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=value.shape[0]))])
    width = pick(rng, [np.int32, np.int64])
    return sparse.csr_array((data[rows], column[rows].astype(width), indptr.astype(width)), shape=value.shape)


def corrupted(rng: np.random.Generator, value: Any) -> Any:
    """Index arrays, data or shape changed behind scipy's back."""
    out = converted(rng, value)
    parts = {
        "csr": ["indptr", "indices", "data"], "csc": ["indptr", "indices", "data"], "bsr": ["indptr", "indices", "data"],
        "coo": ["row", "col", "data"], "dia": ["offsets", "data"], "lil": ["rows", "data"], "dok": [],
    }[out.format]  # fmt: skip
    if rng.random() < 0.1 or not parts:
        out._shape = tuple(int(s + rng.integers(-2, 3)) for s in out.shape)
        return out
    name = pick(rng, parts)
    array = np.array(getattr(out, name))
    if array.dtype == object:
        spoil_lists(rng, array)
    else:
        try:
            array = spoil(rng, array)
        except (ValueError, OverflowError):  # of numpy: the dtype cannot hold it
            return out
    with contextlib.suppress(AttributeError, ValueError, TypeError):  # of scipy, which may refuse
        setattr(out, name, array)
    return out


def spoil(rng: np.random.Generator, array: np.ndarray) -> np.ndarray:
    how = rng.random()
    if how < 0.4 and array.size:
        array.flat[rng.integers(array.size)] = pick(rng, [-1, 1, 3, 100, 127, -128])
    elif how < 0.6 and array.size and array.dtype.kind == "i" and array.itemsize >= 4:
        array.flat[rng.integers(array.size)] = pick(rng, [2**31 - 1, -(2**31), 10**6, -(10**6)])
    elif how < 0.7:
        array = array[:-1]
    elif how < 0.8:
        array = np.concatenate([array, array[:1]])
    elif how < 0.9:
        array = array[::-1].copy()
    else:
        array = pick(
            rng, [array[:0], array.astype(float), array[None], array.astype(np.int8), array.astype(object)]
        )
    return array


def spoil_lists(rng: np.random.Generator, array: np.ndarray) -> None:
    if not len(array):
        return
    k = int(rng.integers(len(array)))
    array[k] = pick(rng, [[-1], [100], [0, 0], None, [], [1.5], ["a"], [2**40], "ab", [None]])
