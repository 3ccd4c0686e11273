"""What formulas of files from elsewhere may do when they are evaluated on new data.

formulaic evaluates the expressions of a formula as Python. Those of a file that is not trusted are first looked at, node
by node of their syntax tree: names of columns and of plain values, literals, arithmetic, comparisons and calls of the
functions in `known` pass, everything else is refused. Constants cannot grow without bound (``9**9**9``, ``"a" * 10**10``),
and nothing is broadcast to more than one value a row.
"""

from __future__ import annotations

import ast
import datetime as dt
import decimal
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from formulaic import ModelSpec
from formulaic.transforms import ContrastsRegistry

from mixed_glm._formula.functions import ALWAYS, TRANSFORMS
from mixed_glm._formula.known import (
    CONTRASTS,
    COUNTS,
    FUNCTIONS,
    LISTS,
    MOST_LEVELS,
    NUMPY,
    NUMPY_CONSTANTS,
    SUMMARIES,
    Known,
)
from mixed_glm._formula.uses import Expression

MOST_CHARACTERS = 50_000  # of an expression
MOST_BITS = 1024  # of a whole number that only constants make
MOST_TEXTS = 16  # joined to one
DEEPEST = 100

Of = Literal["numbers", "integer", "text", "columns", "contrast", "list", "none", "any"]


class RefusedError(ValueError):
    """An expression that goes beyond what is evaluated for a file that is not trusted."""


@dataclass(frozen=True)
class Value:
    """What is known of a value before it is computed.

    Attributes
    ----------
    of : str
        ``"numbers"``: of numpy or floats; ``"integer"``: one of Python's; ``"text"``: labels of any kind;
        ``"columns"``: several columns or a factor; ``"any"``: what a function of the caller returns.
    size : int
        Bound on an integer; number of texts that were joined; length of a list or of a stored array; powers of what
        is ``"any"``.
    """

    of: Of
    size: int = 0


NUMBERS = Value("numbers")
TRUTH = Value("integer", 1)
_ARITHMETIC = (
    ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.BitAnd, ast.BitOr, ast.BitXor
)  # fmt: skip
_SINGLE = (bytes, dt.date, dt.time, dt.timedelta, decimal.Decimal, pd.Interval, pd.Period, uuid.UUID)
_COMPARISONS = (ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE)


@dataclass(frozen=True)
class Guard:
    """Refuses what goes beyond names, arithmetic and known functions.

    Attributes
    ----------
    given : frozenset of str
        Names whose values the caller gave to `load`: they may be called.
    most : int
        Columns that one function may make.
    """

    given: frozenset[str] = frozenset()
    most: int = 64

    def check(self, expression: str, frame: pd.DataFrame, context: Mapping[str, Any]) -> None:
        """Look at one expression.

        Raises
        ------
        ValueError
            If it is not one that may be evaluated.
        """
        try:
            _Expression(self, frame, context).check(expression)
        except RefusedError as refused:
            raise ValueError(_message(expression, str(refused))) from None

    def check_columns(self, spec: ModelSpec, frame: pd.DataFrame, context: Mapping[str, Any]) -> None:
        """Look at all that formulaic would evaluate to make the columns of `spec`."""
        for factor in {f for term in spec.formula for f in term.factors}:
            if factor.eval_method.value == "python":
                self.check(factor.expr, frame, context)
            elif factor.eval_method.value == "lookup":
                try:
                    _Expression(self, frame, context).name(factor.expr)
                except RefusedError as refused:
                    raise ValueError(_message(factor.expr, str(refused))) from None


def _message(expression: str, reason: str) -> str:
    shown = expression if len(expression) <= 300 else expression[:300] + "..."
    return (
        f"formula: {shown!r} of the saved file is not evaluated, because {reason}. Only names, numbers, arithmetic and "
        "known functions are, as the file could hold any code. If you know who made it, load it with trusted=True (--trusted on the command line); "
        "functions of your own can be given by name as context={...}"
    )


