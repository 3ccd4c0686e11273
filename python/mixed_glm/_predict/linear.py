"""Linear predictors of a model's own rows and of new ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from mixed_glm._input.arrays import as_design, as_positive, as_vector
from mixed_glm._predict.names import fixed_in_order
from mixed_glm._spec.spec import ModelSpec
from mixed_glm.families import Cumulative

Floats = npt.NDArray[np.float64]


def predict_at(
    spec: ModelSpec,
    params: npt.ArrayLike,
    exog: Any = None,
    linear: bool = False,
    *,
    offset: Any = None,
    exposure: Any = None,
) -> Floats:
    """Mean of the response at random effects of zero.

    Parameters
    ----------
    params : array_like
        Fixed effects, or all parameters.
    exog : array_like, shape (m, p), or DataFrame, optional
        Fixed-effects columns; for a model from a formula also a data frame with its variables. Default:
        the model's own rows.
    linear : bool, default False
        Return the linear predictor.
    offset, exposure : array_like, shape (m,), optional
        For new rows; required if the model has them.

    Returns
    -------
    ndarray, shape (m,)
        Mean for each row (per trial for the binomial family); NaN where a data frame has missing values. Ordinal: shape (m, C),
        the probability of each category, for which `params` must have the thresholds.
    """
    eta = linear_predictor(spec, params, exog, offset, exposure)
    if linear or not isinstance(spec.family, Cumulative):
        return eta if linear else np.asarray(spec.family.mean(eta))
    thresholds = np.asarray(params, dtype=np.float64)[spec.layout.family]
    if len(thresholds) != len(spec.layout.family_names):
        raise ValueError(
            f"params must have all parameters, with the thresholds {', '.join(spec.layout.family_names)}, for probabilities; "
            "linear=True needs the fixed effects alone"
        )
    return spec.family.probabilities(eta, thresholds)


def linear_predictor(spec: ModelSpec, params: npt.ArrayLike, exog: Any, offset: Any, exposure: Any) -> Floats:
    """Linear predictor at random effects of zero; see `predict_at` for the arguments."""
    layout = spec.layout
    beta = np.asarray(params, dtype=np.float64)[layout.fe]
    if len(beta) != layout.k_fep:
        raise ValueError(f"params must have at least the {layout.k_fep} fixed effects, got {len(beta)}")
    if exog is None and (offset is not None or exposure is not None):
        raise ValueError("offset and exposure are only for new rows: give exog too")
    if exog is None:
        eta, shift = spec.design.exog @ beta, spec.design.total_offset()
    else:
        eta = new_exog(spec, exog) @ beta
        shift = new_offset(spec, exog, offset, exposure, len(eta))
    return np.asarray(eta if shift is None else eta + shift)


def new_exog(spec: ModelSpec, exog: Any) -> Floats:
    if is_raw(spec, exog):
        assert spec.encoding is not None
        return spec.encoding.encode_fixed(exog)
    if not hasattr(exog, "__len__") or getattr(exog, "ndim", 1) == 0:
        raise TypeError(f"exog must be a table or an array of new rows, got {exog!r}")
    x, _ = as_design(fixed_in_order(spec, exog), "exog", len(exog))
    if x.shape[1] != spec.layout.k_fep:
        names = ", ".join(spec.design.fep_names)
        raise ValueError(f"exog must have {spec.layout.k_fep} columns ({names}), got {x.shape[1]}")
    return x


def is_raw(spec: ModelSpec, exog: Any) -> bool:
    """Whether `exog` is a data frame of variables, not of the columns that the formula makes of them."""
    if spec.encoding is None or not isinstance(exog, (pd.DataFrame, Mapping)):
        return False
    return sorted(map(str, exog)) != sorted(spec.design.fep_names)


def new_offset(spec: ModelSpec, exog: Any, offset: Any, exposure: Any, n: int) -> Floats | None:
    """Offsets of the formula, the offset and the log exposure of new rows, added up."""
    parts: list[Floats] = []
    needs_offset = spec.design.offset is not None
    if spec.encoding is not None and is_raw(spec, exog):
        of_formula = spec.encoding.encode_offset(exog)
        if of_formula is not None:
            parts.append(of_formula)
            needs_offset = spec.encoding.extra_offset
            _refuse_twice(spec, offset, exposure)
    if offset is not None:
        parts.append(as_vector(offset, "offset", n, scalar=True))
    elif needs_offset:
        raise ValueError("offset must be given for new rows: the model has one")
    if exposure is not None:
        parts.append(np.log(as_positive(exposure, "exposure", n)))
    elif spec.design.exposure is not None:
        raise ValueError("exposure must be given for new rows: the model has one")
    return np.asarray(np.sum(parts, axis=0)) if parts else None


def _refuse_twice(spec: ModelSpec, offset: Any, exposure: Any) -> None:
    """Refuse an offset beside the one that the formula computes of new rows, where the model had none beside it."""
    assert spec.encoding is not None
    beside = {"offset": spec.encoding.extra_offset, "exposure": spec.design.exposure is not None}
    for name, value in (("offset", offset), ("exposure", exposure)):
        if value is not None and not beside[name]:
            terms = " + ".join(f"offset({e})" for e in spec.encoding.text.offsets)
            raise ValueError(
                f"{name} would count beside {terms} of the formula, which is computed from the new rows already: leave out "
                f"{name}, and give the new values in the columns that the formula uses"
            )
