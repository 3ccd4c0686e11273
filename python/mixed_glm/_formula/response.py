"""The response of a formula: of a model's own rows, and of new ones."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from mixed_glm._formula.data import Environment
from mixed_glm._formula.text import FormulaText
from mixed_glm._input.ordinal import as_ordinal, categories_of
from mixed_glm._input.response import binary_from_labels, from_two_columns, is_labels, successes

Floats = npt.NDArray[np.float64]


def evaluate_response(
    text: FormulaText, env: Environment, binomial: bool, ordinal: bool = False
) -> tuple[Floats, Floats | None, tuple[str, ...] | None]:
    """Response, trials if the formula gives them, and (failure, success) for labels, or categories in their order."""
    shown = " + ".join(text.response)
    if text.kind != "single":
        if not binomial:
            raise ValueError(
                f"formula: the response {shown!r} has two parts, which is only for the binomial family; "
                "write I(a + b) for a sum"
            )
        first, second = (env.numbers(part) for part in text.response)
        if text.kind == "trials":
            return first, second, None
        return *from_two_columns(first, second, f"response {shown!r}"), None
    values = env.evaluate(shown).values
    if np.shape(values) != (len(env.frame),) or not hasattr(values, "dtype"):
        raise ValueError(f"formula: the response {shown!r} must have one value a row")
    if ordinal:
        codes, categories = as_ordinal(values, f"response {shown!r}")
        return codes, None, categories
    if is_labels(values):
        if binomial:
            y, levels = binary_from_labels(values, f"response {shown!r}")
            return y, None, levels
        if not pd.api.types.is_bool_dtype(values.dtype):
            raise ValueError(
                f"formula: the response {shown!r} must be numeric, got labels; those are for the family "
                "'binomial' (two of them) or 'cumulative' (ordered categories)"
            )
    return np.asarray(values, dtype=np.float64), None, None


def response_of_new_rows(
    text: FormulaText, env: Environment, levels: tuple[str, ...] | None, ordinal: bool = False
) -> tuple[Floats, Floats | None]:
    """Responses, and trials if the formula gives them; NaN where something is missing.

    Parameters
    ----------
    levels : (failure, success), or None
        Of a response that is labels; the categories of an ordinal one.
    """
    shown = " + ".join(text.response)
    if text.kind != "single":
        first, second = (env.numbers(part) for part in text.response)
        return first, second if text.kind == "trials" else first + second
    values = env.evaluate(shown).values
    if levels is not None:
        of_levels = categories_of if ordinal else successes
        return of_levels(values, levels, f"response {shown!r}"), None
    if is_labels(values) and not pd.api.types.is_bool_dtype(values.dtype):
        raise ValueError(
            f"formula: the response {shown!r} must be numeric, as in the data of the model, got labels"
        )
    return np.asarray(values, dtype=np.float64), None
