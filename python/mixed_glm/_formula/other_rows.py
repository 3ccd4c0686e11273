"""Expressions whose value in a row depends on other rows, such as ``np.cumsum(x)``: they have none for new rows.

Summaries (``x.mean()``) and transforms (``scale(x)``) are not among them, as theirs are remembered. What a function of the
caller does cannot be read off it, so values of a few rows alone are compared with those that they had among all.
"""

from __future__ import annotations

import ast
import copy
import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from mixed_glm._formula.columns import as_values
from mixed_glm._formula.data import Environment
from mixed_glm._formula.functions import ROWWISE
from mixed_glm._formula.known import FUNCTIONS, NUMPY
from mixed_glm._formula.uses import Expression

_KNOWN = frozenset({*ROWWISE, *FUNCTIONS, *NUMPY}) - {"lag"}


def on_other_rows(expressions: Iterable[str], env: Environment, state: Mapping[str, Any]) -> tuple[str, ...]:
    """Those of `expressions` that cannot be evaluated for new rows.

    Parameters
    ----------
    expressions : iterable of str
    env : Environment
        The rows that a model is made of.
    state : mapping
        What transforms have learnt from them.
    """
    learnt = dataclasses.replace(env, state=copy.deepcopy(dict(state)), guard=None)
    return tuple(e for e in dict.fromkeys(expressions) if _may_depend(e, env) and _depends(e, learnt))


def refused(expressions: Iterable[str], known: Iterable[str]) -> str | None:
    """What to tell if one of `expressions` is of `known`, which depend on other rows."""
    found = [e for e in expressions if e in set(known)]
    if not found:
        return None
    return (
        f"formula: {found[0]!r} depends on the other rows of the data of the model, and has no value for new rows; write "
        "center(x) or scale(x), which keep what they have learnt, or make it a column of the data and of the new rows"
    )


def _may_depend(expression: str, env: Environment) -> bool:
    """Whether something is called of which it is not known that it goes row by row."""
    parsed = Expression.of(expression)
    if any(_is_by_row(env.context.get(name), len(env.frame)) for name in parsed.variables().values()):
        return False  # values of the caller, one a row, are not those of new rows anyway
    return any(_is_unknown(node, env) for node in ast.walk(parsed.tree))


def _is_unknown(node: ast.AST, env: Environment) -> bool:
    if isinstance(node, (ast.Subscript, ast.ListComp, ast.GeneratorExp)):
        return True
    if isinstance(node, ast.Attribute):
        return not isinstance(node.value, ast.Name) or node.value.id not in ("np", "contr")
    if not isinstance(node, ast.Call):
        return False
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    return name not in _KNOWN or name in env.context


def _is_by_row(value: Any, n: int) -> bool:
    if isinstance(value, dict):
        return any(_is_by_row(v, n) for v in value.values())
    return isinstance(value, (pd.Series, pd.DataFrame, np.ndarray, list, tuple)) and len(value) == n


def _depends(expression: str, env: Environment) -> bool:
    """Whether a few rows have other values when they stand alone."""
    n = len(env.frame)
    try:
        whole = _table(env, expression)
    except Exception:  # noqa: BLE001  (whatever the expression raises: it has been evaluated before)
        return True
    if len(whole) != n:
        return False
    return any(_differs(expression, env, whole, rows) for rows in ([n - 1, 0], [n // 2], [n // 3]) if n > 1)


def _differs(expression: str, env: Environment, whole: pd.DataFrame, rows: list[int]) -> bool:
    part = dataclasses.replace(
        env, frame=env.frame.iloc[rows].reset_index(drop=True), state=copy.deepcopy(env.state)
    )
    try:
        alone = _table(part, expression)
    except Exception:  # noqa: BLE001  (as 'cut' of a single row)
        return True
    expected = whole.iloc[rows].reset_index(drop=True)
    if alone.shape != expected.shape:
        return True
    return not all(_alike(alone.iloc[:, j], expected.iloc[:, j]) for j in range(alone.shape[1]))


def _table(env: Environment, expression: str) -> pd.DataFrame:
    values = as_values(env.evaluate(expression, labels=Expression.of(expression).of_labels()).values)
    if isinstance(values, pd.DataFrame):
        return values.reset_index(drop=True)
    if isinstance(values, dict):
        return pd.DataFrame({k: np.asarray(v) for k, v in values.items()})
    return pd.DataFrame(np.asarray(values) if np.ndim(values) == 2 else {0: np.asarray(values)})


def _alike(one: pd.Series[Any], other: pd.Series[Any]) -> bool:
    if all(
        pd.api.types.is_numeric_dtype(v.dtype) or pd.api.types.is_bool_dtype(v.dtype) for v in (one, other)
    ):
        a, b = one.to_numpy(dtype=np.float64), other.to_numpy(dtype=np.float64)
        return bool(np.allclose(a, b, rtol=1e-9, atol=0, equal_nan=True))
    return one.tolist() == other.tolist()
