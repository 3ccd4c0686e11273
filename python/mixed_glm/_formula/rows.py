"""Columns that formulaic makes of rows: of those that a model is made of, and of new ones."""

from __future__ import annotations

import collections
import copy
import dataclasses
from collections.abc import Mapping
from typing import Any

import pandas as pd
from formulaic import ModelSpec
from formulaic.materializers import PandasMaterializer
from formulaic.materializers.types import FactorValues

from mixed_glm._formula.columns import as_values, is_categorical, number_column, with_columns
from mixed_glm._formula.data import Environment
from mixed_glm._formula.labels import distinct
from mixed_glm._formula.unused import tell, unused_levels, used_levels


def columns_of_rows(spec: ModelSpec, env: Environment) -> Any:
    """Columns that `spec` makes of rows, with what it has learnt from them as ``model_spec``.

    Expressions are evaluated by `env`, which has numbers as float64 but labels exactly as they are.

    Raises
    ------
    ValueError
        If two columns, or two levels of a factor, would have one name: formulaic would forget one of them.
    """
    _require_no_times(spec, env.frame)
    materializer = PandasMaterializer(env.number_frame, context=env.number_context)

    known = spec.encoder_state
    changed: dict[str, tuple[Any, Any]] = {}

    def evaluate(expression: str, metadata: Any, spec: ModelSpec) -> tuple[Any, set[Any]]:
        value = env.value(expression, {expression: metadata}, spec.transform_state, spec)
        if expression not in known and unused_levels(value):
            changed[expression] = value, used_levels(value)
            value = changed[expression][1]
        return _with_levels(value, known[expression][1]) if expression in known else value, set()

    materializer._evaluate = evaluate
    matrix = materializer.get_model_matrix(spec)
    for expression, (before, after) in changed.items():
        tell(expression, before, after)
    _require_distinct(matrix.model_spec)
    return matrix


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
    return columns_of_rows(learnt, dataclasses.replace(env, frame=frame))


def _with_levels(value: Any, state: Mapping[str, Any]) -> Any:
    """Categories, also marked ones, with those that were learnt: pandas is to drop levels from no others."""
    labels = as_values(value)
    if not (isinstance(labels, pd.Series) and is_categorical(labels) and "categories" in state):
        return value
    labels = labels.cat.set_categories(state["categories"])
    marks = getattr(value, "__formulaic_metadata__", None)
    return labels if marks is None else FactorValues(labels, metadata=marks)


def _require_no_times(spec: ModelSpec, frame: pd.DataFrame) -> None:
    """Refuse times as covariates: numpy would take them for numbers of an unknown unit, or fail."""
    times = {name for name, dtype in frame.dtypes.items() if dtype.kind in "mM"}
    for factor in {f for term in spec.formula for f in term.factors}:
        if factor.eval_method.value == "lookup" and factor.expr in times:
            refuse_times(factor.expr, frame[factor.expr])


def refuse_times(name: str, values: Any) -> None:
    """Raise ValueError if a covariate is made of times, with what to write instead."""
    kind = getattr(values.dtype, "kind", "")
    if kind == "M":
        shown = name if name.isidentifier() else f"`{name}`"
        raise ValueError(
            f"formula: {name!r} holds times, and must be numeric or a factor: write I(({shown} - {shown}.min()).dt.days) for "
            f"days since the first, {shown}.dt.year, or C({shown}) for a factor"
        )
    if kind == "m":
        raise ValueError(
            f"formula: {name!r} holds spans of time, and must be numeric: write I({name}.dt.days) or I({name}.dt.total_seconds())"
        )


def _as_learnt(spec: ModelSpec, frame: pd.DataFrame) -> pd.DataFrame:
    """Columns of the kind that they had in the model: formulaic goes by the kind that they have now."""
    factors = {}
    for name, (kind, state) in spec.encoder_state.items():
        if name not in frame.columns:
            continue
        if kind.value == "categorical" and is_categorical(frame[name]):
            factors[name] = _with_levels(frame[name], state)
            continue
        numeric = pd.api.types.is_numeric_dtype(number_column(frame[name]).dtype)
        if kind.value == "categorical" and numeric:
            factors[name] = pd.Series(
                pd.Categorical(frame[name], categories=state["categories"]), index=frame.index
            )
        elif kind.value == "numerical" and not numeric:
            raise ValueError(f"{name} must be numeric, as in the data of the model, got {frame[name].dtype}")
    return with_columns(frame, factors)


def _require_distinct(spec: ModelSpec) -> None:
    for expression, (_, state) in spec.encoder_state.items():
        if "categories" in state:
            distinct(pd.Index(state["categories"], dtype=object), expression)
    twice = [name for name, count in collections.Counter(spec.column_names).items() if count > 1]
    if twice:
        hint = ", which is how the constant is called" if twice[0] == "Intercept" else ""
        raise ValueError(f"there would be two columns called {twice[0]!r}{hint}: rename the column of data")
