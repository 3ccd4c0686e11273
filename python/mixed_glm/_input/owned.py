"""Arrays that are nobody else's: a model does not change, whatever the caller does with what he gave."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

Floats = npt.NDArray[np.float64]


def owned(array: Floats, given: Any) -> Floats:
    """`array`, which was made of `given`; a copy where the two may share memory."""
    return array.copy(order="K") if _may_share(array, given) else array


def owned_sparse(array: sparse.csr_array, given: Any) -> sparse.csr_array:
    """`array`, which was made of `given` and is nobody else's but for its arrays: they are copied where the two may share memory."""
    if any(_may_share(part, given) for part in _arrays(array)):  # scipy's copy looks at all numbers again
        array.data, array.indices, array.indptr = array.data.copy(), array.indices.copy(), array.indptr.copy()
    return array


def protect(*values: Any) -> None:
    """Make arrays and sparse arrays read-only; other values are left alone."""
    for value in values:
        for array in _arrays(value):
            array.flags.writeable = False


def _may_share(array: npt.NDArray[Any], given: Any) -> bool:
    """Whether that cannot be ruled out; it can where numbers had to be put together."""
    if given is None or isinstance(given, (list, tuple, pd.DataFrame)):  # frames are read column by column
        return False
    if isinstance(given, np.ndarray) or sparse.issparse(given):
        return any(np.may_share_memory(array, part) for part in _arrays(given))
    return True


def _arrays(value: Any) -> Iterator[npt.NDArray[Any]]:
    if isinstance(value, np.ndarray):
        yield value
    elif sparse.issparse(value):
        for part in vars(value).values():  # what they are called differs with the format
            yield from (
                p for p in (part if isinstance(part, tuple) else (part,)) if isinstance(p, np.ndarray)
            )
