"""The data frame and the names that a formula is evaluated with."""

from __future__ import annotations

import ast
import builtins
import functools
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from formulaic.utils.layered_mapping import LayeredMapping

from mixed_glm._console.caller import outside_frame
from mixed_glm._console.plain import plain_message
from mixed_glm._formula.arithmetic import (
    DIFFERENT,
    EQUAL,
    OPERAND,
    REMEMBERED,
    TRUTH,
    PlainKeys,
    guarded,
    is_memorable,
    label_operand,
    number_operand,
    truth_operand,
)
from mixed_glm._formula.columns import number_columns, wide_column, with_columns
from mixed_glm._formula.frames import known_columns
from mixed_glm._formula.functions import ALWAYS, TRANSFORMS
from mixed_glm._formula.guard import Guard
from mixed_glm._formula.labels import distinct, factorize
from mixed_glm._formula.r_math import different, same
from mixed_glm._formula.r_names import unknown_function
from mixed_glm._formula.scope import as_labels, as_numbers
from mixed_glm._formula.stateful_eval import evaluate
from mixed_glm._formula.uses import Expression

_KEPT = 1024  # expressions whose names are remembered: a formula asks for them again and again


@functools.lru_cache(_KEPT)
def names_in(expression: str) -> frozenset[str]:
    """Names that a Python expression reads as values; ``back-ticked`` and ``Q("quoted")`` columns included."""
    return frozenset(Expression.parse(expression).variables().values())


@functools.lru_cache(_KEPT)
def names_of_factor(expression: str) -> frozenset[str]:
    """Like `names_in`, for factors of formulaic, which writes looked-up columns without their back-ticks."""
    return frozenset(Expression.of(expression).variables().values())


def functions_in(expressions: Iterable[str]) -> set[str]:
    """Names of all functions that are called."""
    return set().union(*(_functions_of(e) for e in expressions))


def needs_all(expression: str) -> bool:
    """Whether an expression is missing where one of its columns is; not so if it asks which are missing."""
    return "is_na" not in _functions_of(expression)


@functools.lru_cache(_KEPT)
def _functions_of(expression: str) -> frozenset[str]:
    return frozenset(Expression.of(expression).functions())


def caller_context() -> Mapping[str, Any]:
    """Variables that are visible where the package was called from."""
    frame, _ = outside_frame()
    context: Mapping[str, Any] = LayeredMapping(frame.f_locals, frame.f_globals)
    return context


def resolve_names(
    names: Iterable[str], columns: Iterable[Any], context: Mapping[str, Any], functions: Iterable[str] = ()
) -> dict[str, Any]:
    """Pick what a formula needs from `context`; columns and formulaic's transforms come first.

    Raises
    ------
    ValueError
        If a name is neither a column nor a transform nor defined in `context`, or what is called is no function.
    """
    known = list(columns)
    picked = {}
    for name in sorted(set(names)):
        if name in known or name in ALWAYS:
            continue
        if name in context:
            picked[name] = context[name]
        elif not hasattr(builtins, name):
            hint = "write offset(log(t)); " if name == "offset" else ""
            raise ValueError(
                f"formula refers to {name!r}, which is not a column of data; {hint}{known_columns(name, known)}"
            )
    for name in sorted(set(functions) - ALWAYS):
        if callable(context.get(name)):
            picked[name] = context[name]
        elif name not in TRANSFORMS and not hasattr(builtins, name):
            raise ValueError(unknown_function(name))
    return picked


@dataclass(frozen=True)
class Factor:
    """One evaluated expression.

    Attributes
    ----------
    values : Series, ndarray or other
        As the expression returned it; ``C(...)`` is unwrapped.
    categorical : bool
    standard : bool
        False where the columns of the factor are not one number, or one indicator per level in sorted or
        category order: custom contrasts or levels, splines, two-dimensional results.
    """

    values: Any
    categorical: bool
    standard: bool

    def codes(self, name: str) -> tuple[npt.NDArray[np.intp], pd.Index]:
        """Integer code of every row (-1 where missing) and the levels: categories, or sorted values.

        Raises
        ------
        TypeError, ValueError
            If the values of `name` are no labels, or different ones are written in the same way.
        """
        values = pd.Series(self.values) if not isinstance(self.values, pd.Series) else self.values
        if isinstance(values.dtype, pd.CategoricalDtype):
            codes, levels = values.cat.codes.to_numpy().astype(np.intp), values.cat.categories
        else:
            codes, levels = factorize(values, name)
        return codes, distinct(levels, name)


