"""Whether the parts of a file fit each other: expressions stand in several places of it, and its formula says which.

New rows are encoded by what was learnt with a formula, so what stands in the parts must be what the formula that is shown
yields. Otherwise the file was damaged or changed, and is refused.
"""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from formulaic import ModelSpec
from formulaic.parser import DefaultFormulaParser
from formulaic.parser.types import Term
from formulaic.utils.code import format_expr, sanitize_variable_names
from scipy import sparse

from mixed_glm._formula.encoding import Encoding
from mixed_glm._formula.groups import Component, Grouping
from mixed_glm._formula.terms import expression_of, hidden, parsed
from mixed_glm._formula.text import FormulaText, GroupTerm, parse_formula
from mixed_glm._formula.uses import Expression
from mixed_glm._formula.vc_formulas import VcFormula
from mixed_glm._saving.values import DEEPEST
from mixed_glm._spec.design import Design

MOST_WORK = 20_000_000  # to multiply out a formula, about ten seconds
MOST_BRACKETS = 500_000_000  # times the length of a formula, about ten seconds
MOST_STATE = 10_000  # numbers that a transform has learnt
_BY_ROW = ("n_trials", "freq_weights", "offset", "exposure")
_BACKTICKED = re.compile(r"`([^`]+)`")
_RANDOM_SUFFIX = re.compile(
    r"_[abcefghiklmnopqrstuvwxyz]{10}\b"
)  # formulaic's, for aliases of names that are taken
_SETTINGS = {"materializer": "pandas", "ensure_full_rank": True}

TermKey = frozenset[tuple[str, str]]


def require_shapes(arguments: Mapping[str, Any]) -> None:
    """Check what the arguments of a model are before anything is made of them.

    Raises
    ------
    ValueError
        If arrays are none, or are not of one model.
    """
    y, x, z, ident = (arguments[name] for name in ("endog", "exog", "exog_vc", "ident"))
    for name in ("endog", "exog", "ident", *_BY_ROW, "vcp_p", "fe_p"):
        _require(
            arguments.get(name) is None or _is_numeric(arguments[name]), f"its {name} is not made of numbers"
        )
    for name, size in (("fep_names", np.shape(x)[-1:]), ("vcp_names", None), ("vc_names", np.shape(ident))):
        names = arguments[name]
        texts = isinstance(names, list) and all(isinstance(v, str) for v in names)
        _require(texts or (names is None and name == "vc_names"), f"its {name} are not texts")
        _require(
            names is None or size is None or (len(names),) == size, f"its {name} are not as many as columns"
        )
    _require(isinstance(z, sparse.csr_array), "its exog_vc is no sparse matrix")
    _require(np.ndim(y) == np.ndim(ident) == 1 and np.ndim(x) == 2, "its arrays have other dimensions")
    _require(len(y) == len(x) == z.shape[0] and z.shape[1] == len(ident), "its arrays do not belong together")


def require_agreement(encoding: Encoding, design: Design) -> None:
    """Check that all expressions of an encoding are those of its formula.

    Raises
    ------
    ValueError
        If one is not, or if the columns that it makes are not those of `design`.
    """
    _require_types(encoding)
    _require_readable(encoding.formula)
    text = parse_formula(encoding.formula)
    _require(
        _text_parts(encoding.text) == _text_parts(text), "parts of its formula are not those of its formula"
    )
    vc = [c for c in encoding.components if isinstance(c, VcFormula)]
    _require_modest([text.fixed, *(g.effects for g in text.groups), *(_one_sided(c.formula) for c in vc)])
    fixed = _terms(text.fixed)
    _require_spec(encoding.fixed, fixed)
    for component in encoding.components:
        if isinstance(component, VcFormula):
            _require_vc(component)
        else:
            _require_component(component, text.groups)
    _require_state(encoding.state, _all_expressions(text, fixed, vc))
    _require(
        len(encoding.fixed.column_names) == design.exog.shape[1], "its formula has other columns than it"
    )
    inside = {k for term in design.correlated for k in term.components}
    _require(
        all(isinstance(encoding.components[k], Component) for k in inside),
        "its correlated terms are none of its formula",
    )
    widths = np.bincount(design.ident, minlength=len(design.vcp_names)).tolist()
    _require([c.width for c in encoding.components] == widths, "its groups are not its random effects")


def _require(condition: bool, otherwise: str) -> None:
    if not condition:
        raise ValueError(otherwise)