class _Expression:
    """One expression, with what its names stand for."""

    def __init__(self, guard: Guard, frame: pd.DataFrame, context: Mapping[str, Any]) -> None:
        self._guard = guard
        self._frame = frame
        self._context = context
        self._parsed = Expression(ast.Constant(None), {}, {})
        self._depth = 0

    def check(self, expression: str) -> None:
        if len(expression) > MOST_CHARACTERS:
            raise RefusedError(f"it is longer than {MOST_CHARACTERS:,} characters")
        try:
            self._parsed = Expression.parse(expression)
        except ValueError:
            raise RefusedError("it is no expression, or too long a one") from None
        self._value(self._parsed.tree)

    def name(self, name: str) -> Value:
        """What a name stands for: a column, or a plain value."""
        original = self._parsed.names.get(name, name)
        if original in self._frame.columns:
            return _of_column(self._frame[original])
        if original in self._context:
            return _of_constant(self._context[original], original)
        known = FUNCTIONS.get(name)
        if known is not None and name in TRANSFORMS and known.gives == "contrast":
            return Value("contrast")
        raise RefusedError(f"{name!r} is neither a column nor a plain value")

    def _value(self, node: ast.AST) -> Value:
        self._depth += 1
        if self._depth > DEEPEST:
            raise RefusedError("it is nested too deeply")
        try:
            found = self._kinds[type(node)](self, node)
        except KeyError:
            raise RefusedError(f"it holds {_called(node)}") from None
        self._depth -= 1
        return found

    def _constant(self, node: ast.Constant) -> Value:
        return _of_constant(node.value, "a literal")

    def _name(self, node: ast.Name) -> Value:
        return self.name(node.id)

    def _attribute(self, node: ast.Attribute) -> Value:
        owner = self._owner(node)
        if owner is np and node.attr in NUMPY_CONSTANTS:
            return NUMBERS
        if owner is ContrastsRegistry and node.attr in CONTRASTS:
            return Value("contrast")
        raise RefusedError(f"it uses the attribute {node.attr!r}")

    def _owner(self, node: ast.Attribute) -> Any:
        """What the attribute is taken of, if that is numpy or formulaic's contrasts."""
        if not isinstance(node.value, ast.Name):
            return None
        name = node.value.id
        found = TRANSFORMS.get(name) if self._parsed.is_function(node.value) else self._context.get(name)
        hidden = name in self._parsed.names or (
            found is self._context.get(name) and name in self._frame.columns
        )
        return found if not hidden and (found is np or found is ContrastsRegistry) else None

    def _list(self, node: ast.List | ast.Tuple) -> Value:
        return _listed([self._plain(element) for element in node.elts])

    def _dict(self, node: ast.Dict) -> Value:
        for key in node.keys:
            if key is None:
                raise RefusedError("it holds '**'")
            self._plain(key)
        return _listed([self._plain(value) for value in node.values])

    def _plain(self, node: ast.AST) -> Value:
        """What stands in a list."""
        value = self._value(node)
        if value.of in ("columns", "contrast", "any"):
            raise RefusedError("it holds a list of columns")
        _require_machine_size(value)
        return value

    def _unary(self, node: ast.UnaryOp) -> Value:
        value = _require_number(self._value(node.operand))
        if isinstance(node.op, ast.Not):
            return TRUTH
        return Value("integer", value.size + 1) if value.of == "integer" else value

    def _binary(self, node: ast.BinOp) -> Value:
        if not isinstance(node.op, _ARITHMETIC):
            raise RefusedError(f"it holds the operator {type(node.op).__name__}")
        left, right = self._value(node.left), self._value(node.right)
        if isinstance(node.op, ast.Add) and "text" in (left.of, right.of):
            return _joined(left, right)
        for side in (left, right):
            _require_number(side)
        if left.of == right.of == "integer":
            return _of_integers(node.op, left.size, right.size)
        for side in (left, right):
            _require_machine_size(side)
        if "any" in (left.of, right.of):
            return _of_anything(node.op, left, right)
        return NUMBERS

    def _boolean(self, node: ast.BoolOp) -> Value:
        """One of the operands."""
        values = [_require_number(self._value(v)) for v in node.values]
        kinds = {v.of for v in values}
        return Value(kinds.pop() if len(kinds) == 1 else "any", max(v.size for v in values))

    def _compare(self, node: ast.Compare) -> Value:
        if not all(isinstance(op, _COMPARISONS) for op in node.ops):
            raise RefusedError("it holds 'in' or 'is'")
        for side in (node.left, *node.comparators):
            value = self._value(side)
            if value.of not in ("text", "none"):
                _require_machine_size(_require_number(value))
        return TRUTH

    def _call(self, node: ast.Call) -> Value:
        if any(isinstance(a, ast.Starred) for a in node.args) or any(k.arg is None for k in node.keywords):
            raise RefusedError("it holds '*' or '**' in a call")
        if isinstance(node.func, ast.Name) and self._is_given(node.func):
            for argument in (*node.args, *(k.value for k in node.keywords)):
                self._value(argument)
            _require_simple_text(node)
            return Value("any")
        if self._is_summary(node):
            return NUMBERS
        known, name = self._function(node.func)
        if getattr(TRANSFORMS.get(name), "__is_stateful_transform__", False):
            _require_simple_text(node)
        return self._result(known, self._arguments(node, known, name))

    def _is_given(self, node: ast.Name) -> bool:
        if not self._parsed.is_function(node) or node.id in ALWAYS or node.id not in self._guard.given:
            return False
        return callable(self._context.get(node.id))

    def _is_summary(self, node: ast.Call) -> bool:
        """``x.mean()`` of numbers."""
        method = node.func
        if (
            node.args
            or node.keywords
            or not isinstance(method, ast.Attribute)
            or method.attr not in SUMMARIES
        ):
            return False
        return self._owner(method) is None and self._value(method.value).of == "numbers"

    def _function(self, node: ast.AST) -> tuple[Known, str]:
        """A function of the closed list, and its name if it is one of formulaic's own."""
        if isinstance(node, ast.Attribute):
            owner = self._owner(node)
            table = NUMPY if owner is np else CONTRASTS if owner is ContrastsRegistry else {}
            if node.attr in table:
                return table[node.attr], ""
        if isinstance(node, ast.Name) and node.id in FUNCTIONS:
            taken = node.id not in ALWAYS and callable(self._context.get(node.id))
            if self._parsed.is_function(node) and not taken and node.id in TRANSFORMS:
                return FUNCTIONS[node.id], node.id
        raise RefusedError(f"it calls {ast.unparse(node)[:100]!r}, which is not a known function")

    def _arguments(self, node: ast.Call, known: Known, name: str) -> list[Value]:
        """Values of the arguments, each checked."""
        if len(node.args) > len(known.takes) or (node.keywords and not known.named):
            raise RefusedError(f"{ast.unparse(node.func)!r} has more arguments than it may")
        given: list[tuple[str, ast.AST]] = list(zip(known.takes, node.args, strict=False))
        for keyword in node.keywords:
            if keyword.arg not in known.takes:
                raise RefusedError(f"{ast.unparse(node.func)!r} has the argument {keyword.arg!r}")
            given.append((str(keyword.arg), keyword.value))
        values = []
        for parameter, argument in given:
            value = self._value(argument)
            _require_machine_size(value)
            self._require_size(parameter, value, name)
            if known.gives in ("numbers", "where") or parameter == known.takes[0]:
                self._require_fitting(known, parameter, value)
            values.append(value)
        return values

    def _require_fitting(self, known: Known, parameter: str, value: Value) -> None:
        """Refuse texts and several columns where one number a row is expected."""
        first = parameter == known.takes[0]
        if value.of == "columns":
            if known.gives not in ("same", "columns"):
                raise RefusedError("it computes with several columns")
        elif value.of == "list" and known.gives in ("numbers", "where") and parameter not in LISTS:
            raise RefusedError("it computes with a list")
        elif value.of == "text" and not ((known.takes_texts and first) or known.gives == "where"):
            raise RefusedError("it computes with texts")

    def _require_size(self, parameter: str, value: Value, name: str) -> None:
        """Refuse options that would make many more columns than the model has."""
        most = self._guard.most
        if parameter in COUNTS or (name == "hashed" and parameter == "levels"):
            most = most if parameter in COUNTS else MOST_LEVELS
            if value.of != "none" and not (value.of == "integer" and value.size <= most):
                raise RefusedError(f"{parameter!r} is not a number of up to {most}")
        elif parameter in LISTS:
            most = most if parameter == "knots" else MOST_LEVELS + 10 * most
            if value.of not in ("none", "contrast", "text") and value.size > most:
                raise RefusedError(f"{parameter!r} has more than {most} entries")

    @staticmethod
    def _result(known: Known, arguments: Sequence[Value]) -> Value:
        if known.gives == "same":
            return arguments[0] if arguments else NUMBERS
        if known.gives == "where":
            texts = [v for v in arguments[1:] if v.of == "text"]
            return max(texts, key=lambda v: v.size) if texts else NUMBERS
        if known.gives == "labels":
            return Value("text", max([1, *(v.size for v in arguments if v.of == "text")]))
        return NUMBERS if known.gives == "numbers" else Value(known.gives)

    _kinds: Mapping[type, Callable[[_Expression, Any], Value]] = {
        ast.Constant: _constant,
        ast.Name: _name,
        ast.Attribute: _attribute,
        ast.List: _list,
        ast.Tuple: _list,
        ast.Dict: _dict,
        ast.UnaryOp: _unary,
        ast.BinOp: _binary,
        ast.BoolOp: _boolean,
        ast.Compare: _compare,
        ast.Call: _call,
    }


