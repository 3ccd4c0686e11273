"""Arguments of a model as arrays of every kind: dtypes, orders, shapes, strides, containers, extreme and missing values.

In a part of the cases they are sound, and changed once the model is made, which must not change it.
"""

from __future__ import annotations

import decimal
import fractions
import warnings
from typing import Any

import numpy as np
import pandas as pd
from judge import Defect, judge
from problems import pick, problem, use
from scipy import sparse

import mixed_glm as mg

DTYPES = [
    "f2",
    "f4",
    "f8",
    ">f8",
    ">f4",
    "g",
    "i1",
    "i2",
    "i4",
    "i8",
    ">i4",
    "u1",
    "u2",
    "u4",
    "u8",
    "?",
    "O",
    "c8",
    "c16",
    "U3",
    "S3",
    "M8[s]",
    "m8[s]",
    "V8",
]
VALUES = [
    np.nan, np.inf, -np.inf, 5e-324, -5e-324, 1e-310, 2.2e-308, 1e300, -1e300, 1.7e308, -1.7e308, 1e150, -1e150, 1e16, 2.0**53 + 2,
    1e9, -1.0, 0.5, 0.0, -0.0, 1.0, 2.0, 1e-300, 1e-150, 1e-8, 700.0, -700.0, 750.0, 38.0, 1e4, 1e6, -1e6, 1e18, 1e19, 1e30, 1e100,
]  # fmt: skip
OBJECTS = [None, "a", "", "1.5", b"x", [], {}, (), object(), 1j, 10**400, -(10**30), True, float("nan"), fractions.Fraction(1, 3),
           decimal.Decimal("1.5"), pd.NA, pd.NaT, lambda: 0, [[1], [2, 3]], {1, 2}, range(3), slice(3), np.float64(2), np.array(3.0),
           np.array([]), np.zeros((0, 3)), np.zeros((3, 0)), np.zeros((2, 2, 2)), np.zeros((1,) * 20), "binomial", 2, 0, -1, 1.5]  # fmt: skip
NAMES = ["endog", "exog", "exog_vc", "ident", "vcp_p", "fe_p", "offset", "exposure", "n_trials", "freq_weights", "fep_names",
         "vcp_names", "vc_names", "family", "priors", "levels", "correlated"]  # fmt: skip


def case(rng: np.random.Generator) -> str:
    arguments = problem(rng)
    if rng.random() < 0.3:
        return changed_later(rng, arguments)
    for _ in range(int(rng.integers(1, 4))):
        name = pick(rng, [k for k in NAMES if k in arguments] if rng.random() < 0.8 else NAMES)
        arguments[name] = pick(rng, [retyped, reshaped, valued, valued, replaced])(rng, arguments.get(name))
    return judge(lambda: use(rng, mg.MixedGLM(**arguments)))


def dense(value: Any) -> Any:
    return value.toarray() if sparse.issparse(value) else value


def retyped(rng: np.random.Generator, value: Any) -> Any:
    """The same numbers in another form."""
    if not isinstance(value, np.ndarray) and not sparse.issparse(value):
        return value
    array = np.asarray(dense(value))
    forms = [
        lambda: array.astype(pick(rng, DTYPES)), array.tolist, lambda: tuple(array.tolist()),
        lambda: np.asfortranarray(array), lambda: np.ascontiguousarray(array),
        lambda: np.repeat(array, 2, axis=0)[::2], lambda: array[::-1][::-1], lambda: np.repeat(array, 3, axis=-1)[..., ::3],
        lambda: pd.DataFrame(array), lambda: pd.Series(array), lambda: pd.Index(array), lambda: pd.array(array),
        lambda: pd.Categorical(array), lambda: pd.DataFrame(array).astype("Float64"),
        lambda: pd.DataFrame(array).astype("string"), lambda: pd.DataFrame(array).astype("category"),
        lambda: np.ma.masked_array(array, rng.random(array.shape) < 0.2), lambda: np.ma.masked_array(array),
        lambda: array.view(Subclass), lambda: np.broadcast_to(array[:1], array.shape), lambda: memoryview(array),
        lambda: read_only(array), lambda: unaligned(array), lambda: iter(array.tolist()), lambda: Arraylike(array),
        lambda: np.rec.fromarrays([array]), lambda: pd.arrays.SparseArray(array),
        lambda: pd.DataFrame(array, columns=["a"] * array.shape[1]), lambda: sparse.csr_array(array),
        lambda: np.asmatrix(array) if False else array[..., None],
    ]  # fmt: skip
    try:
        return pick(rng, forms)()
    except Exception:  # noqa: BLE001 (numpy or pandas could not make it)
        return value


