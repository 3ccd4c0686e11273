"""What default priors are measured by: how far the columns of a model spread, and where its response lies.

A default must depend neither on the unit nor on the origin of a covariate, so the spread of a column is its standard
deviation. A random slope without an intercept for the same groups is the exception: moving its origin is another model, and its
spread is the root of its mean square.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.optimize import brentq

from mixed_glm.families import Family

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int32]

_CONSTANT = 1e-8  # a column whose sd is below this share of its size counts as constant


def column_spreads(exog: Floats, weights: Floats | None) -> Floats:
    """Standard deviation of each column, shape (p,); of a constant one its size, and 1 of zeros."""
    out = np.empty(exog.shape[1])
    for j, column in enumerate(exog.T):
        size = np.abs(column).max(initial=0.0)
        sd = _sd(column, weights)
        out[j] = sd if sd > _CONSTANT * size else size
    out[out == 0.0] = 1.0
    return out


def component_spreads(z: sparse.csr_array, ident: Codes, k: int, weights: Floats | None) -> Floats:
    """Spread of what multiplies the effects of each component, shape (K,).

    1 for intercepts and indicators; for a slope its standard deviation where another component is the intercept of the same
    groups, its root mean square where there is none.
    """
    rows = np.repeat(np.arange(z.shape[0]), np.diff(z.indptr))
    parts = [np.flatnonzero(ident[z.indices] == c) for c in range(k)]
    is_ones = [bool((z.data[part] == 1.0).all()) for part in parts]
    intercepts = [_groups(rows[p], z.indices[p], z.shape[0]) for p, ones in zip(parts, is_ones, strict=True) if ones]
    out = np.ones(k)
    for c, part in enumerate(parts):
        if is_ones[c]:
            continue
        groups = _groups(rows[part], z.indices[part], z.shape[0])
        squares = np.bincount(rows[part], z.data[part] ** 2, minlength=z.shape[0])
        spread = np.sqrt(np.average(squares, weights=_used(weights)))
        if groups is not None and any(_same_groups(groups, other) for other in intercepts if other is not None):
            values = np.bincount(rows[part], z.data[part], minlength=z.shape[0])
            sd = _sd(values, weights)
            spread = sd if sd > _CONSTANT * np.abs(values).max() else spread
        out[c] = spread or 1.0
    return out


def location(
    family: Family, y: Floats, trials: Floats, weights: Floats, offset: Floats | None
) -> float:
    """The constant linear predictor (beside `offset`) under which the mean response is the one observed.

    Half a success is added, and to trials a whole one, so that it is finite.
    """
    total = float(weights @ trials) if family.has_trials else float(weights.sum())
    if total <= 0.0:
        return 0.0
    observed = float(weights @ y)
    if family.has_trials:
        share = (observed + 0.5) / (total + 1.0)
    else:
        share = (observed + (0.0 if family.is_continuous and observed > 0.0 else 0.5)) / total
    shift = np.zeros(1) if offset is None else offset
    size = weights * trials / total if offset is not None else np.ones(1)

    def excess(eta: float) -> float:
        with np.errstate(over="ignore"):
            return float(size @ np.minimum(family.mean(eta + shift), 1e300)) - share

    low, high = -shift.max() - 50.0, -shift.min() + 50.0
    while family.link == "log" and excess(high) < 0.0 and high < 400.0:
        high += 50.0
    return 0.0 if excess(low) > 0.0 or excess(high) < 0.0 else float(brentq(excess, low, high, xtol=1e-12))


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
    return len(np.unique(pairs[0])) == len(np.unique(pairs[1])) == pairs.shape[1]
