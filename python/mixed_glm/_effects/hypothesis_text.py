"""Hypotheses about parameters as they are written: ``sd(herd) > 0.5``, ``a / b = 1``."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit

from mixed_glm._posterior.linear_text import (
    Linear,
    as_written,
    linear_difference,
    parsed,
    place_of,
    what_is_missing,
    with_placeholders,
)

Floats = npt.NDArray[np.float64]

_RELATION = re.compile(r"([<>]=?|==?|≤|≥)")
_MEANINGS = {"<": "<", "<=": "<", "≤": "<", ">": ">", ">=": ">", "≥": ">", "=": "=", "==": "="}
_FUNCTIONS: dict[str, Callable[[Floats], Floats]] = {
    "exp": np.exp, "log": np.log, "sqrt": np.sqrt, "abs": np.abs, "expit": expit, "logit": logit,
}  # fmt: skip
_OPERATIONS: dict[type[ast.operator], Callable[[Floats, Floats], Floats]] = {
    ast.Add: np.add, ast.Sub: np.subtract, ast.Mult: np.multiply, ast.Div: np.divide, ast.Pow: np.power,
}  # fmt: skip


@dataclass(frozen=True)
class Hypothesis:
    """What is said about the difference of two sides.

    Attributes
    ----------
    text : str
    sides : tuple of str
        With placeholders for the parameters; one, if nothing is said.
    relation : {"<", ">", "=", ""}
    names : list of str
        Of the parameters, by the numbers of their placeholders.
    """

    text: str
    sides: tuple[str, ...]
    relation: str
    names: list[str]

    def linear(self) -> Linear | None:
        """The difference, if it is a linear combination of parameters."""
        try:
            return linear_difference(self.sides, self.names)
        except ValueError:
            return None

    def difference(self, draws: Mapping[str, Floats]) -> Floats:
        """Its value at draws of the parameters.

        Raises
        ------
        ValueError
            If it is not understood.
        """
        with np.errstate(all="ignore"):
            values = [_value(parsed(side, "expression"), self.names, draws) for side in self.sides]
            return np.asarray(values[0] if len(values) == 1 else values[0] - values[1])


def read_hypothesis(text: str, is_name: Callable[[str], bool]) -> Hypothesis:
    """Read a hypothesis.

    Parameters
    ----------
    text : str
        Names are found whatever signs are in them, the longest first; those in back-ticks are names in any case.
    is_name : callable
        Whether a text is the name of a parameter.

    Raises
    ------
    ValueError
        If it is not understood; the message says why.
    """
    names: list[str] = []
    written = with_placeholders(text, is_name, names).replace(
        "^", "**"
    )  # whose precedence Python has as R has that of ^
    left, *others = _RELATION.split(written)
    if "!" in left or len(others) > 2:
        raise ValueError("it must have one of <, > and =, once")
    relation, sides = (_MEANINGS[others[0]], (left, others[1])) if others else ("", (left,))
    for side in sides:
        _check(parsed(side, "expression"), names)
    if not names:
        raise ValueError("it names no parameter")
    return Hypothesis(text.strip(), sides, relation, names)


def _check(node: ast.expr, names: list[str]) -> None:
    """Whether all parts are understood."""
    _value(node, names, {name: np.ones(1) for name in names})


def _value(node: ast.expr, names: list[str], draws: Mapping[str, Floats]) -> Floats:
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        return np.asarray(float(node.value))
    if isinstance(node, ast.Name):
        return draws[names[place_of(node.id, names)]]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.UAdd, ast.USub)):
        value = _value(node.operand, names, draws)
        return -value if isinstance(node.op, ast.USub) else value
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATIONS:
        with np.errstate(all="ignore"):
            both = (_value(side, names, draws) for side in (node.left, node.right))
            return np.asarray(_OPERATIONS[type(node.op)](*both))
    if isinstance(node, ast.Call):
        function = ast.unparse(node.func)
        if function not in _FUNCTIONS or len(node.args) != 1 or node.keywords:
            raise ValueError(
                f"the functions are {', '.join(_FUNCTIONS)}, of one number, got {as_written(node, names)!r}"
            )
        with np.errstate(all="ignore"):
            return np.asarray(_FUNCTIONS[function](_value(node.args[0], names, draws)))
    raise ValueError(what_is_missing(node, names))