@dataclass(frozen=True)
class Environment:
    """What expressions are evaluated in.

    Attributes
    ----------
    frame : DataFrame
        As `plain_columns` makes it: labels are exact. Without missing values when a model is made.
    context : mapping
        Other names that the formula uses.
    state : dict
        What transforms like ``center`` have learnt; filled when they meet their first data.
    guard : Guard, optional
        Looks at every expression before it is evaluated.
    groups : dict
        Group of each row by the grouping factors that were looked up so far.
    """

    frame: pd.DataFrame
    context: Mapping[str, Any]
    state: dict[str, Any] = field(default_factory=dict)
    guard: Guard | None = None
    groups: dict[tuple[str, ...], npt.NDArray[np.int32]] = field(default_factory=dict, repr=False)

    @functools.cached_property
    def number_frame(self) -> pd.DataFrame:
        """The frame with its numbers in float64, for everything that is computed."""
        return number_columns(self.frame)

    @functools.cached_property
    def number_context(self) -> dict[str, Any]:
        """The other names, their numbers in float64."""
        return {name: as_numbers(value) for name, value in self.context.items()}

    def evaluate(self, expression: str, labels: bool = False) -> Factor:
        """Evaluate one expression over all rows; with `labels`, one that gives labels, as ``C(...)`` does."""
        name = expression.strip()
        if name.startswith("`") and name.endswith("`") and name[1:-1] in self.frame.columns:
            name = name[1:-1]
        if name in self.frame.columns:
            values: Any = (self.frame if labels else self.number_frame)[name]
        else:
            try:
                values = self.value(expression.strip(), {}, self.state, None, labels=labels)
            except MemoryError:
                raise
            except Exception as error:  # anything a user's expression may raise
                raise ValueError(
                    f"formula: cannot evaluate {expression!r}: {type(error).__name__}: {plain_message(error)}"
                ) from error
        return self._classify(expression, values)

    def value(self, text: str, metadata: Any, state: Any, spec: Any, labels: bool = False) -> Any:
        """Value of an expression as Python has it: whole numbers exact where it gives labels, and else in float64."""
        if self.guard is not None:
            self.guard.check(text, self.frame, self.context)
        expression = Expression.of(text)
        if labels or expression.of_labels():
            columns, operand = self._exact(expression), label_operand
            context: Mapping[str, Any] = {name: as_labels(value) for name, value in self.context.items()}
        else:
            columns, operand, context = self._numbers(expression), number_operand, self.number_context
        values = {}
        for alias, name in expression.variables().items():
            for layer in (columns, context, TRANSFORMS):
                if name in layer:
                    values[alias] = layer[name]
                    break
        layers = (values, self._functions(expression, context), self._own(operand, state))
        text = guarded(expression, state)
        return evaluate(text, LayeredMapping(*layers), metadata, PlainKeys(state), spec)

    def _functions(self, expression: Expression, context: Mapping[str, Any]) -> dict[str, Any]:
        """What is called: formulaic's functions before the caller's, and these before R's."""
        found = {}
        for name in expression.functions():
            if name not in ALWAYS and callable(context.get(name)):
                found[name] = context[name]
            elif name in TRANSFORMS:
                found[name] = TRANSFORMS[name]
        return found

    def _own(self, operand: Callable[[Any], Any], state: MutableMapping[str, Any]) -> dict[str, Any]:
        """Functions that `guarded` writes into expressions."""

        def remembered(text: str, value: Any = None) -> Any:
            if text not in state and is_memorable(value, len(self.frame)):
                state[text] = value.item() if isinstance(value, np.generic) else value
            return state.get(text, value)

        return {
            OPERAND: operand,
            TRUTH: truth_operand,
            EQUAL: same,
            DIFFERENT: different,
            REMEMBERED: remembered,
        }

    def _exact(self, expression: Expression) -> pd.DataFrame:
        """Columns as labels; whole numbers in 64 bits if anything is computed."""
        if not expression.is_computed():
            return self.frame
        return with_columns(self.frame, {n: wide_column(self.frame[n], False) for n in self.frame.columns})

    def _numbers(self, expression: Expression) -> pd.DataFrame:
        """Columns as numbers; but what stands in square brackets is integers."""
        indices = expression.indexing().intersection(self.frame.columns)
        return with_columns(self.number_frame, {n: wide_column(self.frame[n], False) for n in indices})

    def numbers(self, expression: str) -> npt.NDArray[np.float64]:
        """Evaluate an expression that must give one number a row."""
        factor = self.evaluate(expression)
        if factor.categorical or not factor.standard:
            raise ValueError(f"formula: {expression!r} must be numeric, with one value a row")
        return np.asarray(factor.values, dtype=np.float64)

    def _classify(self, expression: str, values: Any) -> Factor:
        metadata = getattr(values, "__formulaic_metadata__", None)
        categorical = metadata is not None and metadata.kind.value == "categorical"
        plain = metadata is None or (categorical and _is_plain_c(expression))
        values = getattr(values, "__wrapped__", values) if metadata is not None else values
        if not isinstance(values, (pd.Series, np.ndarray, pd.Categorical)):
            values = (
                np.asarray(values) if np.ndim(values) == 1 and not isinstance(values, Mapping) else values
            )
        shape = getattr(values, "shape", ())
        if not isinstance(shape, tuple) or shape == ():  # a module or class may have any `shape`
            if not np.isscalar(values):
                return Factor(values, categorical, standard=False)
            values = np.full(len(self.frame), values)
        elif len(shape) != 1 or shape[0] != len(self.frame):
            return Factor(values, categorical, standard=False)
        if not categorical:
            dtype = values.dtype
            categorical = not (pd.api.types.is_numeric_dtype(dtype) or pd.api.types.is_bool_dtype(dtype))
        return Factor(values, categorical, plain)


def _is_plain_c(expression: str) -> bool:
    """Whether the expression is ``C(x)`` or ``factor(x)`` with nothing said about contrasts or levels."""
    tree = Expression.parse(expression).tree
    if not (
        isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name) and tree.func.id in ("C", "factor")
    ):
        return False
    return len(tree.args) == 1 and not tree.keywords