def reshaped(rng: np.random.Generator, value: Any) -> Any:
    """Too long, too short, of other dimensions."""
    if not isinstance(value, np.ndarray) and not sparse.issparse(value):
        return value
    array = np.asarray(dense(value))
    forms = [
        lambda: array[:-1], lambda: np.concatenate([array, array[:1]]), lambda: array[..., None], lambda: array[None],
        lambda: array.T, lambda: array.ravel(), lambda: array[:0], lambda: array[..., :0], lambda: array.flat[0],
        lambda: np.column_stack([array, array]), lambda: array[:1], lambda: np.atleast_3d(array),
    ]  # fmt: skip
    try:
        return pick(rng, forms)()
    except (ValueError, IndexError):
        return value


def valued(rng: np.random.Generator, value: Any) -> Any:
    """Hostile values in some or all places."""
    if not isinstance(value, np.ndarray) and not sparse.issparse(value):
        return pick(rng, VALUES) if rng.random() < 0.5 else value
    array = np.array(dense(value))
    if array.dtype.kind not in "biuf":
        return value
    array = array.astype(float)
    extreme = pick(rng, VALUES)
    how = rng.random()
    if how < 0.5 and array.size:
        array.flat[rng.integers(array.size)] = extreme
    elif how < 0.75:
        array[rng.random(array.shape) < 0.5] = extreme
    elif np.isfinite(extreme):
        with np.errstate(all="ignore"):
            array *= extreme
    else:
        array[...] = extreme
    return array


def replaced(rng: np.random.Generator, value: Any) -> Any:
    return pick(rng, OBJECTS)


class Subclass(np.ndarray):
    pass


class Arraylike:
    def __init__(self, array: np.ndarray) -> None:
        self.array = array

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return self.array if dtype is None else self.array.astype(dtype)


def read_only(array: np.ndarray) -> np.ndarray:
    array = array.copy()
    array.flags.writeable = False
    return array


def unaligned(array: np.ndarray) -> np.ndarray:
    buffer = np.zeros(array.nbytes + 1, dtype=np.uint8)
    shifted = buffer[1:].view(array.dtype).reshape(array.shape)
    shifted[...] = array
    return shifted


def changed_later(rng: np.random.Generator, arguments: dict[str, Any]) -> str:
    """Spoil whatever the caller still holds: designs and fits must stay what they are."""
    arguments.pop("priors", None)  # whose names columns of a data frame would change
    if arguments["family"].is_ordinal:
        arguments.pop("freq_weights", None)  # a category without weight is none
    for name, value in arguments.items():
        if isinstance(value, np.ndarray) and name != "endog" and rng.random() < 0.6:
            arguments[name] = sound_form(rng, value)
        elif sparse.issparse(value):
            arguments[name] = pick(
                rng, [value, value.toarray(), value.tocsc(), value.tocoo(), pd.DataFrame(value.toarray())]
            )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = mg.MixedGLM(**arguments)
        before = [np.copy(array) for array in arrays_of(model)]
        for value in arguments.values():
            spoil(value)
        for array, was in zip(arrays_of(model), before, strict=True):
            if not np.array_equal(array, was, equal_nan=array.dtype.kind == "f"):
                raise Defect(f"changed from outside: {was} is now {array}")
            if array.flags.writeable:
                raise Defect("can be written to")
        try:
            model.fit_laplace(integrate="mode")
        except RuntimeError as error:
            return f"RuntimeError: {error}"
    return "changed later"


def sound_form(rng: np.random.Generator, array: np.ndarray) -> Any:
    forms = [
        lambda: np.asfortranarray(array), lambda: np.repeat(array, 2, axis=0)[::2], lambda: array[::-1][::-1],
        lambda: pd.DataFrame(array) if array.ndim == 2 else pd.Series(array), lambda: np.ma.masked_array(array),
        lambda: array.view(Subclass), lambda: Arraylike(array), lambda: array.tolist(), lambda: array.astype(array.dtype.newbyteorder()),
    ]  # fmt: skip
    return pick(rng, forms)()


def arrays_of(model: mg.MixedGLM) -> list[np.ndarray]:
    named = [
        getattr(model, name)
        for name in (
            "endog",
            "exog",
            "ident",
            "offset",
            "exposure",
            "n_trials",
            "freq_weights",
            "vcp_p",
            "fe_p",
        )
    ]
    z = model.exog_vc
    return [v for v in [*named, z.data, z.indices, z.indptr] if isinstance(v, np.ndarray)]


def spoil(value: Any) -> None:
    if isinstance(value, Arraylike):
        value = value.array
    if isinstance(value, np.ndarray):
        value[...] = 77
    elif isinstance(value, (pd.DataFrame, pd.Series)):
        value.iloc[:] = 77
    elif sparse.issparse(value):
        for part in vars(value).values():
            for array in part if isinstance(part, tuple) else (part,):
                if isinstance(array, np.ndarray):
                    array[...] = 10**6
