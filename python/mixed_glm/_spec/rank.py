"""Which columns of a design are sums of others, and of which."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_MOST = 4  # columns that are named


def dependent_columns(exog: Floats, names: Sequence[str]) -> list[str]:
    """What to tell of each column that is zero, constant beside a constant, or a sum of those before it.

    Parameters
    ----------
    exog : float array, shape (n, p)
    names : sequence of str
    """
    norms = np.sqrt(np.einsum("ij,ij->j", exog, exog))
    used = norms > 0
    found = {j: f"{names[j]!r} is 0 in all rows" for j in np.flatnonzero(~used).tolist()}
    triangle = np.zeros((min(len(exog), int(used.sum())), exog.shape[1]))
    triangle[:, used] = np.linalg.qr(exog[:, used] / norms[used], mode="r")
    kept: list[int] = []
    for j in np.flatnonzero(used).tolist():
        column, basis = triangle[:, j], triangle[:, kept]
        weights = np.linalg.lstsq(basis, column, rcond=None)[0] if kept else np.zeros(0)
        if np.linalg.norm(column - basis @ weights) > 1e-9 * np.sqrt(exog.shape[1]):
            kept.append(j)
            continue
        of = [repr(names[k]) for k, weight in zip(kept, weights, strict=True) if abs(weight) > 1e-7]
        shown = ", ".join(of[:_MOST]) + (", ..." if len(of) > _MOST else "")
        found[j] = (
            f"{names[j]!r} is a multiple of {shown}"
            if len(of) == 1
            else f"{names[j]!r} is a linear combination of {shown}"
        )
    told = [found[j] for j in sorted(found)]
    return told if len(told) <= _MOST else [*told[:_MOST], f"and {len(told) - _MOST} others like them"]
