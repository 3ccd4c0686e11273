"""R's ``ns`` and ``bs``; knots are those of the first data."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from formulaic.materializers.types import FactorValues
from formulaic.transforms import TRANSFORMS as FORMULAIC
from scipy import linalg
from scipy.interpolate import BSpline

from mixed_glm._formula.columns import as_values
from mixed_glm._formula.stateful import State, stateful

Floats = npt.NDArray[np.float64]


@stateful
def bs(
    x: Any, df: Any = None, knots: Any = None, degree: int = 3, include_intercept: bool = False, lower_bound: Any = None,
    upper_bound: Any = None, extrapolation: str = "raise", intercept: Any = None, Boundary_knots: Any = None, *, _state: State,
) -> Any:  # fmt: skip
    """formulaic's B-splines, with R's names of arguments as well."""
    lower, upper = (lower_bound, upper_bound) if Boundary_knots is None else sorted(Boundary_knots)
    wanted = include_intercept if intercept is None else bool(intercept)
    return FORMULAIC["bs"](
        x, df=df, knots=knots, degree=degree, include_intercept=wanted, lower_bound=lower, upper_bound=upper,
        extrapolation=extrapolation, _state=_state,
    )  # fmt: skip


@stateful
def ns(
    x: Any,
    df: Any = None,
    knots: Any = None,
    intercept: bool = False,
    Boundary_knots: Any = None,
    *,
    _state: State,
) -> Any:
    """Natural cubic splines, the columns that R's ``splines::ns`` has."""
    values = np.asarray(as_values(x), dtype=np.float64)
    if "knots" not in _state:
        _state.update(_knots(values, df, knots, bool(intercept), Boundary_knots))
    inner, (lower, upper) = np.asarray(_state["knots"], dtype=np.float64), _state["boundary"]
    basis = _natural(values, inner, lower, upper, bool(intercept))
    names = tuple(str(i + 1) for i in range(basis.shape[1]))
    return FactorValues(basis, column_names=names)


def _knots(values: Floats, df: Any, knots: Any, intercept: bool, boundary: Any) -> State:
    if not np.isfinite(values).all():
        raise ValueError("ns: values must be finite")
    lower, upper = (values.min(), values.max()) if boundary is None else sorted(float(v) for v in boundary)
    if knots is None:
        count = 0 if df is None else int(df) - 1 - int(intercept)
        if count < 0:
            raise ValueError(f"ns: df must be at least {1 + int(intercept)}, got {df}")
        inside = values[(values >= lower) & (values <= upper)]
        knots = np.quantile(inside, np.linspace(0, 1, count + 2)[1:-1])
    inner = [float(v) for v in np.sort(np.atleast_1d(np.asarray(knots, dtype=np.float64)))]
    if not lower < upper:
        raise ValueError(f"ns: values must not all be the same, got {lower:g}")
    if any(not lower < v < upper for v in inner) or len(set(inner)) < len(inner):
        raise ValueError(
            f"ns: knots must be different and lie between {lower:g} and {upper:g}, got {', '.join(f'{v:g}' for v in inner)}; "
            "a smaller df makes fewer"
        )
    return {"knots": inner, "boundary": [float(lower), float(upper)]}


def _natural(x: Floats, inner: Floats, lower: float, upper: float, intercept: bool) -> Floats:
    """Cubic B-splines rotated so that second derivatives at the ends vanish; straight lines outside."""
    knots = np.concatenate([[lower] * 4, inner, [upper] * 4])
    spline = BSpline(knots, np.eye(len(knots) - 4), 3)
    basis = np.asarray(spline(np.clip(x, lower, upper)))
    for end, outside in ((lower, x < lower), (upper, x > upper)):
        basis[outside] += np.outer(x[outside] - end, spline(end, 1))
    ends = np.asarray([spline(lower, 2), spline(upper, 2)])
    if not intercept:
        basis, ends = basis[:, 1:], ends[:, 1:]
    rotation, _ = linalg.qr(ends.T)
    return np.asarray((basis @ rotation)[:, 2:])