def _is_numeric(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return value.dtype.kind in "biuf"
    return isinstance(value, (int, float))


def _require_types(encoding: Any) -> None:
    _require(isinstance(encoding, Encoding) and isinstance(encoding.text, FormulaText), "its formula is none")
    _require(isinstance(encoding.fixed, ModelSpec), "its formula has no columns")
    known = isinstance(encoding.components, tuple) and all(
        isinstance(c, (Component, VcFormula)) for c in encoding.components
    )
    _require(known, "its random effects are of no known kind")
    named = isinstance(encoding.context, dict) and all(isinstance(k, str) for k in encoding.context)
    _require(named and isinstance(encoding.state, dict), "the values that its formula needs are none")
    texts = (encoding.lost, encoding.by_other_rows)
    lost = all(isinstance(t, tuple) and all(isinstance(k, str) for k in t) for t in texts)
    _require(lost and isinstance(encoding.n_missing, int), "what is said of its formula is not so")


def _text_parts(text: FormulaText) -> Any:
    groups = [(g.effects, g.factors, g.independent) for g in text.groups]
    return text.response, text.kind, text.fixed, text.offsets, groups


def _one_sided(formula: Any) -> str:
    _require(isinstance(formula, str), "a formula of it is no text")
    return str(formula).strip().removeprefix("~")


def _terms(text: str) -> list[Term]:
    return list(parsed(text, in_order=True))


def _key(term: Term) -> TermKey:
    return frozenset((_normal(f.expr), f.eval_method.value) for f in term.factors)


def _normal(expression: str) -> str:
    """Spelling that does not depend on spaces, nor on the versions of Python and formulaic that wrote it."""
    try:
        code = _BACKTICKED.sub(lambda match: "_quoted_" + match[1].encode().hex(), expression)
        return str(format_expr(code.strip()))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return expression.strip()


def _require_spec(spec: ModelSpec, terms: Iterable[Term], by: Callable[[Term], Any] = _key) -> None:
    """Check terms, structure and what was learnt of a specification against the terms of its formula."""
    found = [by(term) for term in spec.formula]
    _require(
        set(found) == {by(t) for t in terms} and len(set(found)) == len(found),
        "its terms are not its formula's",
    )
    _require(
        all(getattr(spec, k) == v for k, v in _SETTINGS.items()), "its columns are made in an unknown way"
    )
    known = (
        spec.output in ("pandas", "sparse")
        and not spec.materializer_params
        and spec.na_action.value == "ignore"
    )
    _require(known and spec.cluster_by.value == "none", "its columns are made in an unknown way")
    rows = spec.structure or []
    _require([by(row.term) for row in rows] == found, "its columns are not of its formula")
    for row in rows:
        factors = {f.expr for f in row.term.factors}
        scoped = {f.factor.expr for term in row.scoped_terms for f in term.factors}
        scales = all(type(term.scale) in (int, float) for term in row.scoped_terms)
        names = isinstance(row.columns, list) and all(isinstance(c, str) for c in row.columns)
        _require(scoped <= factors and scales and names, "its columns are not of its formula")
    expressions = {f.expr for term in spec.formula for f in term.factors}
    _require(set(spec.encoder_state) <= expressions, "it knows factors that are not in its formula")
    most = 4096 + 10 * len(spec.column_names)
    for _, state in spec.encoder_state.values():
        _require(
            isinstance(state, dict) and len(state.get("categories") or ()) <= most,
            "its factors have no levels",
        )
    _require_state(spec.transform_state, expressions)


def _require_component(component: Component, groups: Iterable[GroupTerm]) -> None:
    _require(isinstance(component.grouping, Grouping), "its groups are none")
    candidates = [g for g in groups if g.factors == component.grouping.factors]
    _require(bool(candidates), "it has groups that are not in its formula")
    if component.spec is None:
        _require(component.effect is None, "its random effects have no columns")
        return
    _require(component.effect in component.spec.column_names, "its random effects have no columns")
    keys = {_key(term) for term in component.spec.formula}
    fitting = [t for t in (_terms(g.effects) for g in candidates) if {_key(term) for term in t} == keys]
    _require(bool(fitting), "its random effects are not those of its formula")
    _require_spec(component.spec, fitting[0])


def _require_vc(component: VcFormula) -> None:
    terms = _terms(_one_sided(component.formula))
    if component.spec is not None:
        _require_spec(
            component.spec, terms, lambda term: frozenset(_normal(f.expr) for f in term.factors) - {"1"}
        )
    factors = [f for term in terms for f in term.factors]
    expressions = {*(f.expr for f in factors), *map(expression_of, factors)}
    _require(set(component.levels) <= expressions, "it has random effects that are not in its formula")
    used = {f for product in component.products for f, _ in product}
    _require(used <= set(component.levels), "it has random effects that are not in its formula")


def _all_expressions(text: FormulaText, fixed: Iterable[Term], vc: Iterable[VcFormula]) -> set[str]:
    """What may be evaluated apart from formulaic's columns."""
    terms = [*fixed, *(t for g in text.groups for t in _terms(g.effects))]
    terms += [t for c in vc for t in _terms(_one_sided(c.formula))]
    grouping = [f for g in text.groups for f in g.factors]
    return {*text.response, *text.offsets, *grouping, *(f.expr for term in terms for f in term.factors)}


def _require_state(state: Mapping[str, Any], expressions: Iterable[str]) -> None:
    """Check that what transforms have learnt is of calls in the expressions, plain and not large."""
    if not state:
        return
    calls = {call for expression in expressions for call in _calls(expression)}
    for call, learnt in state.items():
        _require(_RANDOM_SUFFIX.sub("", call) in calls, "it knows transforms that are not in its formula")
        _require(_count(learnt) <= MOST_STATE, "what its transforms have learnt is too much, or not numbers")


def _calls(expression: str) -> set[str]:
    """The calls of an expression as it is evaluated, and as formulaic spells them."""
    own = {
        format_expr(node) for node in ast.walk(Expression.of(expression).tree) if isinstance(node, ast.Call)
    }
    return {call.replace('"', r'\\\\"') for call in own} | own | _foreign_calls(expression)


def _foreign_calls(expression: str) -> set[str]:
    try:
        tree = ast.parse(sanitize_variable_names(expression, {}, {}), mode="eval")
        calls = {format_expr(node) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    except (SyntaxError, ValueError, IndexError, RecursionError, MemoryError):
        return set()
    return {_RANDOM_SUFFIX.sub("", call.replace('"', r'\\\\"')) for call in calls}


def _count(value: Any) -> float:
    """How many numbers a learnt state holds; infinite if it holds something else."""
    if value is None or isinstance(value, (float, str)):
        return 1
    if isinstance(value, (pd.Timestamp, pd.Timedelta)):
        return 1
    if isinstance(value, int):
        return 1 if value.bit_length() < 64 else np.inf
    if isinstance(value, dict):
        return 1 + sum(map(_count, value.values()))
    if isinstance(value, (list, tuple)):
        return 1 + sum(map(_count, value))
    return value.size if isinstance(value, np.ndarray) and _is_numeric(value) and value.ndim <= 2 else np.inf


def _require_readable(formula: Any) -> None:
    """Refuse a formula of so many brackets that to find those of each term takes very long."""
    _require(isinstance(formula, str), "its formula is no text")
    depths = itertools.accumulate((char in "([{") - (char in ")]}") for char in formula)
    _require(max(depths, default=0) <= DEEPEST, "its formula is nested too deeply")
    _require(formula.count("(") * len(formula) <= MOST_BRACKETS, "its formula is too long")


def _require_modest(formulas: Iterable[str]) -> None:
    """Refuse formulas that would take very long to multiply out, such as ``(a + b) ** 99``."""
    work = sum(map(_work, formulas))
    _require(work <= MOST_WORK, "its formula has too many terms")


def _work(formula: str) -> float:
    """Rough number of steps of formulaic's parser: it multiplies out products, and copies what is added."""
    parser = DefaultFormulaParser()
    nodes, waiting = [], [parser.get_ast(hidden(formula)[0])]
    while waiting:
        node = waiting.pop()
        nodes.append(node)
        waiting.extend(getattr(node, "args", ()))
    sizes: dict[int, float] = {}
    work = 0.0
    for node in reversed(nodes):
        arguments = [sizes[id(a)] for a in getattr(node, "args", ())]
        symbol = node.operator.symbol if arguments else ""
        size: float = max(1, sum(arguments))
        if symbol in ("*", ":"):
            size += arguments[0] * arguments[1]
        elif symbol in ("**", "^"):
            exponent = re.fullmatch(r"\d{1,3}", str(node.args[1]))
            size = min(arguments[0], 1e9) ** min(int(exponent[0]), 30) + int(exponent[0]) if exponent else 1e9
        sizes[id(node)] = min(size, 1e9)
        work += sizes[id(node)] * (1 if symbol in ("+", "-", "") else 20)
    return work
