"""New rows through a specification that formulaic has learnt from the rows of the model."""

from __future__ import annotations

import copy
from typing import Any

import pandas as pd
from formulaic import ModelSpec

from mixed_glm._formula.data import Environment


def columns_of_new_rows(spec: ModelSpec, env: Environment) -> Any:
    """Columns that `spec` makes of new rows, which may hold factors as numbers.

    The specification is not changed: formulaic notes in it how it has taken the rows it saw last.

    Raises
    ------
    ValueError
        If a variable was a number in the model and is not now, or if `env` has a guard that refuses an expression.
    """
    frame = _as_learnt(spec, env.frame)
    if env.guard is not None:
        env.guard.check_columns(spec, frame, env.context)
    learnt = spec.update(
        encoder_state=copy.deepcopy(spec.encoder_state), transform_state=copy.deepcopy(spec.transform_state)
    )
    return learnt.get_model_matrix(frame, context=env.context)


def _as_learnt(spec: ModelSpec, frame: pd.DataFrame) -> pd.DataFrame:
    """Columns of the kind that they had in the model: formulaic goes by the kind that they have now."""
    factors = {}
    for name, (kind, state) in spec.encoder_state.items():
        if name not in frame.columns:
            continue
        numeric = pd.api.types.is_numeric_dtype(frame[name].dtype)
        if kind.value == "categorical" and numeric:
            factors[name] = pd.Categorical(frame[name], categories=state["categories"])
        elif kind.value == "numerical" and not numeric:
            raise ValueError(f"{name} must be numeric, as in the data of the model, got {frame[name].dtype}")
    return frame.assign(**factors) if factors else frame
