"""Checks of single arguments: each returns float64 arrays and raises an error that names the argument."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from mixed_glm._input.sparse import as_it_is, require_sound, to_csr

Floats = npt.NDArray[np.float64]

LARGEST = 1e50  # of any number: products such as trials times a squared covariate must not overflow
MOST_COUNT = MOST_JOBS = 2**31 - 1  # the core's whole numbers


def as_floats(value: Any, name: str) -> Floats:
    """Convert to a float64 array in Fortran order, with at most one copy.

    Raises
    ------
    TypeError
        If `value` is not numeric.
    """
    if type(value) is np.ndarray and value.dtype == np.float64:
        return np.asarray(value, order="F")
    if sparse.issparse(value):
        require_sound(value, name)
        value = value.toarray()  # type: ignore[attr-defined]
    if isinstance(value, pd.DataFrame):
        return _frame_to_floats(value, name)
    try:
        if isinstance(value, (pd.Series, pd.Index)):
            if isinstance(value.dtype, pd.CategoricalDtype):
                raise TypeError("categorical")
            value = value.to_numpy(dtype=np.float64, na_value=np.nan)
        if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
            value = np.ma.filled(np.ma.asarray(value, dtype=np.float64), np.nan)
        array = np.asarray(value)
        if array.dtype.kind not in "biufO":
            raise TypeError(f"dtype {array.dtype}")
        return np.asarray(array, dtype=np.float64, order="F")
    except (TypeError, ValueError, OverflowError) as error:
        raise TypeError(f"{name} must be numeric, got {_describe(value)} ({error})") from None


def _frame_to_floats(frame: pd.DataFrame, name: str) -> Floats:
    for column, dtype in frame.dtypes.items():
        if not (pd.api.types.is_numeric_dtype(dtype) or pd.api.types.is_bool_dtype(dtype)):
            raise TypeError(f"{name} must be numeric, got column {column!r} of dtype {dtype}")
    array = np.empty(frame.shape, order="F")
    for j in range(frame.shape[1]):  # one by one: nothing of the frame is shared, and nothing is copied twice
        array[:, j] = frame.iloc[:, j].to_numpy(dtype=np.float64, na_value=np.nan)
    return array


def require_finite(array: Floats, name: str, columns: list[str] | None = None) -> None:
    """Raise ValueError if an array of one or two dimensions holds NaN, infinity or huge numbers, saying where."""
    if first_unusable(array.ravel(order="K")) is None:
        return
    for j, column in enumerate(np.atleast_2d(array.T)):
        bad = first_unusable(column)
        if bad is not None:
            where = f"row {bad}" if array.ndim == 1 else f"row {bad}, column {columns[j] if columns else j}"
            raise ValueError(f"{name} must be {usable(column[bad])}, got {column[bad]} at {where}")


def first_unusable(values: Floats) -> int | None:
    """Position of the first entry that is not finite, or larger than ``LARGEST``."""
    if len(values) == 0 or (values.min() >= -LARGEST and values.max() <= LARGEST):  # False if any is NaN
        return None
    return int(np.argmin(np.abs(values) <= LARGEST))


def usable(value: float) -> str:
    """What was expected instead of `value`, for messages."""
    return f"at most {LARGEST:g} in absolute value" if np.isfinite(value) else "finite"


def as_vector(
    value: Any, name: str, n: int | None = None, scalar: bool = False, what: str = "observations"
) -> Floats:
    """Convert to a finite float64 vector of length `n`.

    Parameters
    ----------
    value : array_like
        One-dimensional, or two-dimensional with one column.
    name : str
        Argument name for messages.
    n : int, optional
        Number of entries that the vector must have.
    scalar : bool, default False
        Whether one number stands for `n` equal ones.
    what : str
        What the entries belong to, for messages.
    """
    array = as_floats(value, name)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if scalar and array.ndim == 0 and n is not None:
        array = np.full(n, float(array))
    if array.ndim != 1:
        raise ValueError(f"{name} must be one-dimensional, got shape {array.shape}")
    if n is not None and len(array) != n:
        raise ValueError(f"{name} must have one value for each of the {n} {what}, got {len(array)}")
    require_finite(array, name)
    return np.ascontiguousarray(array)


def require_same_index(**arguments: Any) -> None:
    """Check that the pandas objects among the arguments have one index: rows are never matched by position then.

    Raises
    ------
    ValueError
        If the indices of two of them differ, and not in length, which other messages tell better.
    """
    labelled = {n: v.index for n, v in arguments.items() if isinstance(v, (pd.Series, pd.DataFrame))}
    for name, index in labelled.items():
        first, reference = next(iter(labelled.items()))
        if len(index) == len(reference) and not index.equals(reference):
            pairs = enumerate(zip(index.tolist(), reference.tolist(), strict=True))
            row, (came, expected) = next((pair for pair in pairs if pair[1][0] != pair[1][1]), (0, ("", "")))
            raise ValueError(
                f"{name} must have the same index as {first}, got {came!r} instead of {expected!r} at row {row}; "
                f"align them, or give {name} without its index, as {name}.to_numpy()"
            )


def row_index(*arguments: Any) -> pd.Index[Any] | None:
    """Labels of the rows: the index of the first pandas object among the arguments, None if there is none."""
    return next((v.index for v in arguments if isinstance(v, (pd.Series, pd.DataFrame))), None)


def as_positive(value: Any, name: str, n: int) -> Floats:
    """Convert to a vector of `n` positive numbers; one number stands for `n` equal ones."""
    vector = as_vector(value, name, n, scalar=True)
    if (vector <= 0).any():
        row = int(np.argmax(vector <= 0))
        raise ValueError(f"{name} must be positive, got {vector[row]:g} at row {row}")
    return vector


def as_design(
    value: Any, name: str, n: int, names: list[str] | None = None
) -> tuple[Floats, list[str] | None]:
    """Convert a dense design to a finite Fortran-ordered (n, p) matrix; column names if it has any.

    ``None`` gives a matrix without columns. `names` is what messages call the columns of an array.
    """
    if value is None:
        return np.empty((n, 0), order="F"), None
    own_names = column_names(value)
    array = as_floats(value, name)
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2:
        raise ValueError(f"{name} must have one or two dimensions, got shape {array.shape}")
    if len(array) != n:
        raise ValueError(f"{name} must have {n} rows, one for each observation, got {len(array)}")
    shown = own_names if names is None else names
    require_finite(array, name, shown if shown is not None and len(shown) == array.shape[1] else None)
    return array, own_names


def as_sparse_design(value: Any, name: str, n: int) -> tuple[sparse.csr_array, list[str] | None]:
    """Convert to a finite CSR (n, q) array with sorted rows, no duplicates, no stored zeros.

    The caller's object is never changed; its arrays are shared where they already are in that form.
    """
    if value is None:
        return sparse.csr_array((n, 0), dtype=np.float64), None
    names = column_names(value)
    if (
        isinstance(value, pd.DataFrame)
        and len(names or [])
        and all(isinstance(d, pd.SparseDtype) for d in value.dtypes)
    ):
        value = value.sparse.to_coo()  # type: ignore[attr-defined]
    if not sparse.issparse(value):
        dense = as_floats(value, name)
        value = dense[:, None] if dense.ndim == 1 else dense
    if value.ndim != 2:
        raise ValueError(f"{name} must have one or two dimensions, got shape {value.shape}")
    if value.shape[0] != n:
        raise ValueError(f"{name} must have {n} rows, one for each observation, got {value.shape[0]}")
    if np.dtype(value.dtype).kind not in "biuf":
        raise TypeError(f"{name} must be numeric, got dtype {value.dtype}")
    if (shared := as_it_is(value, LARGEST)) is not None:
        return shared, names
    z = to_csr(value if sparse.issparse(value) else sparse.coo_array(value), name)
    entry = first_unusable(z.data)
    if entry is not None:
        row = int(np.searchsorted(z.indptr, entry, side="right")) - 1
        column = int(z.indices[entry])
        label = names[column] if names else column
        raise ValueError(
            f"{name} must be {usable(z.data[entry])}, got {z.data[entry]} at row {row}, column {label}"
        )
    return z, names


def as_prior_sd(value: Any, name: str, k: int, what: str) -> Floats:
    """Prior standard deviations, shape (k,), from one positive number or `k` of them."""
    if type(value) is float and 1 / LARGEST <= value <= LARGEST:
        return np.full(k, value)
    array = as_floats(value, name)
    if array.ndim > 1 or (array.ndim == 1 and len(array) != k):
        raise ValueError(
            f"{name} must be one number or one for each of the {k} {what}, got shape {array.shape}"
        )
    good = (array >= 1 / LARGEST) & (array <= LARGEST)
    if not good.all():
        bad = array.ravel()[~good.ravel()][0]
        raise ValueError(
            f"{name} must be a positive, finite standard deviation, got {bad} (from {1 / LARGEST:g} to {LARGEST:g})"
        )
    return np.array(np.broadcast_to(array, k))


def as_strings(value: Any, name: str) -> list[str]:
    """Check that something lists names."""
    try:
        if not isinstance(value, (str, bytes)):
            return [str(v) for v in value]
    except TypeError:
        raise TypeError(f"{name} must be a list of names, got {value!r}") from None
    raise TypeError(f"{name} must be a list of names, got the string {value!r}")


def as_names(value: Any, name: str, k: int, what: str, unique: bool = False) -> list[str]:
    """Check a list of `k` names."""
    names = as_strings(value, name)
    if len(names) != k:
        raise ValueError(f"{name} must have one name for each of the {k} {what}, got {len(names)}")
    if unique and len(set(names)) != k:
        twice = next(v for i, v in enumerate(names) if v in names[:i])
        raise ValueError(f"{name} must be distinct, got {twice!r} twice")
    return names


def as_ident(ident: Any, q: int) -> tuple[npt.NDArray[np.int32], list[str] | None, int]:
    """Map component labels to 0..K-1: integers in increasing order, others in order of first appearance.

    Returns
    -------
    codes : int32 array, shape (q,)
    names : list of str, or None
        The labels, where they are not integers.
    k : int
        Number of components.
    """
    if ident is None:
        raise ValueError("ident must label each column of exog_vc with its variance component, got None")
    labels = as_labels(ident, "ident")
    if labels.ndim != 1:
        raise ValueError(f"ident must be one-dimensional, got shape {labels.shape}")
    if len(labels) != q:
        raise ValueError(
            f"ident must have one label for each of the {q} columns of exog_vc, got {len(labels)}"
        )
    if q == 0:
        return np.empty(0, dtype=np.int32), None, 0
    if isinstance(labels, np.ndarray) and labels.dtype.kind in "iu" and _are_numbers(labels):
        return labels.astype(np.int32), None, int(labels.max()) + 1
    codes, levels, kind = _number_labels(labels)
    if (codes < 0).any():
        raise ValueError("ident must not have missing labels")
    if kind in ("floating", "complex", "mixed-integer-float"):
        raise TypeError(f"ident must hold integer or string labels, got {kind} of dtype {labels.dtype}")
    integer = kind in ("integer", "boolean")
    return codes.astype(np.int32), None if integer else [str(v) for v in levels], len(levels)


def _are_numbers(labels: npt.NDArray[Any]) -> bool:
    """Whether integers are 0..K-1, each of them there."""
    if labels.min() != 0 or labels.max() >= len(labels):
        return False
    return bool(np.bincount(labels.astype(np.intp)).all())


def _number_labels(labels: Any) -> tuple[npt.NDArray[np.intp], Any, str]:
    """Codes (-1: missing), levels and kind of labels; levels of integers are sorted."""
    kind = pd.api.types.infer_dtype(labels)
    try:
        codes, levels = pd.factorize(labels, sort=kind in ("integer", "boolean"))
    except (ValueError, TypeError) as error:
        raise TypeError(
            f"ident must hold integer or string labels, got {_describe(labels)} ({error})"
        ) from None
    return codes, levels, kind


def as_labels(value: Any, name: str) -> Any:
    """Labels as an array, or as the pandas object that they came in; what is masked is missing."""
    if isinstance(value, np.ma.MaskedArray) and value.ndim == 1:
        return pd.Series(value)
    if isinstance(value, (pd.Series, pd.Index, pd.Categorical)):
        return value
    try:
        array = np.asarray(value)
        if array.dtype.kind in "US" and not all(
            isinstance(v, (str, bytes)) for v in np.asarray(value, dtype=object).flat
        ):
            array = np.asarray(value, dtype=object)  # numbers and NaN among texts, of which numpy makes texts
        return array.astype(array.dtype.newbyteorder("="), copy=False)
    except (ValueError, TypeError) as error:
        raise TypeError(f"{name} must hold one label for each, got {_describe(value)} ({error})") from None


def label_series(value: Any, name: str) -> pd.Series[Any]:
    """A label for each row, as a series without the index that it came with.

    Raises
    ------
    TypeError
        If it has other dimensions, or several fields.
    """
    labels = as_labels(value, name)
    if np.ndim(labels) != 1 or getattr(labels.dtype, "names", None):
        raise TypeError(
            f"{name} must hold one label for each row, got {_describe(value)} and shape {np.shape(labels)}"
        )
    return pd.Series(labels).reset_index(drop=True)


def column_names(value: Any) -> list[str] | None:
    """Names that a data frame or series brings along."""
    if isinstance(value, pd.DataFrame):
        return [str(c) for c in value.columns]
    if isinstance(value, pd.Series) and value.name is not None:
        return [str(value.name)]
    return None


def _describe(value: Any) -> str:
    dtype = getattr(value, "dtype", None)
    return f"{type(value).__name__} of dtype {dtype}" if dtype is not None else type(value).__name__


def as_n_jobs(n_jobs: Any) -> int:
    """Number of threads as scikit-learn counts them: positive, or negative to count from all processors."""
    if isinstance(n_jobs, bool) or not isinstance(n_jobs, (int, np.integer)):
        raise TypeError(f"n_jobs must be a whole number, got {n_jobs!r}")
    if n_jobs == 0:
        raise ValueError("n_jobs must be positive, or negative to count from the number of processors, got 0")
    if abs(int(n_jobs)) > MOST_JOBS:
        raise ValueError(f"n_jobs must be a number of threads, or -1 for all processors, got {n_jobs}")
    return int(n_jobs)


def as_count(value: Any, name: str) -> int:
    """A positive whole number."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{name} must be a whole number, got {value!r}")
    if value < 1:
        raise ValueError(f"{name} must be at least 1, got {value}")
    if value > MOST_COUNT:
        raise ValueError(f"{name} must be at most {MOST_COUNT:,}, got {value}")
    return int(value)


def as_probability(value: Any, name: str) -> float:
    """A number strictly between 0 and 1."""
    if isinstance(value, bool) or not isinstance(value, (float, int, np.floating, np.integer)):
        raise TypeError(f"{name} must be a number between 0 and 1, got {value!r}")
    if not 0 < value < 1:
        raise ValueError(f"{name} must be between 0 and 1, got {value}")
    return float(value)


def as_generator(rng: Any) -> np.random.Generator:
    """A generator of random numbers, made of what `numpy.random.default_rng` takes."""
    try:
        return np.random.default_rng(rng)
    except (TypeError, ValueError) as error:
        raise type(error)(
            f"rng must be a whole number from 0, a numpy.random.Generator or None, got {rng!r}"
        ) from None
