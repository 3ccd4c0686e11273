"""How the names in an expression are used: for values row by row, or as something to look up in."""

from __future__ import annotations

import ast
import builtins
import enum
import keyword
import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from formulaic.transforms import ContrastsRegistry

from mixed_glm._formula.functions import LABELS, ROWWISE, TRANSFORMS

BACKTICKED = re.compile(r"`([^`]+)`")

OF_ONE_VALUE = frozenset({
    "mean", "median", "std", "var", "sum", "min", "max", "quantile", "percentile", "nanmean", "nanmedian", "nanstd", "nanvar",
    "nansum", "nanmin", "nanmax", "nanquantile", "nanpercentile", "count", "nunique", "ptp", "prod", "average", "sem", "skew",
    "kurt", "any", "all",
})  # fmt: skip
_SUMMARIES = OF_ONE_VALUE | {"size", "shape", "unique", "mode"}
_EXPLICIT = {
    "loc",
    "iloc",
    "at",
    "iat",
    "get",
    "values",
    "to_numpy",
    "array",
    "tolist",
    "to_list",
    "to_dict",
    "index",
}
_TABLE_METHODS = {"map", "replace", "isin", "reindex", "get", "searchsorted", "take"}


OF_LABELS = frozenset({"C", "hashed", *LABELS})
_MODULES = {"np": np, "contr": ContrastsRegistry}
_WORD = re.compile(r"\w+")


class Use(enum.Enum):
    """What an expression does with the value of a name."""

    ROWS = "one value for each row"
    FUNCTION = "handed to a function that may do anything"
    TABLE = "looked up in, or summarized"