def _of_column(column: Any) -> Value:
    """A column of new data."""
    if not isinstance(column, pd.Series):
        raise RefusedError("several columns have the same name")
    dtype = column.dtype
    numeric = pd.api.types.is_numeric_dtype(dtype) or pd.api.types.is_bool_dtype(dtype)
    times = isinstance(dtype, np.dtype) and dtype.kind in "mM"
    return NUMBERS if dtype != object and (numeric or times) else Value("text", 1)


def _of_constant(value: Any, name: str) -> Value:
    """A literal, or a value that was kept with the model."""
    if value is None:
        return Value("none")
    if isinstance(value, int):
        if value.bit_length() > MOST_BITS:
            raise RefusedError(f"it holds a number of more than {MOST_BITS} bits")
        return Value("integer", abs(value))
    if isinstance(value, (float, np.number, np.bool_, pd.Timestamp, pd.Timedelta)):
        return NUMBERS
    if isinstance(value, str):
        return Value("text", 1)
    if isinstance(value, dict):
        return _listed([_of_constant(v, name) for v in value.values()])
    if isinstance(value, (list, tuple, set)):
        return _listed([_of_constant(v, name) for v in value])
    if isinstance(value, (np.ndarray, pd.Series, pd.Index)):
        numeric = isinstance(value.dtype, np.dtype) and value.dtype.kind in "biufmM"
        if value.ndim > 1 or not numeric:
            return Value("list", max((len(value), *value.shape[1:]), default=0))
        return Value("numbers", value.size)
    if isinstance(value, _SINGLE):
        return Value("text", 1)
    raise RefusedError(f"{name} is of type {type(value).__name__}")


