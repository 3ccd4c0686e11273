"""Linear predictors of a model's own rows and of new ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from mixed_glm._input.arrays import as_design, as_positive, as_vector
from mixed_glm._predict.names import fixed_in_order

if TYPE_CHECKING:
    from mixed_glm.model import MixedGLM

Floats = npt.NDArray[np.float64]


def linear_predictor(model: MixedGLM, params: npt.ArrayLike, exog: Any, offset: Any, exposure: Any) -> Floats:
    """Linear predictor at random effects of zero; see `MixedGLM.predict` for the arguments."""
    beta = np.asarray(params, dtype=np.float64)[: model.k_fep]
    if len(beta) != model.k_fep:
        raise ValueError(f"params must have at least the {model.k_fep} fixed effects, got {len(beta)}")
    if exog is None and (offset is not None or exposure is not None):
        raise ValueError("offset and exposure are only for new rows: give exog too")
    if exog is None:
        eta, shift = model.exog @ beta, model._design.total_offset()
    else:
        eta = new_exog(model, exog) @ beta
        shift = new_offset(model, exog, offset, exposure, len(eta))
    return np.asarray(eta if shift is None else eta + shift)


def new_exog(model: MixedGLM, exog: Any) -> Floats:
    if is_raw(model, exog):
        assert model._encoding is not None
        return model._encoding.encode_fixed(exog)
    x, _ = as_design(fixed_in_order(model, exog), "exog", len(exog))
    if x.shape[1] != model.k_fep:
        names = ", ".join(model.fep_names)
        raise ValueError(f"exog must have {model.k_fep} columns ({names}), got {x.shape[1]}")
    return x


def is_raw(model: MixedGLM, exog: Any) -> bool:
    """Whether `exog` is a data frame of variables, not of the columns that the formula makes of them."""
    if model._encoding is None or not isinstance(exog, (pd.DataFrame, Mapping)):
        return False
    return sorted(map(str, exog)) != sorted(model.fep_names)


def new_offset(model: MixedGLM, exog: Any, offset: Any, exposure: Any, n: int) -> Floats | None:
    """Offsets of the formula, the offset and the log exposure of new rows, added up."""
    parts: list[Floats] = []
    needs_offset = model.offset is not None
    if model._encoding is not None and is_raw(model, exog):
        of_formula = model._encoding.encode_offset(exog)
        if of_formula is not None:
            parts.append(of_formula)
            needs_offset = model._encoding.extra_offset
    if offset is not None:
        parts.append(as_vector(offset, "offset", n, scalar=True))
    elif needs_offset:
        raise ValueError("offset must be given for new rows: the model has one")
    if exposure is not None:
        parts.append(np.log(as_positive(exposure, "exposure", n)))
    elif model.exposure is not None:
        raise ValueError("exposure must be given for new rows: the model has one")
    return np.asarray(np.sum(parts, axis=0)) if parts else None
