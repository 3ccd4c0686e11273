"""Arithmetic of expressions in numbers that neither wrap around nor saturate.

What a formula computes with need not be a column: ``day.dt.year`` is int32, ``f.cat.codes`` int8, and a comparison a truth
value, of which numpy makes "or" if two are added. So all operands of arithmetic are converted where they stand.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Container, Iterator, MutableMapping
from typing import Any

import numpy as np
import pandas as pd

from mixed_glm._formula.columns import plain_column, wide_column
from mixed_glm._formula.functions import SUMMARIES
from mixed_glm._formula.r_math import as_logical
from mixed_glm._formula.scope import as_numbers
from mixed_glm._formula.uses import OF_ONE_VALUE, Expression

OPERAND = "_operand_of_arithmetic"  # the function that converts, as expressions call it
TRUTH = "_operand_of_logic"
EQUAL, DIFFERENT = "_equal", "_different"
REMEMBERED = "_remembered"
ARITHMETIC = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.MatMult)
LOGIC = (ast.BitAnd, ast.BitOr)


def guarded(expression: Expression, learnt: Container[str] = ()) -> str:
    """Expression in which operands are converted, and summaries of columns are those of the first data.

    Operands of arithmetic go through the function called `OPERAND`, those of logic through `TRUTH`, comparisons with
    literals through `EQUAL` or `DIFFERENT`; summaries, such as ``x.mean()``, through `REMEMBERED`, with their text, or
    with their text alone if they have been `learnt`.
    """
    return ast.unparse(_Guard(expression, learnt).visit(copy.deepcopy(expression.tree)))


def number_operand(value: Any) -> Any:
    """Operand as float64; what is neither a number nor a truth value as it is."""
    if _is_marked(value):
        return value
    value = as_numbers(value)
    if isinstance(value, (pd.Series, np.ndarray)) and value.dtype == np.bool_:
        return value.astype(np.float64)
    return value


def truth_operand(value: Any) -> Any:
    """Operand as a truth value, where it is a number."""
    if isinstance(value, (int, float)) or (hasattr(value, "dtype") and value.dtype.kind in "iuf"):
        return as_logical(value)
    return value


def label_operand(value: Any) -> Any:
    """Operand as whole numbers that do not overflow, where it is one of labels; anything else as it is."""
    if _is_marked(value) or not isinstance(value, (pd.Series, np.ndarray)) or value.ndim != 1:
        return value
    column = plain_column(pd.Series(value))
    exact = wide_column(column.astype(np.int64) if column.dtype == np.bool_ else column, arithmetic=True)
    return exact if isinstance(value, pd.Series) else exact.to_numpy()


def is_memorable(value: Any, n: int) -> bool:
    """Whether a summary can be kept: one number, truth value, text or time, or a few numbers that are not one a row."""
    if isinstance(value, (int, float, str, np.generic, pd.Timestamp, pd.Timedelta)):
        return True
    return (
        isinstance(value, np.ndarray)
        and value.dtype.kind in "iuf"
        and value.ndim == 1
        and len(value) not in (0, n)
    )


class PlainKeys(MutableMapping[str, Any]):
    """State of transforms by their text as written, for ``center(x * z)``, in which operands are converted."""

    def __init__(self, state: MutableMapping[str, Any]) -> None:
        self.state = state

    def __getitem__(self, key: str) -> Any:
        return self.state[_as_written(key)]

    def __setitem__(self, key: str, value: Any) -> None:
        self.state[_as_written(key)] = value

    def __delitem__(self, key: str) -> None:
        del self.state[_as_written(key)]

    def __iter__(self) -> Iterator[str]:
        return iter(self.state)

    def __len__(self) -> int:
        return len(self.state)


class _Guard(ast.NodeTransformer):
    def __init__(self, expression: Expression, learnt: Container[str]) -> None:
        self.variables = set(expression.variables())
        self.learnt = learnt

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.op, ARITHMETIC):
            node.left, node.right = _converted(node.left), _converted(node.right)
        elif isinstance(node.op, LOGIC):
            node.left, node.right = _call(TRUTH, node.left), _call(TRUTH, node.right)
        return node

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.op, (ast.USub, ast.UAdd)):
            node.operand = _converted(node.operand)
        elif isinstance(node.op, ast.Invert):
            node.operand = _call(TRUTH, node.operand)
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        literal = any(isinstance(side, ast.Constant) for side in (node.left, *node.comparators))
        if len(node.ops) == 1 and literal and isinstance(node.ops[0], (ast.Eq, ast.NotEq)):
            name = EQUAL if isinstance(node.ops[0], ast.Eq) else DIFFERENT
            return _call(name, node.left, node.comparators[0])
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        is_summary = _summarizes(node) and any(
            isinstance(inner, ast.Name) and inner.id in self.variables for inner in ast.walk(node)
        )
        text = ast.unparse(node)
        if is_summary and text in self.learnt:
            return _call(REMEMBERED, ast.Constant(text))
        self.generic_visit(node)
        return _call(REMEMBERED, ast.Constant(text), node) if is_summary else node

    def leave(self, node: ast.AST) -> ast.AST:
        """Scopes of their own do not see the names of a formula."""
        return node

    visit_Lambda = visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = leave


def _summarizes(node: ast.Call) -> bool:
    """Whether a call makes one value of many: ``x.mean()``, ``np.mean(x)``, ``mean(x)``."""
    if isinstance(node.func, ast.Name):
        return node.func.id in SUMMARIES or node.func.id == "len"
    return isinstance(node.func, ast.Attribute) and node.func.attr in OF_ONE_VALUE


def _call(name: str, *arguments: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(name, ast.Load()), list(arguments), [])


def _converted(node: ast.expr) -> ast.expr:
    """Call of the function that converts; constants and what was computed need none."""
    done = isinstance(node, (ast.BinOp, ast.UnaryOp)) and isinstance(
        node.op, (*ARITHMETIC, ast.USub, ast.UAdd)
    )
    return node if done or isinstance(node, ast.Constant) else _call(OPERAND, node)


class _Written(ast.NodeTransformer):
    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name in (OPERAND, TRUTH):
            return node.args[0]
        if name in (EQUAL, DIFFERENT):
            operator = ast.Eq() if name == EQUAL else ast.NotEq()
            return ast.Compare(node.args[0], [operator], [node.args[1]])
        if name == REMEMBERED and len(node.args) == 1 and isinstance(node.args[0], ast.Constant):
            return ast.parse(str(node.args[0].value), mode="eval").body
        return node.args[1] if name == REMEMBERED else node


def _as_written(key: str) -> str:
    if not any(name in key for name in (OPERAND, TRUTH, EQUAL, DIFFERENT, REMEMBERED)):
        return key
    try:
        return ast.unparse(_Written().visit(ast.parse(key, mode="eval")))
    except SyntaxError:
        return key


def _is_marked(value: Any) -> bool:
    """Whether formulaic keeps a note with the value, as it does for factors and splines."""
    return hasattr(value, "__formulaic_metadata__")
