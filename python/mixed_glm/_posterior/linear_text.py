"""Linear combinations of named parameters, as they are written: ``a - 2 * b = 1``, ``herd[1] - herd[7]``."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

_NUMBER = re.compile(r"(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_HYPOTHESIS = re.compile(r"[<>≤≥]|!=")
_FROM_DRAWS = (
    "result.hypothesis() takes it, or compute it of draws: draws = result.posterior_sample(4000, rng=1).to_frame() has a column "
    "for each parameter"
)


@dataclass(frozen=True)
class Linear:
    """A constant and what parameters are multiplied by.

    Attributes
    ----------
    weights : mapping of str to float
    constant : float
    """

    weights: Mapping[str, float]
    constant: float = 0.0

    def times(self, factor: float) -> Linear:
        """Everything multiplied by a number."""
        return Linear({k: v * factor for k, v in self.weights.items()}, self.constant * factor)

    def plus(self, other: Linear) -> Linear:
        """The sum of both."""
        names = dict.fromkeys([*self.weights, *other.weights])
        total = {k: self.weights.get(k, 0.0) + other.weights.get(k, 0.0) for k in names}
        return Linear(total, self.constant + other.constant)


class NotLinearError(ValueError):
    """What stands there is understood, and is no linear combination."""


def read_linear(text: str, is_name: Callable[[str], bool]) -> Linear:
    """Read a combination, or an equation, whose sides are subtracted.

    Parameters
    ----------
    text : str
        Names are found whatever signs are in them, the longest first; those in back-ticks are names in any case.
    is_name : callable
        Whether a text is the name of a parameter.

    Raises
    ------
    NotLinearError
        If it is not linear.
    ValueError
        If it is not understood; the message says why.
    """
    names: list[str] = []
    sides = with_placeholders(text, is_name, names)
    if _HYPOTHESIS.search(sides):
        raise NotLinearError(
            "it is a hypothesis: write the difference of both sides, and see the column P(> 0) for the probability that "
            "it is positive, or ask result.hypothesis()"
        )
    if "," in sides:
        raise ValueError("it must be one contrast; give several as a list")
    parts = [_linear_of(side, names) for side in re.split("==?", sides)]
    if len(parts) > 2:
        raise ValueError("it has more than one equals sign")
    return _difference(parts)


def with_placeholders(text: str, is_name: Callable[[str], bool], names: list[str]) -> str:
    """The text with ``_0_``, ``_1_``, ... in the place of names, which are added to `names`."""
    out, place = "", 0
    while place < len(text):
        if text[place] == "`":
            end = text.find("`", place + 1)
            if end < 0:
                raise ValueError("a back-tick is not closed")
            name, place = text[place + 1 : end], end + 1
            if not is_name(name):
                raise ValueError(f"there is no {name!r}")
        else:
            number = _NUMBER.match(text, place)
            found = None if number else _name_at(text, place, is_name)
            if found is None:
                piece = number.group() if number else text[place]
                out, place = out + piece, place + len(piece)
                continue
            name, place = found, place + len(found)
        out += f" _{len(names)}_ "
        names.append(name)
    return out


def _name_at(text: str, place: int, is_name: Callable[[str], bool]) -> str | None:
    """The longest name that stands there; a name ends where a word does."""
    if place and _in_word(text[place - 1]) and _in_word(text[place]):
        return None
    for end in range(len(text), place, -1):
        inside_word = end < len(text) and _in_word(text[end]) and _in_word(text[end - 1])
        if not inside_word and is_name(text[place:end]):
            return text[place:end]
    return None


def _in_word(char: str) -> bool:
    return char.isalnum() or char == "_"


def linear_difference(sides: Sequence[str], names: list[str]) -> Linear:
    """The linear combination that a text with placeholders is, or the difference of two.

    Raises
    ------
    NotLinearError, ValueError
        As `read_linear`.
    """
    return _difference([_linear_of(side, names) for side in sides])


def _linear_of(side: str, names: list[str]) -> Linear:
    return _of_node(parsed(side, "sum"), names)


def _difference(parts: Sequence[Linear]) -> Linear:
    return parts[0] if len(parts) == 1 else parts[0].plus(parts[1].times(-1.0))


def parsed(side: str, kind: str) -> ast.expr:
    """Tree of a text with placeholders, which should be an expression of this kind.

    Raises
    ------
    ValueError
        If it is none.
    """
    try:
        return ast.parse(side.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ValueError(f"it is no {kind} of parameters") from None


def place_of(name: str, names: list[str]) -> int:
    """Number of a placeholder.

    Raises
    ------
    ValueError
        If it is none.
    """
    placeholder = re.fullmatch(r"_(\d+)_", name)
    if placeholder is None or int(placeholder[1]) >= len(names):
        raise ValueError(f"there is no {name!r}")
    return int(placeholder[1])


def _of_node(node: ast.expr, names: list[str]) -> Linear:
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        return Linear({}, float(node.value))
    if isinstance(node, ast.Name):
        return Linear({names[place_of(node.id, names)]: 1.0})
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.UAdd, ast.USub)):
        return _of_node(node.operand, names).times(-1.0 if isinstance(node.op, ast.USub) else 1.0)
    if isinstance(node, ast.BinOp):
        return _of_operation(node.op, _of_node(node.left, names), _of_node(node.right, names))
    if isinstance(node, ast.Call):
        raise NotLinearError(f"it has a function of a parameter in it; {_FROM_DRAWS}")
    raise ValueError(what_is_missing(node, names))


def _of_operation(operator: ast.operator, left: Linear, right: Linear) -> Linear:
    if isinstance(operator, ast.Add):
        return left.plus(right)
    if isinstance(operator, ast.Sub):
        return left.plus(right.times(-1.0))
    if isinstance(operator, ast.Mult):
        if left.weights and right.weights:
            raise NotLinearError(f"it has a product of parameters in it; {_FROM_DRAWS}")
        return right.times(left.constant) if right.weights else left.times(right.constant)
    if isinstance(operator, ast.Div):
        if right.weights:
            raise NotLinearError(f"it divides by a parameter; {_FROM_DRAWS}")
        if right.constant == 0.0:
            raise ValueError("it divides by zero")
        return left.times(1.0 / right.constant)
    raise NotLinearError(f"it is not a sum of parameters times numbers; {_FROM_DRAWS}")


def what_is_missing(node: ast.expr, names: list[str]) -> str:
    """Tell that there is nothing of this kind."""
    return f"there is no {as_written(node, names)!r}"


def as_written(node: ast.expr, names: list[str]) -> str:
    """A part of the tree as text, with names in the place of placeholders."""
    return re.sub(r"\b_(\d+)_\b", lambda found: names[int(found[1])], ast.unparse(node))