@dataclass(frozen=True)
class Expression:
    """A Python expression of a formula, parsed; ``back-ticked`` names included.

    Attributes
    ----------
    tree : ast.expr
    names : dict of str to str
        What is read in the tree in the place of back-ticked names.
    parents : dict
        The node that holds each node.
    """

    tree: ast.expr
    names: dict[str, str]
    parents: dict[ast.AST, ast.AST]

    @classmethod
    def of(cls, text: str) -> Expression:
        """Parse; what is no Python is the name of a column, which formulaic writes without its back-ticks."""
        if text.isascii() and text.isidentifier() and not keyword.iskeyword(text):
            return cls(ast.Name(text, ast.Load()), {}, {})
        try:
            return cls.parse(text)
        except ValueError:
            return cls(ast.Name("_quoted_0", ast.Load()), {"_quoted_0": text}, {})

    @classmethod
    def parse(cls, text: str) -> Expression:
        """Parse, or raise ValueError."""
        names: dict[str, str] = {}
        words = set(_WORD.findall(BACKTICKED.sub(" ", text)))

        def replace(match: re.Match[str]) -> str:
            return f" {_alias(match[1], names, words)} "

        try:
            tree = ast.parse(BACKTICKED.sub(replace, text).strip(), mode="eval").body
            tree = _Quoted(names, words).visit(tree)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise ValueError(f"formula: {text!r} is not a valid expression") from None
        expression = cls(tree, names, _parents(tree))
        expression._part(words)
        return expression

    def _part(self, words: set[str]) -> None:
        """Give columns that are called like a function of the expression another name in the tree."""
        functions = self.functions()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Name) and node.id in functions and not self.is_function(node):
                node.id = _alias(node.id, self.names, words)

    def is_function(self, node: ast.Name) -> bool:
        """Whether a name is called, or is a module of which something is taken, and not in back-ticks."""
        if node.id in self.names:
            return False
        parent = self.parents.get(node)
        if isinstance(parent, ast.Attribute):
            return node.id in _MODULES and hasattr(_MODULES[node.id], parent.attr)
        return isinstance(parent, ast.Call) and parent.func is node

    def functions(self) -> set[str]:
        """Names of the functions and modules that it calls."""
        nodes = (n for n in ast.walk(self.tree) if isinstance(n, ast.Name))
        return {node.id for node in nodes if self.is_function(node)}

    def variables(self) -> dict[str, str]:
        """Names that it reads as values: in the tree, and in the data."""
        bound = {
            n.id for n in ast.walk(self.tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
        }
        bound |= {n.arg for n in ast.walk(self.tree) if isinstance(n, ast.arg)}
        nodes = (n for n in ast.walk(self.tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load))
        read = {n.id: self.names.get(n.id, n.id) for n in nodes if not self.is_function(n)}
        return {alias: name for alias, name in read.items() if alias not in bound}

    def of_labels(self) -> bool:
        """Whether it is ``C(...)`` or another function that takes labels."""
        return isinstance(self.tree, ast.Call) and _called(self.tree) in OF_LABELS

    def is_computed(self) -> bool:
        """Whether more is done than to name a column, or to call it labels."""
        node = (
            self.tree.args[0]
            if self.of_labels() and isinstance(self.tree, ast.Call) and self.tree.args
            else self.tree
        )
        return not isinstance(node, ast.Name)

    def indexing(self) -> set[str]:
        """Names that only stand in square brackets: ``table[code]``."""
        inside: set[str] = set()
        elsewhere: set[str] = set()
        for name, node in self._occurrences():
            parent = self.parents.get(node)
            (inside if isinstance(parent, ast.Subscript) and parent.slice is node else elsewhere).add(name)
        return inside - elsewhere

    def uses(self, name: str, columns: bool = False) -> set[Use]:
        """All uses of `name`; with `columns`, of what is taken from it by attributes and in brackets."""
        nodes = (node for found, node in self._occurrences() if found == name)
        return {self._use(self._taken(node) if columns else node, columns) for node in nodes}

    def _occurrences(self) -> Iterator[tuple[str, ast.Name]]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and not self.is_function(node):
                yield self.names.get(node.id, node.id), node

    def _taken(self, node: ast.AST) -> ast.AST:
        """The end of the chain ``name.attribute["key"]``."""
        parent = self.parents.get(node)
        while isinstance(parent, (ast.Attribute, ast.Subscript)) and parent.value is node:
            node, parent = parent, self.parents.get(parent)
        return node

    def _use(self, node: ast.AST, taken: bool) -> Use:
        parent = self.parents.get(node)
        if taken and isinstance(node, ast.Attribute) and node.attr in _SUMMARIES | _EXPLICIT:
            whole = isinstance(
                node.value, ast.Name
            )  # frame.sum(axis=1) may be anything, frame.x.sum() is a number
            return Use.FUNCTION if whole else Use.TABLE
        if isinstance(parent, ast.Attribute):
            return Use.TABLE if parent.attr in _SUMMARIES | _EXPLICIT else Use.ROWS
        if isinstance(parent, ast.Subscript):
            return Use.TABLE if parent.value is node else Use.ROWS
        if isinstance(parent, ast.keyword):
            call = self.parents[parent]
            return Use.TABLE if isinstance(call, ast.Call) and _called(call) in TRANSFORMS else Use.FUNCTION
        if isinstance(parent, ast.comprehension):
            return Use.FUNCTION
        return _use_in_call(parent, node) if isinstance(parent, ast.Call) else Use.ROWS


def _use_in_call(call: ast.Call, node: ast.AST) -> Use:
    if call.func is node:  # a method of what was taken from a data frame
        return Use.FUNCTION
    if isinstance(call.func, ast.Attribute):
        of_numpy = isinstance(call.func.value, ast.Name) and call.func.value.id == "np"
        return Use.TABLE if call.func.attr in (_SUMMARIES if of_numpy else _TABLE_METHODS) else Use.ROWS
    name = _called(call)
    if name in ROWWISE:
        return Use.ROWS
    if name in TRANSFORMS:
        return Use.ROWS if call.args and call.args[0] is node else Use.FUNCTION
    if name is not None and hasattr(builtins, name):
        return Use.ROWS if name == "abs" else Use.TABLE
    return Use.FUNCTION


def _called(call: ast.Call) -> str | None:
    return call.func.id if isinstance(call.func, ast.Name) else None


def _alias(name: str, names: dict[str, str], words: set[str]) -> str:
    """Name of Python's kind for a column; the same for the same names of an expression, as transforms are remembered by it."""
    for alias, known in names.items():
        if known == name:
            return alias
    base = re.sub(r"\W", "_", name)
    base = "_" + base if base[:1].isdigit() else base or "_"
    alias, number = base, 0
    while alias in words or alias in names or keyword.iskeyword(alias):
        number += 1
        alias = f"{base}_{number}"
    names[alias] = name
    return alias


def _parents(tree: ast.AST) -> dict[ast.AST, ast.AST]:
    return {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}


class _Quoted(ast.NodeTransformer):
    """``Q("name")`` of patsy as the name in back-ticks."""

    def __init__(self, names: dict[str, str], words: set[str]) -> None:
        self._names, self._words = names, words

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if _called(node) != "Q" or len(node.args) != 1 or node.keywords:
            return node
        name = node.args[0].value if isinstance(node.args[0], ast.Constant) else None
        return ast.Name(_alias(name, self._names, self._words), ast.Load()) if isinstance(name, str) else node
