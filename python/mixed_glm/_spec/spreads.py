"""What default priors are measured by: how far the columns of a model spread, and where its response lies.

A default must depend neither on the unit nor on the origin of a covariate, so the spread of a column is its standard
deviation. A random slope without an intercept for the same groups is the exception: moving its origin is another model, and its
spread is the root of its mean square.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import sparse

from mixed_glm._input.arrays import LARGEST
from mixed_glm.families import Family

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int32]

_CONSTANT = 1e-8  # a column whose sd is below this share of its size counts as constant


def column_spreads(exog: Floats, weights: Floats | None) -> Floats:
    """Standard deviation of each column, shape (p,); of a constant one its size, and 1 of zeros, or what is next to zero."""
    out = np.empty(exog.shape[1])
    for j, column in enumerate(exog.T):
        size = np.abs(column).max(initial=0.0)
        sd = _sd(column, weights)
        out[j] = sd if sd > _CONSTANT * size else size
    out[out <= 1.0 / LARGEST] = 1.0
    return out


def component_spreads(z: sparse.csr_array, ident: Codes, k: int, weights: Floats | None) -> Floats:
    """Spread of what multiplies the effects of each component, shape (K,).

    1 for intercepts and indicators; for a slope its standard deviation where another component is the intercept of the same
    groups, its root mean square where there is none.
    """
    rows = np.repeat(np.arange(z.shape[0]), np.diff(z.indptr))
    parts = [np.flatnonzero(ident[z.indices] == c) for c in range(k)]
    is_ones = [bool((z.data[part] == 1.0).all()) for part in parts]
    intercepts = [
        _groups(rows[p], z.indices[p], z.shape[0]) for p, ones in zip(parts, is_ones, strict=True) if ones
    ]
    out = np.ones(k)
    for c, part in enumerate(parts):
        if is_ones[c]:
            continue
        groups = _groups(rows[part], z.indices[part], z.shape[0])
        squares = np.bincount(rows[part], z.data[part] ** 2, minlength=z.shape[0])
        spread = np.sqrt(np.average(squares, weights=_used(weights)))
        if groups is not None and any(
            _same_groups(groups, other) for other in intercepts if other is not None
        ):
            values: Floats = np.bincount(rows[part], z.data[part], minlength=z.shape[0]).astype(np.float64)
            sd = _sd(values, weights)
            spread = sd if sd > _CONSTANT * np.abs(values).max() else spread
        out[c] = spread if spread > 1.0 / LARGEST else 1.0
    return out


def locations(family: Family, y: Floats, trials: Floats, weights: Floats, offset: Floats | None) -> Floats:
    """The constant linear predictor (beside `offset`) under which the mean response is the one observed, shape (m,).

    Half a success is added, and to trials a whole one, so that it is finite. Zero for a response that is not.

    Parameters
    ----------
    y : float array, shape (n, m)
        Responses, one in each column.
    trials, offset : float array, shape (n, m) or (n, 1)
        None: no offset.
    weights : float array, shape (n,)
    """
    rows = weights[:, None] * (trials if family.has_trials else np.ones((len(y), 1)))
    total, observed = rows.sum(axis=0), weights @ y
    with np.errstate(all="ignore"):
        if family.has_trials:
            share = (observed + 0.5) / (total + 1.0)
        elif family.is_continuous:
            share = np.where(observed > 0.0, observed, 0.5) / total
        else:
            share = (observed + 0.5) / total
        found = family.predictor(share)
        if offset is not None and family.link == "log":
            found = found - np.log((rows * np.exp(offset)).sum(axis=0) / total)
        elif offset is not None:
            found = _shifted(family, found, share, rows / total, offset)
    return np.where(np.isfinite(found), found, 0.0)


def _shifted(family: Family, start: Floats, share: Floats, rows: Floats, offset: Floats) -> Floats:
    """Solve for the constant by bisection, as the mean rises with it."""
    low = start - offset.max(axis=0)
    high = start - offset.min(axis=0)
    for _ in range(60):
        middle = 0.5 * (low + high)
        above = (rows * family.mean(middle + offset)).sum(axis=0) > share
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    return np.asarray(0.5 * (low + high))


def _used(weights: Floats | None) -> Floats | None:
    """Weights, unless no row counts: then all do."""
    return weights if weights is not None and weights.any() else None


def _sd(column: Floats, weights: Floats | None) -> float:
    weights = _used(weights)
    deviation = column - np.average(column, weights=weights)
    return float(np.sqrt(np.average(deviation * deviation, weights=weights)))


def _groups(rows: npt.NDArray[np.intp], columns: npt.NDArray[np.integer], n: int) -> Codes | None:
    """The one effect of each row, -1 where it has none; None if a row has several."""
    if len(rows) > 1 and (rows[1:] == rows[:-1]).any():
        return None
    codes = np.full(n, -1, dtype=np.int32)
    codes[rows] = columns
    return codes


def _same_groups(slope: Codes, intercept: Codes) -> bool:
    """Whether rows of one group by the first are of one group by the second, and the other way round."""
    both = (slope >= 0) & (intercept >= 0)
    if not both.any() or (slope >= 0).sum() > both.sum():
        return False
    pairs = np.unique(np.stack([slope[both], intercept[both]]), axis=1)
    return bool(len(np.unique(pairs[0])) == len(np.unique(pairs[1])) == pairs.shape[1])
