"""The rows that a model was made from, as functions of a data frame take them."""

from __future__ import annotations

from typing import Any

import pandas as pd

from mixed_glm._fit.fit import HasFit


def own_frame(result: Any) -> pd.DataFrame | None:
    """Rows of the data frame that the model of a result was made from; None if it has none."""
    found: pd.DataFrame | None = result.model.data.rows
    return found


def own_rows(result: HasFit) -> dict[str, Any]:
    """These rows as ``newdata``, with the ``offset``, ``exposure`` and ``wts`` that the model has beside them."""
    spec, frame = result.fit.spec, own_frame(result)
    arguments: dict[str, Any] = {"newdata": frame}
    if frame is None or spec.encoding is None:
        return arguments
    arguments |= {"exposure": spec.design.exposure, "wts": spec.design.freq_weights}
    if spec.encoding.extra_offset and spec.design.offset is not None:
        of_formula = spec.encoding.encode_offset(frame)
        arguments["offset"] = spec.design.offset - (0.0 if of_formula is None else of_formula)
    return arguments
