"""Split the text of a mixed-model formula: response, fixed part, ``( ... | ... )`` terms, ``offset(...)``.

Only the text is looked at here. The fixed part that is left over is plain Wilkinson notation and is handed to
formulaic as it stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

_OPEN = {"(": ")", "[": "]", "{": "}"}
_QUOTES = "'\"`"
_CALL = re.compile(r"^\s*([A-Za-z_][\w.]*)\s*\((.*)\)\s*$", re.DOTALL)


@dataclass(frozen=True)
class GroupTerm:
    """One ``(effects | group)`` term as written, after ``a/b`` has been spread into ``a`` and ``a:b``.

    Attributes
    ----------
    effects : str
        What varies by group, in Wilkinson notation: ``"1"``, ``"0 + x"``.
    factors : tuple of str
        The grouping factors; several for an interaction ``a:b``.
    independent : bool
        True for ``||``: every column of `effects` is a component of its own.
    text : str
        The term as the user wrote it, for error messages.
    """

    effects: str
    factors: tuple[str, ...]
    independent: bool
    text: str


@dataclass(frozen=True)
class FormulaText:
    """The parts of a formula, each still text.

    Attributes
    ----------
    response : tuple of str
        One expression; or two: successes and failures (``kind="pair"``), or successes and trials
        (``kind="trials"``).
    kind : {"single", "pair", "trials"}
    fixed : str
        The right-hand side without random-effects terms and offsets.
    groups : tuple of GroupTerm
    offsets : tuple of str
        The arguments of all ``offset(...)`` terms; they are added up.
    """

    response: tuple[str, ...]
    kind: Literal["single", "pair", "trials"]
    fixed: str
    groups: tuple[GroupTerm, ...] = field(default=())
    offsets: tuple[str, ...] = field(default=())


def top_level(text: str) -> Iterator[tuple[int, str]]:
    """Yield position and character of everything outside brackets and quotes; brackets count as outside."""
    stack: list[str] = []
    quote = ""
    for position, char in enumerate(text):
        if quote:
            if char == quote:
                quote = ""
        elif char in _QUOTES:
            quote = char
        elif char in _OPEN:
            if not stack:
                yield position, char
            stack.append(_OPEN[char])
        elif char in ")]}":
            if not stack or stack.pop() != char:
                raise ValueError(f"formula has an unmatched {char!r} at position {position}: {text!r}")
            if not stack:
                yield position, char
        elif not stack:
            yield position, char
    if quote or stack:
        missing = quote or stack[-1]
        raise ValueError(f"formula ends before the closing {missing!r}: {text!r}")


def split(text: str, separator: str) -> list[str]:
    """Split `text` at every top-level single-character `separator`; parts are stripped."""
    cuts = [position for position, char in top_level(text) if char == separator]
    starts, ends = [0, *(c + 1 for c in cuts)], [*cuts, len(text)]
    return [text[a:b].strip() for a, b in zip(starts, ends, strict=True)]


def parse_formula(formula: str) -> FormulaText:
    """Take a two-sided mixed-model formula apart.

    Parameters
    ----------
    formula : str
        For example ``"y ~ x + offset(log(t)) + (1 | g) + (0 + x | g)"``.

    Raises
    ------
    ValueError
        If the formula has no response, brackets do not match, or a random-effects term cannot be understood.
    """
    if not isinstance(formula, str):
        raise TypeError(f"formula must be a string, got {type(formula).__name__}")
    if any("\ud800" <= char <= "\udfff" for char in formula):
        raise ValueError(f"formula must be text, got half a character in {formula!a}")
    sides = split(formula, "~")
    if len(sides) != 2 or not sides[0]:
        raise ValueError(f"formula must read 'response ~ terms', got {formula!r}")
    response, kind = _parse_response(sides[0])
    fixed, groups, offsets = _parse_terms(sides[1])
    return FormulaText(response, kind, fixed, tuple(groups), tuple(offsets))


def _parse_response(text: str) -> tuple[tuple[str, ...], Literal["single", "pair", "trials"]]:
    call = _CALL.match(text)
    if call and call[1] == "cbind":
        parts = split(call[2], ",")
        if len(parts) != 2 or not all(parts):
            raise ValueError(f"cbind takes successes and failures, got {text!r}")
        return tuple(parts), "pair"
    bar = split(text, "|")
    if len(bar) == 2:
        call = _CALL.match(bar[1])
        if call and call[1] == "trials" and call[2].strip():
            return (bar[0], call[2].strip()), "trials"
    if len(bar) > 1:
        hint = "; give freq_weights=... as an argument for weights, exposure=... for rates"
        raise ValueError(f"the response may only be followed by '| trials(n)', got {text!r}{hint}")
    parts = split(text, "+")
    if len(parts) == 2 and all(parts):
        return tuple(parts), "pair"
    if len(parts) > 2:
        raise ValueError(f"the response takes one expression or 'successes + failures', got {text!r}")
    return (text,), "single"


def _parse_terms(text: str) -> tuple[str, list[GroupTerm], list[str]]:
    """Take ``( | )`` and ``offset()`` terms out of a right-hand side and return what is left."""
    kept: list[str] = []
    groups: list[GroupTerm] = []
    offsets: list[str] = []
    for sign, term in _signed_terms(text):
        inner = _bracketed(term)
        call = _CALL.match(term)
        bars = inner is not None and len(split(inner, "|")) > 1
        is_offset = call is not None and call[1] == "offset" and _closes_at_end(term)
        if (bars or is_offset) and sign == "-":
            raise ValueError(f"'- {term}' is not a term: random effects and offsets can only be added")
        if bars and inner is not None:
            groups.extend(_parse_group_term(inner, f"({inner})"))
        elif is_offset and call is not None:
            offsets.append(_offset(call[2].strip(), term))
        else:
            _refuse_stray_bars(term)
            kept.append(term if not kept and sign == "+" else f"{sign} {term}")
    return " ".join(kept) if kept else "1", groups, offsets


def _offset(inner: str, term: str) -> str:
    if len([part for part in split(inner, ",") if part]) != 1:
        raise ValueError(
            f"{term!r}: an offset is one expression, as in offset(log(t)); several of them are added as terms"
        )
    return inner


def _signed_terms(text: str) -> list[tuple[str, str]]:
    """Split at top-level + and -, keeping the sign of every term. ``1e-3`` keeps its exponent."""
    pieces: list[tuple[str, str]] = []
    sign, start = "+", 0
    for position, char in top_level(text):
        if char not in "+-":
            continue
        before = text[start:position]
        if re.search(r"(?:^|[^\w.])[\d.]+[eE]$", before):
            continue
        if before.strip():
            if before.rstrip()[-1] in "*:/^~%":
                continue
            pieces.append((sign, before.strip()))
            sign = char
        elif pieces or start:
            sign = "-" if (sign == "-") != (char == "-") else "+"
        else:
            sign = char
        start = position + 1
    rest = text[start:].strip()
    if rest:
        pieces.append((sign, rest))
    elif pieces:
        raise ValueError(f"formula ends with an operator: {text!r}")
    return pieces


def _closes_at_end(term: str) -> bool:
    """Whether the first top-level bracket of `term` closes at its very end."""
    brackets = [position for position, char in top_level(term) if char in "()"]
    return len(brackets) == 2 and brackets[1] == len(term) - 1


def _bracketed(term: str) -> str | None:
    """The inside of ``( ... )``, brackets nested right inside each other removed; None for anything else."""
    inside = None
    while term.startswith("(") and _closes_at_end(term):
        inside = term = term[1:-1].strip()
    return inside


def _parse_group_term(inner: str, text: str) -> Iterator[GroupTerm]:
    parts = split(inner, "|")
    independent = len(parts) == 3 and parts[1] == ""
    if independent:
        parts = [parts[0], parts[2]]
    if len(parts) != 2 or not all(parts):
        raise ValueError(f"a random-effects term reads '(effects | group)', got {text!r}")
    effects, group = parts
    for factors in _spread_nesting(group, text):
        yield GroupTerm(effects, factors, independent, text)


def _spread_nesting(group: str, text: str) -> list[tuple[str, ...]]:
    """``a/b/c`` -> ``a``, ``a:b``, ``a:b:c``; each part may itself be an interaction."""
    group = _bracketed(group) or group
    if len(split(group, "+")) > 1 or len(split(group, "*")) > 1:
        raise ValueError(f"{text!r}: write one term for each grouping factor, '(1 | a) + (1 | b)'")
    nested: list[tuple[str, ...]] = []
    for part in split(group, "/"):
        factors = tuple(_bracketed(f) or f for f in split(_bracketed(part) or part, ":"))
        if not all(factors):
            raise ValueError(f"{text!r}: a grouping factor is missing")
        nested.append((nested[-1] if nested else ()) + factors)
    return nested


def _refuse_stray_bars(term: str) -> None:
    if any(char == "|" for _, char in top_level(term)):
        raise ValueError(f"a random-effects term needs brackets, '({term})'; got {term!r}")
    for position, char in top_level(term):
        plain_bracket = char == "(" and not re.search(r"[\w.`]\s*$", term[:position])
        if plain_bracket and _holds_bar(term[position:]):
            raise ValueError(f"random-effects terms are added at the top level of the formula, got {term!r}")


def _holds_bar(text: str) -> bool:
    """Whether the bracket that opens `text` holds a bar, at any depth of plain brackets."""
    end = next(position for position, char in top_level(text) if char == ")")
    inner = text[1:end]
    if any(char == "|" for _, char in top_level(inner)):
        return True
    return any(
        char == "(" and not re.search(r"[\w.`]\s*$", inner[:position]) and _holds_bar(inner[position:])
        for position, char in top_level(inner)
    )
