"""Arithmetic of expressions in numbers that neither wrap around nor saturate.

What a formula computes with need not be a column: ``day.dt.year`` is int32, ``f.cat.codes`` int8, and a comparison a truth
value, of which numpy makes "or" if two are added. So all operands of arithmetic are converted where they stand.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, MutableMapping
from typing import Any

import numpy as np
import pandas as pd

from mixed_glm._formula.columns import plain_column, wide_column
from mixed_glm._formula.scope import as_numbers
from mixed_glm._formula.uses import BACKTICKED, Expression

OPERAND = "_operand_of_arithmetic"  # the function that converts, as expressions call it
ARITHMETIC = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.MatMult)


def guarded(text: str) -> str:
    """Expression in which every operand of arithmetic goes through the function called `OPERAND`."""
    expression = Expression.of(text)
    if text in expression.names.values():  # no Python, but the name of a column
        return text
    for node in ast.walk(expression.tree):
        if isinstance(node, ast.Name) and node.id in expression.names:
            node.id = f"`{expression.names[node.id]}`"
    return ast.unparse(_Guard().visit(expression.tree))


def number_operand(value: Any) -> Any:
    """Operand as float64; what is neither a number nor a truth value as it is."""
    if _is_marked(value):
        return value
    value = as_numbers(value)
    if isinstance(value, (pd.Series, np.ndarray)) and value.dtype == np.bool_:
        return value.astype(np.float64)
    return value


def label_operand(value: Any) -> Any:
    """Operand as whole numbers that do not overflow, where it is one of labels; anything else as it is."""
    if _is_marked(value) or not isinstance(value, (pd.Series, np.ndarray)) or value.ndim != 1:
        return value
    column = plain_column(pd.Series(value))
    exact = wide_column(column.astype(np.int64) if column.dtype == np.bool_ else column, arithmetic=True)
    return exact if isinstance(value, pd.Series) else exact.to_numpy()


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
    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.op, ARITHMETIC):
            node.left, node.right = _converted(node.left), _converted(node.right)
        return node

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.op, (ast.USub, ast.UAdd)):
            node.operand = _converted(node.operand)
        return node

    def leave(self, node: ast.AST) -> ast.AST:
        """Scopes of their own do not see the names of a formula."""
        return node

    visit_Lambda = visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = leave


def _converted(node: ast.expr) -> ast.expr:
    """Call of the function that converts; constants and what was computed need none."""
    done = isinstance(node, (ast.BinOp, ast.UnaryOp)) and isinstance(
        node.op, (*ARITHMETIC, ast.USub, ast.UAdd)
    )
    return (
        node
        if done or isinstance(node, ast.Constant)
        else ast.Call(ast.Name(OPERAND, ast.Load()), [node], [])
    )


class _Written(ast.NodeTransformer):
    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        return node.args[0] if isinstance(node.func, ast.Name) and node.func.id == OPERAND else node


def _as_written(key: str) -> str:
    if OPERAND not in key or BACKTICKED.search(key):
        return key
    try:
        return ast.unparse(_Written().visit(ast.parse(key, mode="eval")))
    except SyntaxError:
        return key


def _is_marked(value: Any) -> bool:
    """Whether formulaic keeps a note with the value, as it does for factors and splines."""
    return hasattr(value, "__formulaic_metadata__")
