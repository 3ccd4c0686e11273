"""Tokens of formulas: names may hold dots, as R's do, or stand in back-ticks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal["space", "text", "quoted", "number", "name", "sign"]

_TOKEN = re.compile(
    r"""
      (?P<space>\s+)
    | (?P<text>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')
    | (?P<quoted>`[^`]*`)
    | (?P<number>(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?L?(?![\w.]))
    | (?P<name>[^\W\d][\w.]*)
    | (?P<sign>%in%|%%|%/%|\*\*|//|:::?|==|!=|<=|>=|<<|>>|&&|\|\||:=|.)
    """,
    re.VERBOSE | re.DOTALL,
)
_CLOSING = frozenset(")]}")


@dataclass(frozen=True)
class Token:
    """A piece of a formula.

    Attributes
    ----------
    kind : str
        ``"text"`` in quotes, ``"quoted"`` in back-ticks, ``"number"``, ``"name"``, ``"sign"``.
    text : str
    space : str
        White space before it.
    """

    kind: Kind
    text: str
    space: str = ""


def tokens_of(formula: str) -> list[Token]:
    """All tokens of a formula, white space kept with what follows it."""
    found: list[Token] = []
    space = ""
    for match in _TOKEN.finditer(formula):
        kind, text = match.lastgroup, match[0]
        if kind == "space":
            space = text
            continue
        before = found[-1] if found else None
        if kind == "name" and before is not None and not space and _begins_name(found):
            found[-1] = Token("name", "." + text, before.space)
            continue
        found.append(Token(kind, text, space))  # type: ignore[arg-type]
        space = ""
    if space:
        found.append(Token("sign", "", space))
    return found


def _begins_name(found: list[Token]) -> bool:
    """Whether a dot just before a name belongs to it, as in ``.x``, and is no access to an attribute, as in ``f(x).y``."""
    if found[-1].text != ".":
        return False
    earlier = found[-2] if len(found) > 1 and not found[-1].space else None
    return earlier is None or (earlier.kind == "sign" and earlier.text not in _CLOSING)