def _listed(values: Sequence[Value]) -> Value:
    """A list, with the length of the longest in it."""
    return Value("list", max([len(values), *(v.size for v in values if v.of in ("list", "numbers"))]))


def _of_anything(operator: ast.operator, left: Value, right: Value) -> Value:
    """Arithmetic with what a function of the caller returns, which may be a whole number of Python's."""
    powers = max(v.size for v in (left, right) if v.of == "any")
    if not isinstance(operator, ast.Pow):
        return Value("any", powers)
    if powers or right.of != "integer" or right.size > 16:
        raise RefusedError("it raises what an unknown function returns to a large power")
    return Value("any", 1)


def _joined(left: Value, right: Value) -> Value:
    if not left.of == right.of == "text" or left.size + right.size > MOST_TEXTS:
        raise RefusedError("it adds texts to something else, or too many of them")
    return Value("text", left.size + right.size)


def _of_integers(operator: ast.operator, left: int, right: int) -> Value:
    """Bound on what arithmetic makes of two whole numbers, known before it is done."""
    if isinstance(operator, ast.Div):
        return NUMBERS
    if isinstance(operator, ast.Pow):
        if left > 1 and left.bit_length() * right > MOST_BITS:
            raise RefusedError("it raises a number to a large power")
        return Value("integer", left**right)
    size = left * right if isinstance(operator, ast.Mult) else 2 * max(left, right) + 1
    if size.bit_length() > MOST_BITS:
        raise RefusedError(f"it makes a number of more than {MOST_BITS} bits")
    return Value("integer", size)


def _require_number(value: Value) -> Value:
    if value.of not in ("numbers", "integer", "any"):
        raise RefusedError(
            f"it computes with {'texts' if value.of == 'text' else 'lists or several columns'}"
        )
    return value


def _require_machine_size(value: Value) -> None:
    """Refuse whole numbers that would make numpy compute with Python's."""
    if value.of == "integer" and value.size >= 2**63:
        raise RefusedError("it computes with a number beyond 64 bits")


def _require_simple_text(node: ast.Call) -> None:
    """Refuse quotes within quotes, which formulaic pastes into code that it makes of a call."""
    text = ast.unparse(node)
    if '"' in text or "\\" in text:
        raise RefusedError("a text in it holds a quote, a backslash or an unprintable character")


def _called(node: ast.AST) -> str:
    names = {
        ast.Subscript: "a subscript", ast.Lambda: "a lambda", ast.JoinedStr: "an f-string", ast.NamedExpr: "':='",
        ast.IfExp: "a conditional", ast.Starred: "'*'",
    }  # fmt: skip
    return names.get(type(node), f"Python's {type(node).__name__}")
