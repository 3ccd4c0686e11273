"""Formulas as R has them, written as Python and formulaic understand them.

Outside of calls a formula is Wilkinson's notation, which formulaic knows. Inside of calls R's expressions become Python's:
``^`` is a power, ``&``, ``|`` and ``!`` bind more loosely than comparisons, names have dots, ``c(1, 2)`` is a list. What is
Python already stays as it is written.
"""

from __future__ import annotations

import keyword
from collections.abc import Collection, Mapping
from typing import Any

from mixed_glm._formula.r_names import ARGUMENTS, Names
from mixed_glm._formula.r_tokens import Token, tokens_of

_POWER, _SIGN, _RANGE, _SPECIAL, _TIMES, _PLUS, _COMPARED, _NOT, _AND, _OR = range(10, 0, -1)
_ATOM = 99
_BINDING = {
    "||": _OR, "|": _OR, "&&": _AND, "&": _AND, **dict.fromkeys(("==", "!=", "<", ">", "<=", ">="), _COMPARED),
    "+": _PLUS, "-": _PLUS, **dict.fromkeys(("*", "/", "//", "%", "@"), _TIMES),
    **dict.fromkeys(("%in%", "%%", "%/%"), _SPECIAL), ":": _RANGE, "^": _POWER, "**": _POWER,
}  # fmt: skip
_PYTHON = {"^": "**", "&&": "&", "||": "|", "%%": "%", "%/%": "//"}
_PREFIXES = {"!": _NOT, "-": _SIGN, "+": _SIGN, "~": _SIGN}
_PAIRS = {"(": ")", "[": "]", "{": "}"}
_KEYWORDS = frozenset(keyword.kwlist) - {"True", "False", "None"}  # what R's grammar does not have
END = Token("sign", "")


def as_python(formula: str, columns: Collection[Any], context: Mapping[str, Any]) -> str:
    """Formula in the notation of formulaic, its expressions in Python's.

    Parameters
    ----------
    formula : str
        With or without a response.
    columns : collection
        Names of the columns of data; a name with dots is one of them before it is anything else.
    context : mapping
        Variables of the caller.

    Raises
    ------
    ValueError
        For what has no counterpart, such as ``.`` for all other columns, with what to write instead.
    """
    try:
        return _Reader(tokens_of(formula), Names(columns, context, formula)).whole()
    except RecursionError:
        raise ValueError(f"formula is nested too deeply: {formula[:60]!r}...") from None


