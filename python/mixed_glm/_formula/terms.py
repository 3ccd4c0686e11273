"""Wilkinson's notation by formulaic, whatever the names of the columns are."""

from __future__ import annotations

import functools
import keyword
import re
from collections.abc import Iterable
from typing import Literal

from formulaic import Formula, ModelSpec
from formulaic.parser.types import Factor, Term

from mixed_glm._console.plain import plain_message
from mixed_glm._formula.uses import BACKTICKED

_KEPT = 256  # formulas that are not parsed again: to parse one takes longer than to evaluate it
_ALIAS = re.compile(r"_mixed_glm_(\d+)_")


def parsed(formula: str, in_order: bool = False) -> Formula:
    """Terms of a one-sided formula, sorted by degree or (`in_order`) as written.

    Names in back-ticks are hidden from formulaic, which would take some of them for code.

    Raises
    ------
    ValueError
        If it cannot be understood.
    """
    text, names = hidden(formula)
    ordering: Literal["none", "degree"] = "none" if in_order else "degree"
    try:
        terms = _terms_of(text, ordering)
        return Formula(
            [_with_names(term, names) for term in terms] if names else list(terms), _ordering=ordering
        )
    except Exception as error:  # its parser raises a dozen types
        shown = _ALIAS.sub(lambda match: f"`{names[int(match[1])]}`", plain_message(error))
        raise ValueError(f"formula: cannot understand {formula!r}: {shown}") from error


@functools.lru_cache(_KEPT)
def _terms_of(text: str, ordering: Literal["none", "degree"]) -> tuple[Term, ...]:
    return tuple(Formula(text, _ordering=ordering))


def hidden(formula: str) -> tuple[str, list[str]]:
    """Formula with names of Python's kind in the place of those in back-ticks, and what these were."""
    names: list[str] = []

    def hide(match: re.Match[str]) -> str:
        name = match[1]
        if name.isidentifier() and not keyword.iskeyword(name):
            return name
        if name not in names:
            names.append(name)
        return f"_mixed_glm_{names.index(name)}_"

    return BACKTICKED.sub(hide, formula), names


def expression_of(factor: Factor) -> str:
    """Expression of a factor, in back-ticks where it is the name of a column that is no name in Python."""
    name = factor.expr
    if factor.eval_method.value != "lookup" or (name.isidentifier() and not keyword.iskeyword(name)):
        return str(name)
    return f"`{name}`"


def expressions_of(spec: ModelSpec | Formula) -> list[str]:
    """Expressions of all factors of a specification, each once."""
    formula: Iterable[Term] = spec.formula if isinstance(spec, ModelSpec) else spec
    found = (expression_of(f) for term in formula for f in term.factors if f.eval_method.value != "literal")
    return list(dict.fromkeys(found))


def _with_names(term: Term, names: list[str]) -> Term:
    return Term([_with_name(factor, names) for factor in term.factors])


def _with_name(factor: Factor, names: list[str]) -> Factor:
    whole = _ALIAS.fullmatch(factor.expr)
    if whole:
        return Factor(names[int(whole[1])], eval_method="lookup")
    shown = _ALIAS.sub(lambda match: f"`{names[int(match[1])]}`", factor.expr)
    return Factor(shown, eval_method=factor.eval_method.value, kind=factor.kind.value)


def unquoted(expression: str) -> str:
    """Name of a column without its back-ticks, anything else as it is."""
    quoted = BACKTICKED.fullmatch(expression)
    return quoted[1] if quoted else expression