class _Reader:
    """Recursive descent through the tokens of one formula."""

    def __init__(self, tokens: list[Token], names: Names) -> None:
        self._tokens = tokens
        self._names = names
        self._at = 0

    def whole(self) -> str:
        """Response in terms of an expression, then the right-hand side."""
        response = ""
        if any(token.text == "~" for token in self._tokens):
            response = self._binary(_OR + 1)[0] if self._next.text != "~" else ""
        return response + self._terms("")

    @property
    def _next(self) -> Token:
        return self._tokens[self._at] if self._at < len(self._tokens) else END

    def _take(self) -> Token:
        token = self._next
        self._at += 1
        return token

    def _terms(self, closing: str) -> str:
        """Wilkinson's notation up to a closing bracket or the end."""
        written = []
        while self._at < len(self._tokens) and self._next.text != closing:
            token = self._next
            if token.text == "." and token.kind == "sign":
                self._names.refuse_dot()
            if token.text == "(":
                self._take()
                written.append(token.space + "(" + self._terms(")") + self._take().text)
            elif token.kind in ("name", "quoted") or token.text in "{[":
                written.append(self._factor())
            else:
                written.append(token.space + self._take().text)
        return "".join(written)

    def _factor(self) -> str:
        """One factor of a term: a column, or an expression that begins with a name."""
        space, start = self._next.space, self._at
        text, _ = self._primary()
        column = self._at == start + 1
        text = text.strip()
        if text.startswith("[") and self._tokens[start].text == "c":
            self._names.refuse_list()
        if column or text.startswith("{") or (text.isidentifier() and not keyword.iskeyword(text)):
            return space + (self._names.factor(text) if column else text)
        plain = not text.startswith("`") or (text.endswith("`") and text.count("`") == 2)
        return space + (text if plain else "{" + text + "}")

    def _binary(self, least: int, ranges: bool = True) -> tuple[str, int]:
        """An expression of operators that bind at least so much, and how much its last one does."""
        left, binding = self._unary(ranges)
        while True:
            sign = self._next
            level = _BINDING.get(sign.text, 0) if sign.kind == "sign" else 0
            if level < least or level == 0 or (sign.text == ":" and not ranges):
                return left, binding
            self._take()
            right, right_binding = self._binary(level if level == _POWER else level + 1, ranges)
            left, binding = self._joined(sign, level, (left, binding), (right, right_binding))

    def _joined(
        self, sign: Token, level: int, left: tuple[str, int], right: tuple[str, int]
    ) -> tuple[str, int]:
        if sign.text == "%in%":
            return f"{_leading(left[0])}is_in({left[0].strip()}, {right[0].strip()})", _ATOM
        if sign.text == ":":
            return self._names.range(left[0].strip(), right[0].strip()), _ATOM
        if level in (_AND, _OR):
            left, right = _bracketed(left, _COMPARED), _bracketed(right, _COMPARED)
        elif level == _SPECIAL:
            left, right = _bracketed(left, _TIMES), _bracketed(right, _TIMES)
            level = _TIMES
            return f"{_leading(left[0])}({left[0].strip()}{sign.space}{_PYTHON[sign.text]}{right[0]})", _ATOM
        return left[0] + sign.space + _PYTHON.get(sign.text, sign.text) + right[0], level

    def _unary(self, ranges: bool) -> tuple[str, int]:
        sign = self._next
        if sign.kind == "sign" and sign.text in _PREFIXES:
            self._take()
            level = _PREFIXES[sign.text]
            inner = self._binary(level, ranges)
            if sign.text == "!":
                return sign.space + "~" + _bracketed(inner, _SIGN)[0].strip(), _SIGN
            return sign.space + sign.text + inner[0], level
        return self._primary()

    def _primary(self) -> tuple[str, int]:
        """A name, literal or bracket, with the calls, indices and attributes that follow it."""
        token = self._without_package(self._take())
        called = self._next.text == "(" and (not self._next.space or token.kind == "name")
        if token.kind == "number":
            text = token.text.removesuffix("L")
        elif token.kind == "name" and called and token.text not in _KEYWORDS:
            text = self._call(token.text)
        elif token.kind == "name":
            text = self._names.value(token.text)
        elif token.text in _PAIRS:
            text = token.text + self._items(_PAIRS[token.text]) + self._take().text
        else:
            text = token.text
        while self._next.kind == "sign" and not (self._next.space and self._next.text == "."):
            if self._next.text == "$":
                self._names.refuse_dollar(text, self._tokens[min(self._at + 1, len(self._tokens) - 1)].text)
            if self._next.text in ("(", "["):
                text = self._after(text)
            elif self._next.text == "." and text:
                text += self._take().text + self._name()
            else:
                break
        while token.kind == "text" and self._next.kind == "text":  # adjacent texts are one
            text += self._next.space + self._take().text
        return token.space + text, _ATOM

    def _after(self, text: str) -> str:
        """With the arguments or indices that follow; ``[, 1]`` is a column of R's."""
        opening = self._take()
        start = self._at
        inside = self._items(_PAIRS[opening.text])
        closing = self._take().text
        first = self._tokens[start].text if start < len(self._tokens) else ""
        number = inside.replace(",", "").strip()
        if opening.text == "[" and first == "," and number.isdecimal():
            return self._names.column(text, number)
        return f"{text}{opening.space}{opening.text}{inside}{closing}"

    def _name(self) -> str:
        """The name that comes next, if one does."""
        return self._take().text if self._next.kind == "name" else ""

    def _without_package(self, token: Token) -> Token:
        """``splines::ns`` as ``ns``."""
        while token.kind == "name" and self._next.text in ("::", ":::"):
            self._take()
            token = Token("name", self._take().text, token.space)
        return token

    def _call(self, name: str) -> str:
        """``name(...)``: a function, or what is written out at once."""
        self._names.require_known(name)
        opening = self._take()
        inside = self._items(")")
        closing = self._take().text
        return self._names.call(name, opening.space, inside, closing)

    def _items(self, closing: str) -> str:
        """What stands in brackets: arguments, entries, slices, or anything else of Python's."""
        written = []
        while self._at < len(self._tokens) and self._next.text != closing:
            token = self._next
            if token.text in (",", "=", ":=") or (token.text == ":" and closing != ")"):
                written.append(token.space + self._take().text)
            elif self._is_python(closing):
                written.append(self._python(closing))
            elif token.kind == "name" and self._is_argument():
                self._take()
                written.append(token.space + ARGUMENTS.get(token.text, token.text.replace(".", "_")))
            elif token.kind == "sign" and token.text in ("*", "**"):
                written.append(token.space + self._take().text)
            else:
                before = self._at
                written.append(self._binary(_OR, ranges=closing == ")")[0])
                if self._at == before:
                    written.append(self._take().text)
        return "".join(written)

    def _is_argument(self) -> bool:
        following = self._tokens[self._at + 1] if self._at + 1 < len(self._tokens) else END
        return following.text == "=" and following.kind == "sign"

    def _is_python(self, closing: str) -> bool:
        """Whether an item holds words that only Python has: ``lambda``, ``for``, ``if``, ``and``."""
        depth = 0
        for token in self._tokens[self._at :]:
            if token.kind == "sign" and token.text in _PAIRS:
                depth += 1
            elif token.kind == "sign" and token.text in _PAIRS.values():
                if depth == 0:
                    return False
                depth -= 1
            elif depth == 0 and token.text == ",":
                return False
            elif depth == 0 and token.kind == "name" and token.text in _KEYWORDS:
                return True
        return False

    def _python(self, closing: str) -> str:
        """One item as it is written, but for the names in it."""
        written = []
        while self._at < len(self._tokens) and self._next.text not in (closing, ","):
            token = self._next
            if token.kind == "sign" and token.text not in _PAIRS:
                self._take()
                written.append(token.space + _PYTHON.get(token.text, token.text))
            else:
                written.append(self._primary()[0])
        return "".join(written)


def _leading(text: str) -> str:
    return text[: len(text) - len(text.lstrip())]


def _bracketed(operand: tuple[str, int], least: int) -> tuple[str, int]:
    """Operand in brackets, unless it binds more than `least`."""
    text, binding = operand
    if binding > least:
        return operand
    return f"{_leading(text)}({text.strip()})", _ATOM
